/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conclusion_text: what a report comes to, and what to do next.
 */
#include "tools/output/conclusion_text.h"

#include <inttypes.h>
#include <string.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/scan.h"
#include "tools/output/memory_text.h"
#include "tools/output/number_text.h"
#include "tools/output/report_walk.h"
#include "tools/output/shell_word.h"
#include "tools/output/stack_text.h"
#include "tools/output/text_line.h"
#include "tools/output/text_report.h"

#define CONTINUED_INDENT 4
/* A function and its line are not squeezed into less. */
#define OWN_COLUMNS_MIN 30

static void put_findings(struct text_line *line, const struct report_view *view)
{
	size_t leaks = view->finding.leak_count, lost = view->finding.lost_count;

	if (leaks)
		text_line_print(line, INK_ALARM, "%s leak%s", number_count(leaks).text,
				number_plural(leaks));
	if (leaks && lost)
		text_line_put(line, INK_ALARM, ", ");
	if (lost)
		text_line_print(line, INK_ALARM, "%s lost", number_count(lost).text);
	text_line_put(line, INK_TITLE, ": ");
	if (leaks)
		text_line_put(line, INK_TITLE, number_rate(view->finding.bytes_per_hour).text);
	else
		text_line_put(line, INK_TITLE, number_bytes(view->finding.lost_bytes).text);
	/* One mistake, though many sites. */
	const struct report_finding *joined = view->foremost->finding;
	bool is_together = joined && joined->kind == FINDING_TOGETHER;
	if (is_together)
		text_line_print(line, INK_TITLE, "%s %s sites that are born and kept together",
				leaks + lost > 1 ? ", first" : ",",
				number_count(joined->all_count).text);
	text_line_put(line, INK_TITLE,
		      is_together	 ? " under "
		      : leaks + lost > 1 ? ", first at "
					 : " at ");
	text_line_make_room(line, OWN_COLUMNS_MIN, CONTINUED_INDENT);
	stack_text_put_own(line, view->foremost);
	stack_text_put_caller(line, view->foremost, CONTINUED_INDENT);
}

/* What sites do not show: that is why their list may be short and the process large. */
static void write_memory(struct text_line *line, const struct report *report, bool is_below)
{
	static const char see_below[] = ", see below.";
	char brief[MEMORY_BRIEF_BYTES];

	if (!memory_text_brief(report, brief))
		return;
	text_line_put(line, INK_WATCH, "Memory");
	text_line_print(line, INK_TITLE, ": %s", brief);
	is_below &= text_line_room(line) >= (int)strlen(see_below);
	text_line_put(line, INK_TITLE, is_below ? see_below : ".");
	text_line_end(line);
}

/* Many sites that each grow too little, or too unevenly, for a verdict may be much together. */
static bool sum_grows(const struct report *report)
{
	const struct process_memory *memory = &report->process_memory;

	for (size_t i = 0; i < memory->finding_count; i++)
		if (memory->findings[i].verdict == MEMORY_GROWING)
			return true;
	return false;
}

static bool is_nothing_lost(const struct report *report)
{
	return report->scan && report->scan->raw.outcome == SEEP_SCAN_DONE &&
	       !report->scan->raw.definitely_blocks;
}

/* A server of which only the workers leak looks calm. */
static void write_children(FILE *stream, const struct text_report_options *options)
{
	char text[128], word[SHELL_WORD_BYTES], command[SHELL_WORD_BYTES + 32];

	if (!options->children)
		return;
	snprintf(text, sizeof(text), "Its child processes have %s file%s of their own:",
		 number_count(options->children_count).text,
		 number_plural(options->children_count));
	snprintf(command, sizeof(command), "seep report %s", shell_word(options->children, word));
	text_command(stream, &options->style, INK_PLAIN, "", 0, text, command);
}

void conclusion_text_write(FILE *stream, const struct text_report_options *options,
			   const struct report_view *view)
{
	const struct report *report = view->report;
	struct text_line line;
	char unseen[512];

	text_line_begin(&line, stream, &options->style);
	text_line_end(&line);
	switch (view->conclusion) {
	case CONCLUSION_LEAKS:
		put_findings(&line, view);
		break;
	case CONCLUSION_GROWING:
		text_line_print(&line, INK_WATCH, "No leak yet, %s site%s",
				number_count(view->finding.growing_count).text,
				view->finding.growing_count == 1 ? " grows" : "s grow");
		/* Steps that are far from each other have a size and no rate. */
		if (view->finding.bytes_per_hour >= 0.5)
			text_line_print(&line, INK_TITLE, ": %s",
					number_rate(view->finding.bytes_per_hour).text);
		text_line_print(&line, INK_TITLE, "%s at ",
				view->finding.growing_count > 1 ? ", first" : "");
		text_line_make_room(&line, OWN_COLUMNS_MIN, CONTINUED_INDENT);
		stack_text_put_own(&line, view->foremost);
		stack_text_put_caller(&line, view->foremost, CONTINUED_INDENT);
		break;
	case CONCLUSION_TOO_SHORT:
		text_line_put(&line, INK_NOTE, "Too short to judge growth");
		text_line_print(&line, INK_TITLE, " (%s snapshot%s in %s)%s: what is %s.",
				number_count(report->snapshot_count).text,
				number_plural(report->snapshot_count),
				number_duration(report->span_s).text,
				is_nothing_lost(report) ? ", nothing lost" : "",
				report->profile->is_running ? "live now" : "left at the end");
		break;
	case CONCLUSION_ALL_FREED:
		text_line_put(&line, INK_CALM, "Nothing is left");
		text_line_put(&line, INK_TITLE,
			      report->profile->sample_bytes ? ": every sample was freed."
							    : ": every block was freed.");
		break;
	case CONCLUSION_NO_SNAPSHOT:
		text_line_put(&line, INK_WATCH, "No snapshot in the file");
		text_line_put(&line, INK_TITLE, ": there is nothing to judge.");
		break;
	case CONCLUSION_UNSEEN:
		text_line_put(&line, INK_WATCH, "Nothing was seen");
		text_line_put(&line, INK_TITLE, ": its malloc is its own (see seep doctor).");
		break;
	case CONCLUSION_CALM:
	case CONCLUSION_DIFF:
	default:
		if (report_has_known(report))
			text_line_put(&line, INK_CALM, "No site stands out but what is known");
		else if (sum_grows(report))
			text_line_put(&line, INK_WATCH, "No site stands out");
		else
			text_line_put(&line, INK_CALM, "No site grows");
		text_line_print(&line, INK_TITLE, ", seen over %s in %s snapshot%s.",
				number_duration(report->span_s).text,
				number_count(report->snapshot_count).text,
				number_plural(report->snapshot_count));
		break;
	}
	text_line_end(&line);
	if (options->unseen) {
		snprintf(unseen, sizeof(unseen), "But %s.", options->unseen);
		text_paragraph(stream, &options->style, INK_WATCH, "", 0, unseen);
	}
	write_memory(&line, view->report, !options->has_findings_only);
	write_children(stream, options);
}

void conclusion_text_write_next(FILE *stream, const struct text_report_options *options,
				const struct report_view *view)
{
	const struct profile *profile = view->report->profile;
	const char *source = options->source ? options->source : "FILE";
	char hint[1024], word[SHELL_WORD_BYTES], command[SHELL_WORD_BYTES + 32];
	bool is_one;

	switch (view->conclusion) {
	case CONCLUSION_LEAKS:
		/* What is lost need not have grown. */
		is_one = profile->snapshot_count <= 1 || !view->finding.leak_count;
		snprintf(command, sizeof(command), "seep %s %s",
			 is_one ? "report --full-stacks" : "diff",
			 shell_word(profile->path ? profile->path : source, word));
		fputc('\n', stream);
		text_command(stream, &options->style, INK_PLAIN, "Next: ", 6,
			     is_one ? "see the whole stacks:"
				    : "see what grew from first to last snapshot:",
			     command);
		/* Who holds what leaks is only known where somebody has looked. */
		if (!profile->is_running && !view->report->scan)
			text_command(stream, &options->style, INK_PLAIN, "", 6,
				     "or let the next run look who holds that, or whether it is "
				     "lost:",
				     "seep run --scan=exit …");
		if (profile->is_running && !view->report->scan) {
			snprintf(command, sizeof(command), "seep scan %" PRIu32, profile->pid);
			text_command(stream, &options->style, INK_PLAIN, "", 6,
				     "or let it be looked who holds that, or whether it is lost:",
				     command);
		}
		return;
	case CONCLUSION_GROWING:
	case CONCLUSION_NO_SNAPSHOT:
		if (profile->is_running)
			snprintf(hint, sizeof(hint),
				 "let it run on and report again, or take a snapshot now: "
				 "seep snapshot %" PRIu32,
				 profile->pid);
		else
			snprintf(hint, sizeof(hint),
				 "watch it for longer, or more often: seep run --interval=1s …");
		break;
	case CONCLUSION_TOO_SHORT:
		if (profile->is_running)
			snprintf(hint, sizeof(hint), "report again later: seep report %" PRIu32,
				 profile->pid);
		else
			snprintf(hint, sizeof(hint),
				 "for a verdict let it work for longer, or look more often: "
				 "seep run --interval=20ms …");
		break;
	default:
		return;
	}
	fputc('\n', stream);
	text_paragraph(stream, &options->style, INK_PLAIN, "Next: ", 6, hint);
}
