/* SPDX-License-Identifier: Apache-2.0 */
/*
 * self_check_text: what came of comparing stacks with libunwind's, for a person.
 *
 * Whoever reads about a difference looks for a mistake in seep or in unwind data: so all frames
 * outwards of the difference are shown, with their addresses in the module, and of those inside of
 * it the nearest ones.
 */
#include "tools/output/self_check_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/output/frame_text.h"
#include "tools/output/function_name.h"
#include "tools/output/number_text.h"
#include "tools/output/text_line.h"

#define INDENT 4
#define WHOSE_COLUMNS 11 /* "libunwind" and a gap */
#define COMMON_SHOWN 4
#define PART_SHOWN 24
#define NAME_COLUMNS_MIN 16

static bool is_same_text(const char *one, const char *other)
{
	return one == other || (one && other && strcmp(one, other) == 0);
}

static bool is_same_frame(const struct frame *one, const struct frame *other)
{
	return one->offset == other->offset && one->line == other->line &&
	       one->is_inlined == other->is_inlined && is_same_text(one->module, other->module) &&
	       is_same_text(one->function, other->function);
}

/* How many frames the two have in common, from the innermost on. */
static size_t count_common(const struct report_difference *difference)
{
	const struct report_site *ours = &difference->ours, *other = &difference->libunwinds;
	size_t count = 0;

	while (count < ours->frame_count && count < other->frame_count &&
	       is_same_frame(&ours->frames[count], &other->frames[count]))
		count++;
	return count;
}

static void write_frame(FILE *stream, const struct text_style *style, const char *whose,
			const struct report_site *site, const struct frame *frame)
{
	char name[FRAME_NAME_BYTES], place[FRAME_PLACE_BYTES], offset[32] = "";
	struct text_line line;

	text_line_begin(&line, stream, style);
	text_line_pad(&line, INDENT);
	text_line_put(&line, INK_DIM, whose);
	text_line_pad(&line, INDENT + WHOSE_COLUMNS);
	frame_place_in_stack(site, frame, place);
	if (!frame->is_pseudo && frame->function)
		snprintf(offset, sizeof(offset), "+0x%" PRIx64, frame->offset);
	int room = text_line_room(&line) - text_columns(style, place) - (int)strlen(offset) - 4;
	char *fitting = function_name_fit(style, frame_name(frame, name),
					  room > NAME_COLUMNS_MIN ? room : NAME_COLUMNS_MIN);
	text_line_put(&line, frame->is_pseudo ? INK_DIM : INK_PLAIN, fitting ? fitting : "?");
	free(fitting);
	if (place[0]) {
		text_line_put(&line, INK_PLAIN, "  ");
		text_line_put(&line, INK_PLACE, place);
	}
	text_line_put_right(&line, INK_DIM, offset);
	text_line_end(&line);
}

static void write_gap(FILE *stream, const struct text_style *style, const char *whose, size_t count)
{
	struct text_line line;

	text_line_begin(&line, stream, style);
	text_line_pad(&line, INDENT);
	text_line_put(&line, INK_DIM, whose);
	text_line_pad(&line, INDENT + WHOSE_COLUMNS);
	text_line_print(&line, INK_DIM, "… %s frame%s …", number_count(count).text,
			number_plural(count));
	text_line_end(&line);
}

/* The frames from `first` outwards. */
static void write_rest(FILE *stream, const struct text_style *style, const char *whose,
		       const struct report_site *site, size_t first)
{
	size_t end = site->frame_count;
	struct text_line line;

	if (first == end) {
		text_line_begin(&line, stream, style);
		text_line_pad(&line, INDENT);
		text_line_put(&line, INK_DIM, whose);
		text_line_pad(&line, INDENT + WHOSE_COLUMNS);
		text_line_put(&line, INK_DIM, "(the end)");
		text_line_end(&line);
		return;
	}
	if (end - first > PART_SHOWN)
		end = first + PART_SHOWN;
	for (size_t i = first; i < end; i++)
		write_frame(stream, style, i == first ? whose : "", site, &site->frames[i]);
	if (end < site->frame_count)
		write_gap(stream, style, "", site->frame_count - end);
}

static void write_difference(FILE *stream, const struct text_style *style,
			     const struct report_difference *difference, size_t rank)
{
	const struct report_site *ours = &difference->ours;
	size_t common = count_common(difference);
	size_t first = common > COMMON_SHOWN ? common - COMMON_SHOWN + 1 : 0;
	struct text_line line;

	fputc('\n', stream);
	text_line_begin(&line, stream, style);
	text_line_print(&line, INK_TITLE, "%2zu. ", rank);
	text_line_print(&line, INK_PLAIN, "%s capture%s, the first in thread %" PRIu32,
			number_count(difference->count).text, number_plural(difference->count),
			difference->thread_id);
	text_line_end(&line);
	if (first > 0)
		write_gap(stream, style, "both", first);
	for (size_t i = first; i < common; i++)
		write_frame(stream, style, i == 0 ? "both" : "", ours, &ours->frames[i]);
	write_rest(stream, style, "seep", ours, common);
	write_rest(stream, style, "libunwind", &difference->libunwinds, common);
}

static void write_title(FILE *stream, const struct text_style *style,
			const struct seep_self_check *check)
{
	char differences[96] = "no difference", text[224];
	enum ink ink = INK_CALM;

	if (check->different) {
		snprintf(differences, sizeof(differences), "%s of them differ%s",
			 number_count(check->different).text, check->different == 1 ? "s" : "");
		ink = INK_ALARM;
	}
	if (check->compared == 0) {
		ink = INK_WATCH;
		snprintf(text, sizeof(text), "nothing was checked%s",
			 check->flags & SEEP_SELF_CHECK_HAS_NO_LIBUNWIND
				 ? ": libunwind could not be loaded; is libunwind8 installed?"
			 : check->flags & SEEP_SELF_CHECK_IS_OVER
				 ? ": another thread was using libunwind at the fork"
				 : ", no capture was due");
	} else {
		snprintf(text, sizeof(text), "%s capture%s compared, %s",
			 number_count(check->compared).text, number_plural(check->compared),
			 differences);
	}
	text_paragraph(stream, style, ink, "Self-check: ", 12, text);
}

/* One sentence for each count that is not 0. */
static void write_others(FILE *stream, const struct text_style *style, const struct report *report)
{
	const struct seep_self_check *check = &report->profile->self_check->raw;
	uint64_t kept = 0;
	for (size_t i = 0; i < report->difference_count; i++)
		kept += report->differences[i].count;
	const struct {
		uint64_t count;
		const char *meaning;
	} others[] = {
		{check->cut, "cut by seep where libunwind went on, equal up to there"},
		{check->libunwind_gave_up,
		 "given up by libunwind where seep went on, equal up to there"},
		{check->skipped, "could not be compared when it was their turn"},
		{check->different > kept ? check->different - kept : 0,
		 "differ in ways for which there was no room"},
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		char text[224];
		if (!others[i].count)
			continue;
		snprintf(text, sizeof(text), "%s %s", number_count(others[i].count).text,
			 others[i].meaning);
		text_paragraph(stream, style, INK_PLAIN, "", INDENT, text);
	}
}

void self_check_text_write(FILE *stream, const struct text_style *style,
			   const struct report *report)
{
	const struct self_check *check = report->profile->self_check;

	if (!check)
		return;
	fputc('\n', stream);
	write_title(stream, style, &check->raw);
	write_others(stream, style, report);
	for (size_t i = 0; i < report->difference_count; i++)
		write_difference(stream, style, &report->differences[i], i + 1);
	if (report->difference_count) {
		fputc('\n', stream);
		text_paragraph(stream, style, INK_PLAIN, "    ", INDENT,
			       "One of the two is wrong. Please report it, with this and the "
			       "names and versions of the modules.");
	}
}
