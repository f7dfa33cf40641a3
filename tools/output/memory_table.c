/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_table: what the parts have, had at most, how fast each grows, and its curve.
 *
 * Sums of other parts are left out, so that the numbers add up.
 */
#include "tools/output/memory_table.h"

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/output/number_text.h"
#include "tools/output/sparkline.h"
#include "tools/output/text_line.h"

#define INDENT 2
#define LABEL_COLUMNS 21
#define BYTES_COLUMNS 10
#define RATE_COLUMNS 13
#define CURVE_COLUMNS 16
#define MAX_CURVE_POINTS 128

static const struct {
	enum memory_part part;
	const char *label;
} rows[] = {
	{PART_REQUESTED, "requested"},	     {PART_BETWEEN, "free between blocks"},
	{PART_KEPT, "free, kept by malloc"}, {PART_HEAP_RESIDENT, "all that malloc holds"},
	{PART_OUTSIDE, "outside malloc"},    {PART_FILES, "files, shared memory"},
	{PART_OWN, "seep itself"},	     {PART_RESIDENT, "all that is resident"},
	{PART_SWAPPED, "swapped out"},
};

static void put_left_of(struct text_line *line, enum ink ink, int column, const char *text)
{
	text_line_pad(line, column - text_columns(line->style, text));
	text_line_put(line, ink, text);
}

static void put_curve(struct text_line *line, const struct report *report,
		      const struct memory_figure *figure)
{
	double t_s[MAX_CURVE_POINTS];
	uint64_t bytes[MAX_CURVE_POINTS];
	char curve[SPARKLINE_BYTES];
	size_t count = 0;

	for (size_t i = 0; i < report->point_count && count < MAX_CURVE_POINTS; i++) {
		if (figure->series[i] == MEMORY_NOT_KNOWN)
			continue;
		t_s[count] = report->series_t_s[i];
		bytes[count++] = figure->series[i];
	}
	if (count < 2 || text_line_room(line) < CURVE_COLUMNS + 2)
		return;
	sparkline_draw(t_s, bytes, count, CURVE_COLUMNS, line->style->is_utf8, curve);
	text_line_put(line, INK_PLAIN, "  ");
	text_line_put(line, figure->keeps_growing ? INK_WATCH : INK_CALM, curve);
}

static void write_row(struct text_line *line, const struct report *report, size_t row)
{
	const struct memory_figure *figure = &report->process_memory.figures[rows[row].part];
	enum ink ink = rows[row].part == PART_RESIDENT ? INK_TITLE
		       : rows[row].part == PART_OWN    ? INK_DIM
						       : INK_PLAIN;
	int column = INDENT + LABEL_COLUMNS;

	text_line_pad(line, INDENT);
	text_line_put(line, ink, rows[row].label);
	put_left_of(line, ink, column += BYTES_COLUMNS, number_bytes(figure->bytes).text);
	put_left_of(line, ink, column += BYTES_COLUMNS, number_bytes(figure->peak_bytes).text);
	column += RATE_COLUMNS;
	/* The rate of a warm-up, or of a wave, would be misunderstood. */
	if (figure->keeps_growing)
		put_left_of(line, INK_WATCH, column, number_rate(figure->bytes_per_hour).text);
	text_line_pad(line, column);
	put_curve(line, report, figure);
	text_line_end(line);
}

/* When the first column was. */
static const char *moment_name(const struct report *report)
{
	if (report->last_snapshot + 1 < report->profile->snapshot_count)
		return "then";
	return report->profile->is_running ? "now" : "end";
}

/* What malloc holds is the sum of the rows above it, unless those are not known, as with --sample. */
static bool is_shown(const struct memory_figure *figures, enum memory_part part)
{
	if (part == PART_HEAP_RESIDENT && figures[PART_KEPT].is_known)
		return false;
	return figures[part].is_known && figures[part].peak_bytes;
}

void memory_table_write(struct text_line *line, const struct report *report)
{
	int column = INDENT + LABEL_COLUMNS;

	text_line_put(line, INK_TITLE, "Memory");
	put_left_of(line, INK_DIM, column += BYTES_COLUMNS, moment_name(report));
	put_left_of(line, INK_DIM, column += BYTES_COLUMNS, "peak");
	put_left_of(line, INK_DIM, column += RATE_COLUMNS, "growth");
	text_line_end(line);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (is_shown(report->process_memory.figures, rows[i].part))
			write_row(line, report, i);
	}
}
