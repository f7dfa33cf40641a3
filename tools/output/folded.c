/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folded: collapsed stacks, one line each, as flame graph tools read them.
 *
 * The format has no quoting: a ';' or a line break in a name would make other frames out of one.
 * They are replaced as stackcollapse-perf.pl does it, ';' by ':' and the rest by a blank.
 */
#include "tools/output/folded.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/profile.h"
#include "tools/model/reachability.h"
#include "tools/model/report.h"
#include "tools/output/frame_text.h"
#include "tools/output/utf8.h"

struct folded_line {
	char *stack;
	uint64_t value;
};

int folded_value_of(const char *name, enum folded_value *value)
{
	static const char *const names[] = {
		[FOLDED_LIVE_BYTES] = "live_bytes",
		[FOLDED_LIVE_BLOCKS] = "live_blocks",
		[FOLDED_ALLOCATIONS] = "allocations",
		[FOLDED_ALLOCATED_BYTES] = "allocated_bytes",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(name, names[i]) == 0) {
			*value = (enum folded_value)i;
			return 0;
		}
	}
	return -EINVAL;
}

static uint64_t value_of(const struct report_site *site, size_t snapshot, enum folded_value value)
{
	const struct site_point *point = site->site ? site_at(site->site, snapshot) : NULL;

	if (!point)
		return 0;
	const struct block_sum lost =
		site->scanned ? reachability_lost(site->scanned) : (struct block_sum){0};
	switch (value) {
	case FOLDED_LIVE_BYTES:
		return point->live_bytes;
	case FOLDED_LIVE_BLOCKS:
		return point->live_blocks;
	case FOLDED_ALLOCATIONS:
		return point->allocations;
	case FOLDED_LOST_BYTES:
		return lost.bytes;
	case FOLDED_LOST_BLOCKS:
		return lost.blocks;
	case FOLDED_ALLOCATED_BYTES:
	default:
		return point->allocated_bytes;
	}
}

/* A flame graph is XML, which no byte may spoil that a file has in its names. */
static void put_name(FILE *stream, const char *name)
{
	char bytes[UTF8_MAX_BYTES];

	for (uint32_t character; (character = utf8_next(&name)) != 0;) {
		if (character == ';')
			character = ':';
		else if (utf8_is_unsafe(character))
			character = ' ';
		fwrite(bytes, 1, utf8_put(character, bytes), stream);
	}
}

/* The frames from the outermost to the innermost; null without memory. */
static char *stack_of(const struct report_site *site)
{
	char *text = NULL, name[FRAME_NAME_BYTES];
	size_t bytes = 0;
	FILE *stream = open_memstream(&text, &bytes);

	if (!stream)
		return NULL;
	if (site->frame_count == 0)
		fputs("[no stack]", stream);
	for (size_t i = site->frame_count; i-- > 0;) {
		put_name(stream, frame_name(&site->frames[i], name));
		if (i)
			fputc(';', stream);
	}
	if (fclose(stream) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int compare_stacks(const void *left, const void *right)
{
	return strcmp(((const struct folded_line *)left)->stack,
		      ((const struct folded_line *)right)->stack);
}

int folded_write(FILE *stream, const struct report *report, size_t snapshot,
		 enum folded_value value)
{
	struct folded_line *lines = calloc(report->site_count + 1, sizeof(*lines));
	size_t count = 0;
	int result = -ENOMEM;

	if (!lines)
		return -ENOMEM;
	for (size_t i = 0; i < report->site_count; i++) {
		uint64_t site_value = value_of(&report->sites[i], snapshot, value);
		if (site_value == 0)
			continue;
		lines[count] = (struct folded_line){stack_of(&report->sites[i]), site_value};
		if (!lines[count++].stack)
			goto out;
	}
	qsort(lines, count, sizeof(*lines), compare_stacks);
	for (size_t i = 0; i < count;) {
		uint64_t sum = 0;
		size_t first = i;
		for (; i < count && strcmp(lines[i].stack, lines[first].stack) == 0; i++)
			sum += lines[i].value;
		fprintf(stream, "%s %" PRIu64 "\n", lines[first].stack, sum);
	}
	result = 0;
out:
	for (size_t i = 0; i < count; i++)
		free(lines[i].stack);
	free(lines);
	return result;
}
