/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_header: the lines about the process that stand before its sites.
 *
 * Whoever reads it wants to be sure that it is the right process and the right run; and must be
 * told here, not at the end, when the numbers below are incomplete.
 */
#include "tools/output/text_header.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/model/equal_marks.h"
#include "tools/model/path_base.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/scan.h"
#include "tools/output/lost_text.h"
#include "tools/output/number_text.h"
#include "tools/output/shell_word.h"
#include "tools/output/text_line.h"

#define LABEL_COLUMNS 12
#define MARKS_SHOWN 3
#define SAME_MOMENT_S 1.0

static void row(FILE *stream, const struct text_style *style, enum ink ink, const char *label,
		const char *format, ...) __attribute__((format(printf, 5, 6)));

static void row(FILE *stream, const struct text_style *style, enum ink ink, const char *label,
		const char *format, ...)
{
	char lead[LABEL_COLUMNS + 3];
	char *text;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	snprintf(lead, sizeof(lead), "  %s", label);
	if (text)
		text_paragraph(stream, style, ink, lead, LABEL_COLUMNS, text);
	free(text);
}

const char *text_header_clock(uint64_t unix_ns, char *text)
{
	time_t seconds = (time_t)(unix_ns / 1000000000u);
	struct tm parts;

	if (unix_ns == 0 || !localtime_r(&seconds, &parts) ||
	    strftime(text, 32, "%Y-%m-%d %H:%M:%S", &parts) == 0)
		strcpy(text, "?");
	return text;
}

/* How the process ended, as the end of "server (pid 4711) …". */
static void put_end(struct text_line *line, const struct profile *profile)
{
	const char *signal_name;

	if (profile->is_running) {
		text_line_put(line, INK_CALM, "still running");
		return;
	}
	switch (profile->end_how) {
	case SEEP_END_EXIT:
		text_line_print(line, profile->end_status ? INK_WATCH : INK_PLAIN,
				"exited with status %" PRId32, profile->end_status);
		break;
	case SEEP_END_SIGNAL:
		signal_name = sigabbrev_np(profile->end_status);
		if (signal_name)
			text_line_print(line, INK_ALARM, "killed by SIG%s", signal_name);
		else
			text_line_print(line, INK_ALARM, "killed by signal %" PRId32,
					profile->end_status);
		if (profile_oom_share(profile) > 0)
			text_line_print(line, INK_ALARM, ", out of memory: %.0f %% of its limit",
					100 * profile_oom_share(profile));
		break;
	case SEEP_END_EXEC:
		text_line_put(line, INK_PLAIN, "went on as another program (exec)");
		break;
	case SEEP_END_UNKNOWN:
	default:
		if (profile_oom_share(profile) > 0)
			text_line_print(line, INK_ALARM,
					"gone, probably out of memory: %.0f %% of its limit",
					100 * profile_oom_share(profile));
		else
			text_line_put(line, INK_WATCH, "gone, nobody saw how it ended");
		break;
	}
}

static void write_title(FILE *stream, const struct text_style *style, const struct profile *profile)
{
	struct text_line line;
	const char *name = profile->name && *profile->name ? profile->name : "?";

	text_line_begin(&line, stream, style);
	text_line_put(&line, INK_TITLE, name);
	text_line_print(&line, INK_PLAIN, " (pid %" PRIu32, profile->pid);
	if (profile->forked_from)
		text_line_print(&line, INK_PLAIN, ", forked from %" PRIu32, profile->forked_from);
	text_line_put(&line, INK_PLAIN, "), ");
	put_end(&line, profile);
	text_line_end(&line);
}

/* The arguments, as a shell would take them; cut at the end of the line. */
static void write_command(FILE *stream, const struct text_style *style,
			  const struct profile *profile)
{
	char word[SHELL_WORD_BYTES];
	struct text_line line;

	if (profile->command_count == 0)
		return;
	text_line_begin(&line, stream, style);
	text_line_put(&line, INK_TITLE, "  command");
	text_line_pad(&line, LABEL_COLUMNS);
	for (size_t i = 0; i < profile->command_count && !line.is_full; i++) {
		text_line_put(&line, INK_PLAIN, i ? " " : "");
		text_line_put(&line, INK_PLAIN, shell_word(profile->command[i], word));
	}
	text_line_end(&line);
}

/* Frames are named by the file, which may be called otherwise: redis-server is a link to redis-check-rdb. */
static void write_program(FILE *stream, const struct text_style *style,
			  const struct profile *profile)
{
	const char *name = profile->name;

	if (name && profile->exe && strncmp(path_base(profile->exe), name, strlen(name)) != 0)
		row(stream, style, INK_PLAIN, "program", "%s", profile->exe);
}

static void write_time(FILE *stream, const struct text_style *style, const struct report *report)
{
	const struct profile *profile = report->profile;
	char clock[32];
	double watched_s = 0;

	if (profile->snapshot_count)
		watched_s = profile->snapshots[profile->snapshot_count - 1].time_s;
	if (profile->ended_s > watched_s)
		watched_s = profile->ended_s;
	row(stream, style, INK_PLAIN, "started", "%s, %s %s, %s snapshot%s in the file",
	    text_header_clock(profile->started_unix_ns, clock),
	    profile->is_running ? "seen for" : "ran for", number_duration(watched_s).text,
	    number_count(profile->snapshot_count).text, number_plural(profile->snapshot_count));
	if (!report->old && profile->snapshot_count &&
	    (report->first_snapshot > 0 || report->last_snapshot + 1 < profile->snapshot_count))
		row(stream, style, INK_WATCH, "part",
		    "only snapshots %" PRIu32 " to %" PRIu32 " are judged, %s",
		    profile->snapshots[report->first_snapshot].number,
		    profile->snapshots[report->last_snapshot].number,
		    number_duration(report->span_s).text);
}

static void write_totals(FILE *stream, const struct text_style *style,
			 const struct seep_snapshot *totals)
{
	char resident[96] = "", mapped[96] = "";

	if (totals->rss_bytes)
		snprintf(resident, sizeof(resident), "; process %s resident (RSS)",
			 number_bytes(totals->rss_bytes).text);
	if (totals->mapped_bytes)
		snprintf(mapped, sizeof(mapped), "; %s in mappings",
			 number_bytes(totals->mapped_bytes).text);
	row(stream, style, INK_PLAIN, "live", "%s in %s block%s%s%s",
	    number_bytes(totals->live_bytes).text, number_count(totals->live_blocks).text,
	    number_plural(totals->live_blocks), mapped, resident);
	row(stream, style, INK_PLAIN, "activity", "%s allocation%s, %s free%s",
	    number_count(totals->allocations).text, number_plural(totals->allocations),
	    number_count(totals->frees).text, number_plural(totals->frees));
	if (totals->inherited_blocks)
		row(stream, style, INK_PLAIN, "inherited",
		    "%s in %s blocks came over the fork and are still live",
		    number_bytes(totals->inherited_bytes).text,
		    number_count(totals->inherited_blocks).text);
}

/* Where there are marks, it is said whether they tell anything. */
static void write_marks(FILE *stream, const struct text_style *style, const struct report *report)
{
	struct equal_marks marks;
	char list[512] = "", why[128] = "";
	size_t used = 0, telling = 0, shown;

	if (report->old || !equal_marks_find(&marks, report->profile, report->first_snapshot,
					     report->last_snapshot))
		return;
	for (size_t i = 0; i < marks.label_count; i++)
		telling += equal_marks_tell(&marks.labels[i]);
	for (shown = 0; shown < marks.label_count && shown < MARKS_SHOWN; shown++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s\"%.40s\" %s time%s",
					 shown ? ", " : "", marks.labels[shown].text,
					 number_count(marks.labels[shown].mark_count).text,
					 number_plural(marks.labels[shown].mark_count));
	if (!shown)
		return;
	if (!telling && marks.labels[0].mark_count < EQUAL_MARKS_LEAST)
		snprintf(why, sizeof(why),
			 "; %d of a label are needed to say what grows between them",
			 EQUAL_MARKS_LEAST);
	else if (!telling)
		snprintf(why, sizeof(why), "; too long before the end to say what grows now");
	row(stream, style, INK_PLAIN, "marks", "%s%s%s", list,
	    shown < marks.label_count ? " …" : "", why);
}

/* Nobody shall take an estimate for a count. */
static void write_sampling(FILE *stream, const struct text_style *style,
			   const struct report *report, const struct seep_snapshot *totals)
{
	const struct profile *profile = report->profile;
	const struct sampling *sampling = report->sampling;
	char error[192] = "";

	if (!profile->sample_bytes)
		return;
	if (sampling && totals->live_bytes)
		snprintf(error, sizeof(error), ", live %s (%s sample%s)",
			 number_error(report_error_95((double)sampling->raw.bytes_error,
						      totals->live_bytes))
				 .text,
			 number_count(sampling->raw.live_samples).text,
			 number_plural(sampling->raw.live_samples));
	row(stream, style, INK_NOTE, "sampled", "one block in %s allocated: estimates%s",
	    number_bytes(profile->sample_bytes).text, error);
}

/* What can no longer be reached; or that this is not known, and why. */
static void write_scan(FILE *stream, const struct text_style *style, const struct report *report,
		       const struct seep_snapshot *totals)
{
	const struct scan *scan = report->scan;
	char when[128] = "";

	if (!scan)
		return;
	bool is_done = scan->raw.outcome == SEEP_SCAN_DONE;
	if (is_done &&
	    scan->time_s + SAME_MOMENT_S < report->profile->snapshots[report->last_snapshot].time_s)
		snprintf(when, sizeof(when), "when it was looked at, %s into the run: ",
			 number_duration(scan->time_s).text);
	row(stream, style,
	    !is_done			  ? INK_WATCH
	    : scan->raw.definitely_blocks ? INK_ALARM
					  : INK_PLAIN,
	    "lost", "%s%s", when, lost_text_sentence(scan, totals->lost_blocks).text);
}

static void write_missed_snapshots(FILE *stream, const struct text_style *style,
				   const struct report *report, const struct seep_snapshot *totals)
{
	const char *why = strerrordesc_np((int)totals->missed_error);

	if (totals->missed_snapshots)
		row(stream, style, INK_WATCH, "missed",
		    "%s snapshot%s could not be written%s%s; what happened meanwhile is in the "
		    "next",
		    number_count(totals->missed_snapshots).text,
		    number_plural(totals->missed_snapshots),
		    totals->missed_error && why ? ": " : "",
		    totals->missed_error && why ? why : "");
	if (report_lacks_last_state(report))
		row(stream, style, INK_WATCH, "missed",
		    "the state at the end is not in the file; this is how it was after %s",
		    number_duration(report->profile->snapshots[report->last_snapshot].time_s).text);
}

/* What is allocated past the library and freed past it leaves no trace. */
static void write_bypass(FILE *stream, const struct text_style *style,
			 const struct profile *profile, const struct seep_snapshot *totals)
{
	const char *who = "by a library that was opened with RTLD_DEEPBIND or dlmopen, say";
	uint64_t unknown_frees = totals->unknown_frees;

	/* The one that has ended the program is a finding, and no block of somebody else's. */
	if (profile->fatal_free && unknown_frees)
		unknown_frees--;
	if (unknown_frees)
		row(stream, style, INK_WATCH, "missed", "%s freed block%s allocated unseen, %s",
		    number_count(unknown_frees).text, unknown_frees == 1 ? " was" : "s were", who);
	if (totals->unseen_frees)
		row(stream, style, INK_WATCH, "missed",
		    "%s block%s freed unseen%s%s; others that are freed so count as live",
		    number_count(totals->unseen_frees).text,
		    totals->unseen_frees == 1 ? " was" : "s were", unknown_frees ? "" : ", ",
		    unknown_frees ? "" : who);
}

static void write_lost(FILE *stream, const struct text_style *style, const struct report *report,
		       const struct seep_snapshot *totals)
{
	write_missed_snapshots(stream, style, report, totals);
	if (totals->lost_blocks)
		row(stream, style, INK_WATCH, "missed",
		    "%s allocation%s could not be recorded and %s missing in this report",
		    number_count(totals->lost_blocks).text, number_plural(totals->lost_blocks),
		    totals->lost_blocks == 1 ? "is" : "are");
	if (totals->lost_stacks)
		row(stream, style, INK_WATCH, "missed", "%s allocation%s recorded without a stack",
		    number_count(totals->lost_stacks).text,
		    totals->lost_stacks == 1 ? " was" : "s were");
	write_bypass(stream, style, report->profile, totals);
	if (totals->cut_stacks)
		row(stream, style, INK_DIM, "cut",
		    "%s allocation%s a stack whose outer frames are missing",
		    number_count(totals->cut_stacks).text,
		    totals->cut_stacks == 1 ? " has" : "s have");
}

static void write_damage(FILE *stream, const struct text_style *style,
			 const struct profile *profile)
{
	const uint64_t skipped_bytes = profile->damage.skipped_bytes;
	char skipped[96] = "";

	if (profile->damage.damaged_records)
		row(stream, style, INK_WATCH, "damaged",
		    "%s record%s damaged or missing in the file, %s skipped; what they held is "
		    "missing in this report",
		    number_count(profile->damage.damaged_records).text,
		    profile->damage.damaged_records == 1 ? " is" : "s are",
		    number_bytes(skipped_bytes).text);
	else if (skipped_bytes)
		snprintf(skipped, sizeof(skipped), " (%s)", number_bytes(skipped_bytes).text);
	if (profile->damage.tail_is_torn)
		row(stream, style, INK_WATCH, "torn",
		    "the last record of the file is incomplete%s, as after a crash; everything "
		    "before it counts",
		    skipped);
}

void text_header_write(FILE *stream, const struct text_style *style, const struct report *report)
{
	const struct profile *profile = report->profile;

	write_title(stream, style, profile);
	write_command(stream, style, profile);
	write_program(stream, style, profile);
	write_time(stream, style, report);
	if (profile->snapshot_count) {
		const struct seep_snapshot *totals = &profile->snapshots[report->last_snapshot].raw;
		write_totals(stream, style, totals);
		write_marks(stream, style, report);
		write_scan(stream, style, report, totals);
		write_sampling(stream, style, report, totals);
		write_lost(stream, style, report, totals);
	}
	write_damage(stream, style, profile);
}
