/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asks_for_thousands_of_snapshots: one before and one after each of its jobs, as a test suite may, with
 * a label that says so. Its status is the number of those that were refused, as far as a status can
 * tell.
 *
 * The test is in test_snapshots.py.
 */
#include <stdio.h>
#include <stdlib.h>

#include "seep.h"

#define JOBS 2000

int main(void)
{
	int refused = 0;
	char label[128];

	for (int job = 0; job < JOBS; job++)
		for (int is_after = 0; is_after < 2; is_after++) {
			void *volatile block = malloc(100);
			/* Long, so that it takes fewer to fill the file. */
			snprintf(label, sizeof(label), "%-100s", is_after ? "after" : "before");
			refused += seep_snapshot(label) != 0;
			if (!is_after)
				free(block);
		}
	return refused < 100 ? refused : 100;
}
