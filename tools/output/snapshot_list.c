/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_list: the snapshots in a file as a table.
 *
 * The first column is what FILE@SNAP takes, the last one the label, which may be long. A label is
 * what somebody looks for: where the line is too short for it, columns that can be had elsewhere
 * go.
 */
#include "tools/output/snapshot_list.h"

#include <inttypes.h>
#include <string.h>

#include "tools/model/profile.h"
#include "tools/output/number_text.h"
#include "tools/output/text_line.h"

enum list_column {
	COLUMN_NUMBER,
	COLUMN_TIME,
	COLUMN_WHY,
	COLUMN_BYTES,
	COLUMN_CHANGE,
	COLUMN_BLOCKS,
	COLUMN_ALLOCATIONS,
	COLUMN_HEAP,
	COLUMN_RSS,
	COLUMN_LABEL,
	COLUMN_COUNT
};

#define LABEL_ROOM 24

struct list_row {
	char cells[COLUMN_COUNT][136];
};

static const char *reason_name(enum seep_snapshot_reason reason)
{
	switch (reason) {
	case SEEP_REASON_INTERVAL:
		return "interval";
	case SEEP_REASON_REQUEST:
		return "request";
	case SEEP_REASON_GROWTH:
		return "growth";
	case SEEP_REASON_FINAL:
		return "end";
	case SEEP_REASON_EXEC:
		return "exec";
	case SEEP_REASON_FORK:
		return "fork";
	case SEEP_REASON_MARK:
		return "mark";
	case SEEP_REASON_MEMORY:
		return "memory";
	default:
		return "?";
	}
}

static void fill_row(struct list_row *row, const struct profile *profile, size_t index)
{
	const struct snapshot *snapshot = &profile->snapshots[index];
	uint64_t before = index ? profile->snapshots[index - 1].raw.live_bytes : 0;
	int64_t change = (int64_t)(snapshot->raw.live_bytes - before);
	size_t size = sizeof(row->cells[0]);

	snprintf(row->cells[COLUMN_NUMBER], size, "%" PRIu32, snapshot->number);
	snprintf(row->cells[COLUMN_TIME], size, "%s", number_duration(snapshot->time_s).text);
	snprintf(row->cells[COLUMN_WHY], size, "%s", reason_name(snapshot->reason));
	snprintf(row->cells[COLUMN_BYTES], size, "%s", number_bytes(snapshot->raw.live_bytes).text);
	snprintf(row->cells[COLUMN_CHANGE], size, "%s", number_bytes_change(change).text);
	snprintf(row->cells[COLUMN_BLOCKS], size, "%s",
		 number_count(snapshot->raw.live_blocks).text);
	snprintf(row->cells[COLUMN_ALLOCATIONS], size, "%s",
		 number_count(snapshot->raw.allocations).text);
	/* What the allocators hold of that. */
	if (snapshot->raw.heap_resident_bytes)
		snprintf(row->cells[COLUMN_HEAP], size, "%s",
			 number_bytes(snapshot->raw.heap_resident_bytes).text);
	else
		strcpy(row->cells[COLUMN_HEAP], "?");
	if (snapshot->raw.rss_bytes)
		snprintf(row->cells[COLUMN_RSS], size, "%s",
			 number_bytes(snapshot->raw.rss_bytes).text);
	else
		strcpy(row->cells[COLUMN_RSS], "?");
	snprintf(row->cells[COLUMN_LABEL], size, "%s", snapshot->label);
}

static bool is_left(enum list_column column)
{
	return column == COLUMN_WHY || column == COLUMN_LABEL;
}

/* Hides columns until the line is short enough for LABEL_ROOM of the label, or for all of it. */
static void make_room_for_label(int line_width, int label_width, int *widths)
{
	static const enum list_column dispensable[] = {COLUMN_HEAP, COLUMN_ALLOCATIONS,
						       COLUMN_CHANGE, COLUMN_RSS};
	int needed = label_width < LABEL_ROOM ? label_width : LABEL_ROOM;

	for (int column = 0; column < COLUMN_LABEL; column++)
		needed += widths[column] ? widths[column] + 2 : 0;
	for (size_t i = 0; needed > line_width && i < sizeof(dispensable) / sizeof(*dispensable);
	     i++) {
		if (!widths[dispensable[i]])
			continue;
		needed -= widths[dispensable[i]] + 2;
		widths[dispensable[i]] = 0;
	}
}

static void write_row(struct text_line *line, enum ink ink, const struct list_row *row,
		      const int *widths)
{
	int column_end = 0;

	for (int column = 0; column < COLUMN_COUNT; column++) {
		int width = text_columns(line->style, row->cells[column]);
		if (widths[column] == 0)
			continue; /* hidden */
		int begin = column_end + (column ? 2 : 0);
		column_end = begin + widths[column];
		text_line_pad(line, is_left(column) ? begin : column_end - width);
		text_line_put(line, column == COLUMN_NUMBER ? INK_TITLE : ink, row->cells[column]);
	}
	text_line_end(line);
}

void snapshot_list_write(FILE *stream, const struct text_style *style,
			 const struct profile *profile)
{
	struct list_row row = {
		{"#", "time", "why", "live", "change", "blocks", "allocations", "heap", "rss", "label"}};
	int widths[COLUMN_COUNT];
	struct text_line line;
	int label_width = 0;
	bool is_heap_known = false;

	text_line_begin(&line, stream, style);
	if (profile->snapshot_count == 0) {
		text_line_put(&line, INK_PLAIN, "There is no snapshot in the file.");
		text_line_end(&line);
		return;
	}
	for (int column = 0; column < COLUMN_COUNT; column++)
		widths[column] = text_columns(style, row.cells[column]);
	for (size_t i = 0; i < profile->snapshot_count; i++) {
		struct list_row measured = {{""}};
		fill_row(&measured, profile, i);
		is_heap_known |= profile->snapshots[i].raw.heap_resident_bytes > 0;
		for (int column = 0; column < COLUMN_LABEL; column++) {
			int width = text_columns(style, measured.cells[column]);
			widths[column] = width > widths[column] ? width : widths[column];
		}
		int width = text_columns(style, measured.cells[COLUMN_LABEL]);
		label_width = width > label_width ? width : label_width;
	}
	if (!is_heap_known)
		widths[COLUMN_HEAP] = 0;
	make_room_for_label(style->width, label_width, widths);
	write_row(&line, INK_TITLE, &row, widths);
	for (size_t i = 0; i < profile->snapshot_count; i++) {
		struct list_row filled = {{""}};
		fill_row(&filled, profile, i);
		write_row(&line, INK_PLAIN, &filled, widths);
	}
	if (profile->sample_bytes) {
		text_line_print(&line, INK_NOTE, "Estimates, from one block in %s allocated.",
				number_bytes(profile->sample_bytes).text);
		text_line_end(&line);
	}
}
