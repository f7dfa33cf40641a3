/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idles: allocates once, sleeps for half a second, and looks at its own memory.
 *
 * What a tracker has without anything to track, after its first snapshots by the clock.
 *
 *     idles
 *
 * Prints resident bytes with page tables, and how many of them are dirty and nobody else's.
 */
#include "tests/bench/programs/footprint.h"
#include "tests/bench/programs/stopwatch.h"

int main(void)
{
	void *ptr = malloc(100);

	usleep(500000);
	printf("{\"bytes\":%.0f,\"dirty_bytes\":%.0f,\"allocations\":1}\n",
	       footprint_bytes() + footprint_table_bytes(), footprint_dirty_bytes());
	free(ptr);
	return 0;
}
