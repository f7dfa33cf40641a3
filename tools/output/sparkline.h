/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sparkline: a small curve over time, one character for each part of the time.
 */
#ifndef SEEP_OUTPUT_SPARKLINE_H
#define SEEP_OUTPUT_SPARKLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPARKLINE_MAX_COLUMNS 48
#define SPARKLINE_BYTES (SPARKLINE_MAX_COLUMNS * 3 + 1)

/* Draws `count` values taken at the rising times `t_s` in at most `columns` characters (fewer when
 * there are fewer values). Equal distances are equal times, however irregular the values are taken.
 * The lowest value is at the bottom, the highest on top; changes of less than a tenth are drawn
 * flat rather than blown up. `text` has room for SPARKLINE_BYTES. Returns the columns drawn. */
int sparkline_draw(const double *t_s, const uint64_t *values, size_t count, int columns,
		   bool is_utf8, char *text);

#endif
