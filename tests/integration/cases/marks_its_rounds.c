/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marks_its_rounds: does the same work five times, keeps 10 blocks of each, and marks the state that
 * it then comes back to. The label of the last mark is longer than one may be. Ends with 0 when every
 * mark is answered as seep.h says, with and without seep.
 *
 * The test is in test_snapshots.py.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "seep.h"

#define ROUNDS 5
#define KEPT 10

static void *volatile kept[ROUNDS][KEPT];

__attribute__((noinline)) static void *keep(void)
{
	return malloc(100);
}

int main(void)
{
	const int refused = seep_is_watching() ? EINVAL : 0;
	char long_label[300];

	memset(long_label, 'x', sizeof(long_label) - 1);
	long_label[sizeof(long_label) - 1] = 0;
	errno = EDOM;
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < KEPT; i++)
			kept[round][i] = keep();
		if (seep_mark("busy") != 0)
			return 1;
		free(malloc(1000));
		if (seep_mark("idle") != 0)
			return 2;
	}
	if (seep_mark(NULL) != refused || seep_mark("") != refused)
		return 3;
	if (seep_mark(long_label) != 0)
		return 4;
	return errno == EDOM ? 0 : 5;
}
