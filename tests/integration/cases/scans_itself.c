/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scans_itself: a program that asks for scans, loses a block after each, and says what came of it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scan_point.h"
#include "seep.h"

APART static void lose(void)
{
	void *volatile block = malloc(40);

	block = NULL;
	(void)block;
}

int main(void)
{
	char label[16];

	for (int i = 0; i < 3; i++) {
		snprintf(label, sizeof(label), "round %d", i);
		lose();
		wipe_traces();
		errno = 5;
		printf("%s: %s\n", label, strerror(seep_scan(label)));
		if (errno != 5)
			printf("errno was changed\n");
	}
	return 0;
}
