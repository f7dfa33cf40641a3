/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outlives_its_helper: says when it is ready, and for each line that it reads allocates, asks for a
 * snapshot, and says whether that was taken.
 *
 * The test is in test_hazards.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "seep.h"

void *blocks[100];

__attribute__((noinline)) static void *keep(void)
{
	return malloc(100);
}

int main(void)
{
	int used = 0;
	char letter;

	if (!seep_is_watching())
		return 3;
	dprintf(1, "ready\n");
	while (used < 90 && read(0, &letter, 1) == 1) {
		for (int i = 0; i < 10; i++)
			blocks[used++] = keep();
		dprintf(1, seep_snapshot("asked") ? "refused\n" : "taken\n");
	}
	return 6;
}
