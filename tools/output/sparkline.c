/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sparkline: a small curve over time, one character for each part of the time.
 *
 * Snapshots are not equally far apart (adaptive intervals, growth thresholds, requests), so the
 * values are laid on a time axis first: a column shows the state at its end. The last column is
 * therefore always the newest value.
 */
#include "tools/output/sparkline.h"

#include <string.h>

#define LEVEL_COUNT 8

static const char *const levels_utf8[LEVEL_COUNT] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const levels_ascii[LEVEL_COUNT] = {"_", ".", ":", "-", "=", "+", "*", "#"};

/* The value in force at the end of each column. */
static void lay_on_time(const double *t_s, const uint64_t *values, size_t count, int columns,
			uint64_t *laid)
{
	double begin = t_s[0];
	double span = t_s[count - 1] - begin;
	size_t index = 0;

	for (int column = 0; column < columns; column++) {
		double end = begin + span * (column + 1) / columns;
		if (column == columns - 1 || !(span > 0)) {
			/* Not by comparison of times: rounding must not lose the last value. */
			index = span > 0 ? count - 1 : (size_t)column * count / (size_t)columns;
		} else {
			while (index + 1 < count && t_s[index + 1] <= end)
				index++;
		}
		laid[column] = values[index];
	}
}

static int level_of(uint64_t value, uint64_t lowest, uint64_t highest)
{
	double range = (double)highest - (double)lowest;
	double base = (double)lowest;

	if (highest == 0)
		return 0;
	if (range < 0.1 * (double)highest) {
		range = 0.1 * (double)highest;
		base = ((double)lowest + (double)highest - range) / 2;
	}
	int level = (int)(((double)value - base) / range * LEVEL_COUNT);
	return level < 0 ? 0 : level >= LEVEL_COUNT ? LEVEL_COUNT - 1 : level;
}

int sparkline_draw(const double *t_s, const uint64_t *values, size_t count, int columns,
		   bool is_utf8, char *text)
{
	uint64_t laid[SPARKLINE_MAX_COLUMNS];
	uint64_t lowest, highest;

	text[0] = 0;
	if (columns > SPARKLINE_MAX_COLUMNS)
		columns = SPARKLINE_MAX_COLUMNS;
	if ((size_t)columns > count)
		columns = (int)count;
	if (columns <= 0)
		return 0;
	lay_on_time(t_s, values, count, columns, laid);
	lowest = highest = laid[0];
	for (int column = 1; column < columns; column++) {
		lowest = laid[column] < lowest ? laid[column] : lowest;
		highest = laid[column] > highest ? laid[column] : highest;
	}
	for (int column = 0; column < columns; column++) {
		int level = level_of(laid[column], lowest, highest);
		strcat(text, is_utf8 ? levels_utf8[level] : levels_ascii[level]);
	}
	return columns;
}
