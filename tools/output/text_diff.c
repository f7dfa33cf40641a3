/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_diff: what grew between two snapshots, for a person.
 *
 * The line of a site is the one that users of tracemalloc and UMDH know: change first, then what
 * there is now, and the totals at the end. Sites that grew have their stack, sites that shrank one
 * line of it. Where most of the growth may be traffic, a line says so: it is why such a site does not
 * stand further up.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/scan.h"
#include "tools/output/lost_text.h"
#include "tools/output/number_text.h"
#include "tools/output/report_walk.h"
#include "tools/output/stack_text.h"
#include "tools/output/text_header.h"
#include "tools/output/text_line.h"
#include "tools/output/text_report.h"
#include "tools/output/verdict_text.h"

#define STACK_INDENT 6

struct text_diff {
	FILE *stream;
	const struct text_report_options *options;
	bool is_gap_due;
};

/* "  old       run.seep, snapshot 3 at 3.0 s: 2.10 MiB in 12,000 blocks" */
static void write_state(const struct text_diff *context, const char *label, const char *source,
			const struct profile *profile, size_t index)
{
	const struct snapshot *snapshot = &profile->snapshots[index];
	struct text_line line;
	const struct scan *scan = profile_scan(profile, index);
	char state[256], name[160] = "";

	if (*snapshot->label)
		snprintf(name, sizeof(name), " \"%.130s\"", snapshot->label);
	snprintf(state, sizeof(state), "snapshot %" PRIu32 "%s at %s: ", snapshot->number, name,
		 number_duration(snapshot->time_s).text);
	text_line_begin(&line, context->stream, &context->options->style);
	text_line_print(&line, INK_TITLE, "  %s", label);
	text_line_pad(&line, 12);
	text_line_put(&line, INK_PLAIN, state);
	text_line_print(&line, INK_TITLE, "%s", number_bytes(snapshot->raw.live_bytes).text);
	text_line_print(&line, INK_PLAIN, " in %s block%s",
			number_count(snapshot->raw.live_blocks).text,
			number_plural(snapshot->raw.live_blocks));
	if (scan && scan->raw.outcome == SEEP_SCAN_DONE)
		text_line_print(
			&line, INK_PLAIN, ", %s lost",
			number_bytes(scan->raw.definitely_bytes + scan->raw.indirectly_bytes).text);
	if (source)
		text_line_print(&line, INK_DIM, "  (%s)", source);
	text_line_end(&line);
}

/* "17 sites grew by 2.20 MiB, 3 shrank by 90.0 KiB." */
static void write_conclusion(const struct report_view *view, const struct text_diff *context)
{
	struct text_line line;
	size_t grown = view->change.grown_count, shrunk = view->change.shrunk_count;

	text_line_begin(&line, context->stream, &context->options->style);
	text_line_end(&line);
	if (grown) {
		text_line_print(&line, INK_WATCH, "%s site%s grew", number_count(grown).text,
				number_plural(grown));
		text_line_print(&line, INK_TITLE, " by %s",
				number_bytes((uint64_t)view->change.grown_bytes).text);
	} else {
		text_line_put(&line, INK_CALM, "No site grew");
	}
	if (shrunk)
		text_line_print(&line, INK_TITLE, ", %s shrank by %s", number_count(shrunk).text,
				number_bytes(0 - (uint64_t)view->change.shrunk_bytes).text);
	/* Between two runs no time passed that would mean anything. */
	if (view->report->old == view->report->profile && view->report->span_s > 0)
		text_line_print(&line, INK_TITLE, " within %s",
				number_duration(view->report->span_s).text);
	text_line_put(&line, INK_TITLE, ".");
	text_line_end(&line);
}

static int begin_diff(const struct report_view *view, void *context_)
{
	struct text_diff *context = context_;
	const struct report *report = view->report;

	text_header_write(context->stream, &context->options->style, report);
	if (report->old->snapshot_count)
		write_state(context, "old", context->options->old_source, report->old,
			    report->old_snapshot);
	if (report->profile->snapshot_count)
		write_state(context, "new", context->options->source, report->profile,
			    report->last_snapshot);
	write_conclusion(view, context);
	context->is_gap_due = true;
	return 0;
}

/* "  now 1.45 MiB (6,241 blocks, average 244 B)"; the average where there is room for it and for
 * `columns` more. */
static void put_now(struct text_line *line, uint64_t bytes, uint64_t blocks, int columns)
{
	char average[80] = "";

	text_line_put(line, INK_PLAIN, "  now ");
	text_line_put(line, INK_TITLE, number_bytes(bytes).text);
	text_line_print(line, INK_PLAIN, " (%s block%s", number_count(blocks).text,
			number_plural(blocks));
	if (blocks > 1)
		snprintf(average, sizeof(average), ", average %s",
			 number_bytes(bytes / blocks).text);
	if (text_columns(line->style, average) + columns + 1 <= text_line_room(line))
		text_line_put(line, INK_PLAIN, average);
	text_line_put(line, INK_PLAIN, ")");
}

static void put_change(struct text_line *line, enum ink ink, int64_t bytes, int64_t blocks)
{
	text_line_put(line, ink, number_bytes_change(bytes).text);
	text_line_print(line, INK_PLAIN, " (%s block%s)", number_count_change(blocks).text,
			blocks == 1 || blocks == -1 ? "" : "s");
}

static void write_age(const struct text_diff *context, const struct report_site *site)
{
	char aged[64], text[160];

	snprintf(aged, sizeof(aged), "%s",
		 number_bytes(site->aged_bytes > 0 ? (uint64_t)site->aged_bytes : 0).text);
	if (site->delta_bytes <= 0)
		snprintf(text, sizeof(text), "%s more have aged, while others became fewer", aged);
	else if (site->aged_bytes <= 0)
		snprintf(text, sizeof(text), "nothing of it has aged: it may be traffic");
	else if (site->aged_bytes < site->delta_bytes / 2)
		snprintf(text, sizeof(text), "%s of it has aged, the rest may be traffic", aged);
	else
		return;
	text_paragraph(context->stream, &context->options->style, INK_DIM, "", STACK_INDENT, text);
}

/* What of it can no longer be reached has no other cause than a leak. */
static void write_lost(const struct text_diff *context, const struct report_site *site)
{
	struct lost_text lost = lost_text_of(site);

	for (size_t i = 0; i < lost.count; i++)
		text_paragraph(context->stream, &context->options->style, INK_PLAIN, "",
			       STACK_INDENT, lost.lines[i]);
}

static int write_site(const struct report_view *view, const struct report_site *site, size_t rank,
		      void *context_)
{
	struct text_diff *context = context_;
	const struct text_style *style = &context->options->style;
	bool is_larger =
		site->delta_bytes > 0 || (site->delta_bytes == 0 && site->delta_blocks > 0);
	bool is_in_full = is_larger || site->aged_bytes > 0 || context->options->has_full_stacks;
	bool has_verdict = site->judgement.is_flagged || site->judgement.verdict == VERDICT_GROWING;
	const char *word = has_verdict ? verdict_word(site->judgement.verdict) : "";
	struct text_line line;

	(void)view;
	if (is_in_full || context->is_gap_due)
		fputc('\n', context->stream);
	context->is_gap_due = is_in_full;
	text_line_begin(&line, context->stream, style);
	text_line_print(&line, INK_TITLE, "%2zu. ", rank);
	put_change(&line, is_larger ? INK_WATCH : INK_CALM, site->delta_bytes, site->delta_blocks);
	put_now(&line, site->live_bytes, site->live_blocks,
		has_verdict ? 2 + text_columns(style, word) : 0);
	if (has_verdict) {
		text_line_put(&line, INK_PLAIN, "  ");
		text_line_put(&line, verdict_ink(site->judgement.verdict), word);
	}
	text_line_end(&line);
	if (is_larger || site->aged_bytes > 0)
		write_age(context, site);
	if (is_in_full) {
		write_lost(context, site);
		stack_text_write(context->stream, style, site, STACK_INDENT,
				 context->options->has_full_stacks);
		return 0;
	}
	text_line_pad(&line, 4);
	stack_text_put_chain(&line, site);
	text_line_end(&line);
	return ferror(context->stream) ? -EIO : 0;
}

/* " Total +1.16 MiB (+4,936 blocks)  now 4.03 MiB (7,748 blocks, average 545 B)" */
static void write_total(const struct text_diff *context, const struct report *report)
{
	const struct seep_snapshot *old = &report->old->snapshots[report->old_snapshot].raw;
	const struct seep_snapshot *new = &report->profile->snapshots[report->last_snapshot].raw;
	struct text_line line;

	fputc('\n', context->stream);
	text_line_begin(&line, context->stream, &context->options->style);
	text_line_put(&line, INK_TITLE, "Total ");
	put_change(&line, INK_TITLE, (int64_t)(new->live_bytes - old->live_bytes),
		   (int64_t)(new->live_blocks - old->live_blocks));
	put_now(&line, new->live_bytes, new->live_blocks, 0);
	text_line_end(&line);
}

static int end_diff(const struct report_view *view, void *context_)
{
	struct text_diff *context = context_;
	const struct text_report_options *options = context->options;

	if (view->rest.count) {
		char text[256];
		snprintf(text, sizeof(text), "%s more site%s changed by %s together: add --top=0",
			 number_count(view->rest.count).text, number_plural(view->rest.count),
			 number_bytes_change(view->rest.delta_bytes).text);
		fputc('\n', context->stream);
		text_paragraph(context->stream, &options->style, INK_DIM, "", 0, text);
	}
	if (view->report->old->snapshot_count && view->report->profile->snapshot_count)
		write_total(context, view->report);
	for (size_t i = 0; options->notes && options->notes[i]; i++) {
		if (i == 0)
			fputc('\n', context->stream);
		text_paragraph(context->stream, &options->style, INK_DIM, "Note: ", 6,
			       options->notes[i]);
	}
	return 0;
}

int text_diff_write(FILE *stream, const struct report *report,
		    const struct text_report_options *options)
{
	static const struct report_emitter emitter = {
		.begin = begin_diff, .site = write_site, .end = end_diff};
	struct text_diff context = {.stream = stream, .options = options};

	return report_walk(report, options->site_limit, &emitter, &context);
}
