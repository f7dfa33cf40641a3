/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_blocks: allocates blocks of one size, keeps them all, and watches its own memory grow.
 *
 * The slope over eight stages is what one more block costs, whatever the process had before and
 * wherever a table happened to double. What remains after the same figure without a tracker
 * has been taken off is the tracker's memory per live block.
 *
 *     keeps_blocks BYTES BLOCKS
 *
 * Prints resident bytes per block, and bytes of page tables.
 */
#include "tests/bench/programs/footprint.h"
#include "tests/bench/programs/stopwatch.h"

enum { STAGES = 8 };

/* The slope of the line through the points that misses them least. */
static double slope(const double *x, const double *y, int count)
{
	double mean_x = 0, mean_y = 0, above = 0, below = 0;

	for (int i = 0; i < count; i++) {
		mean_x += x[i] / count;
		mean_y += y[i] / count;
	}
	for (int i = 0; i < count; i++) {
		above += (x[i] - mean_x) * (y[i] - mean_y);
		below += (x[i] - mean_x) * (x[i] - mean_x);
	}
	return above / below;
}

int main(int argc, char **argv)
{
	static const char usage[] = "BYTES BLOCKS";
	size_t bytes = (size_t)number_at(argc, argv, 1, usage);
	long blocks = number_at(argc, argv, 2, usage), count = 0;
	double x[STAGES], y[STAGES], tables[STAGES];
	void **kept;

	if (blocks < STAGES) {
		fprintf(stderr, "%s: BLOCKS is %d or more\n", argv[0], STAGES);
		return 2;
	}
	kept = malloc((size_t)blocks * sizeof(*kept));
	/* Its pages are all there before the first stage. */
	memset(kept, 1, (size_t)blocks * sizeof(*kept));
	for (int stage = 0; stage < STAGES; stage++) {
		for (; count < blocks * (stage + 1) / STAGES; count++)
			kept[count] = malloc(bytes);
		x[stage] = (double)count;
		y[stage] = footprint_bytes();
		tables[stage] = footprint_table_bytes();
	}
	printf("{\"bytes_per_block\":%.3f,\"page_table_bytes_per_block\":%.3f,\"allocations\":%ld}"
	       "\n",
	       slope(x, y, STAGES), slope(x, tables, STAGES), blocks + 1);
	for (long i = 0; i < blocks; i++)
		free(kept[i]);
	free(kept);
	return 0;
}
