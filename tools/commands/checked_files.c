/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checked_files: snapshot files, asked one after the other whether there is a finding in them.
 *
 * One at a time: the files of a build can be thousands. What was found stands in the output before
 * it is known whether it was all, so the outcome comes last, also in JSON.
 */
#include "tools/commands/checked_files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "tools/commands/child_process.h"
#include "tools/commands/command.h"
#include "tools/commands/operand.h"
#include "tools/commands/report_resolve.h"
#include "tools/commands/snapshot_folder.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/reachability.h"
#include "tools/model/report.h"
#include "tools/model/verdict.h"
#include "tools/output/json_report.h"
#include "tools/output/json_suppression.h"
#include "tools/output/lost_text.h"
#include "tools/output/memory_text.h"
#include "tools/output/number_text.h"
#include "tools/output/suppression_text.h"
#include "tools/output/text_line.h"
#include "tools/output/text_report.h"

bool checked_files_have_finding(const struct checked_files *checked)
{
	return checked->leak_count || checked->crossing_count;
}

/* ---- one file ---- */

/* What grows and belongs to no site fails no check, but a passed one should not hide it. */
static void note_memory(struct checked_files *checked, const struct report *report)
{
	const struct profile *profile = report->profile;
	char brief[MEMORY_BRIEF_BYTES];

	if (!memory_text_brief(report, brief))
		return;
	if (checked->memory_count < CHECKED_NOTES)
		snprintf(checked->memory_notes[checked->memory_count], CHECKED_NOTE_BYTES,
			 "memory of %.64s (%" PRIu32 "): %s", profile->name ? profile->name : "?",
			 profile->pid, brief);
	checked->memory_count++;
}

/* Nobody shall take for clean what could not be looked at. A program that went on as another one has
 * nothing to lose any more. */
static void note_scan(struct checked_files *checked, const struct report *report)
{
	const struct profile *profile = report->profile;
	const struct scan *scan = report->scan;
	const char *name = profile->name ? profile->name : "?";
	struct lost_sentence sentence = {"what is lost is not known: no scan was made"};

	if (profile->end_how == SEEP_END_EXEC ||
	    (scan ? !lost_text_is_news(scan) : !checked->expects_scan))
		return;
	if (scan)
		sentence = lost_text_sentence(
			scan, profile->snapshots[report->last_snapshot].raw.lost_blocks);
	if (checked->scan_count < CHECKED_NOTES)
		snprintf(checked->scan_notes[checked->scan_count], CHECKED_SCAN_BYTES,
			 "%.64s (%" PRIu32 "): %s", name, profile->pid, sentence.text);
	checked->scan_count++;
}

static int write_json(struct checked_files *checked, const struct report *report)
{
	fputs(checked->file_count ? "," : "", checked->sink->stream);
	return json_report_write(
		checked->sink->stream, report,
		&(struct json_report_options){.has_findings_only = true, .is_one_line = true});
}

static int write_text(struct checked_files *checked, const struct report *report, const char *name)
{
	if (!report_leak_count(report) && !report->crossing_count) {
		note_scan(checked, report);
		note_memory(checked, report);
		return 0;
	}
	/* The report of a leak has it. */
	if (!report_leak_count(report))
		note_memory(checked, report);
	if (checked_files_have_finding(checked))
		fputs("\n\n", checked->sink->stream);
	return text_report_write(checked->sink->stream, report,
				 &(struct text_report_options){
					 .style = checked->sink->style,
					 .has_findings_only = true,
					 .source = name,
				 });
}

static void count_lost(struct checked_files *checked, const struct report *report)
{
	for (size_t i = 0; i < report->entry_count; i++) {
		const struct report_site *site = report_entry_site(&report->entries[i]);
		if (!site->judgement.is_flagged || site->judgement.verdict != VERDICT_LOST)
			continue;
		checked->lost_count++;
		checked->lost_bytes += reachability_gone(site->scanned);
	}
}

/* Flagged ones come first: so many of them need symbols. */
static size_t count_to_resolve(const struct report *report)
{
	size_t count = 1, leaks = report_leak_count(report);

	while (count < report->site_count && report->sites[count].judgement.is_flagged)
		count++;
	return leaks > count ? leaks : count;
}

static int check_operand(struct checked_files *checked, const struct operand *operand,
			 struct error *error)
{
	const struct profile *profile = operand->profile;
	const struct thresholds thresholds = thresholds_with_logged(&checked->thresholds, profile);
	struct report_options range = {.flag_minor = checked->flag_minor,
				       .is_kept = thresholds_concern_site,
				       .context = &thresholds};
	struct report *report = NULL;
	size_t last;
	int result = 0;

	if (operand->snapshot) {
		result = operand_find_snapshot(operand, NULL, &last, error);
		if (result < 0)
			return result;
		range.snapshot_limit = last + 1;
	}
	result = report_build(profile, &range, &report, error);
	if (result == 0)
		result = report_resolve(report, &thresholds, &checked->suppressions,
					checked->symbols, count_to_resolve(report), error);
	if (result == 0) {
		result = checked->is_json ? write_json(checked, report)
					  : write_text(checked, report, operand->text);
		if (result == -EIO)
			result = 0; /* sink_close says why */
		if (result < 0)
			error_set(error, -result, "not enough memory for the report of %s",
				  operand->path);
	}
	if (result == 0) {
		checked->file_count++;
		checked->leak_count += report_leak_count(report);
		count_lost(checked, report);
		checked->crossing_count += report->crossing_count;
		for (size_t i = 0; i < report->site_count; i++)
			checked->suppressed_count += report->sites[i].suppression != NULL;
		checked->short_count += report->snapshot_count < VERDICT_MIN_SNAPSHOTS;
	}
	report_free(report);
	return result;
}

static void fail(struct checked_files *checked, const struct error *error)
{
	command_fail("check: %s", error->text);
	checked->failed_count++;
}

static void check_file(struct checked_files *checked, const char *name)
{
	struct error error = {""};
	struct operand operand;
	int result = operand_open(&operand, name, &error);

	if (result == 0)
		result = check_operand(checked, &operand, &error);
	operand_close(&operand);
	if (result < 0)
		fail(checked, &error);
}

void checked_files_add(struct checked_files *checked, const char *name)
{
	struct snapshot_folder folder;
	struct error error;

	if (!snapshot_folder_is(name)) {
		check_file(checked, name);
		return;
	}
	if (snapshot_folder_list(&folder, name, &error) < 0)
		fail(checked, &error);
	else
		for (size_t i = 0; i < folder.count; i++)
			check_file(checked, folder.paths[i]);
	snapshot_folder_free(&folder);
}

/* ---- the whole ---- */

void checked_files_begin(struct checked_files *checked)
{
	if (checked->is_json)
		fputs("{\"schema\":\"seep.check/1\",\n \"processes\":[", checked->sink->stream);
}

static void end_json(const struct checked_files *checked, char *const *words,
		     const struct child_process *child, int exit_status)
{
	FILE *stream = checked->sink->stream;

	fputs("],\n \"command\":", stream);
	if (child) {
		fputs("{\"words\":", stream);
		json_write_words(stream, words);
		fprintf(stream, ",\"status\":%d}", child_process_status(child));
	} else {
		fputs("null", stream);
	}
	fputs(",\n \"suppressions\":", stream);
	json_suppression_write_all(stream, &checked->suppressions, time(NULL));
	fprintf(stream,
		",\n \"leaks\":%zu,\"lost\":%zu,\"suppressed\":%zu,\"thresholds_crossed\":%zu,"
		"\"unreadable\":%zu,\n \"passed\":%s,\"exit_status\":%d}\n",
		checked->leak_count, checked->lost_count, checked->suppressed_count,
		checked->crossing_count, checked->failed_count,
		checked_files_have_finding(checked) || checked->failed_count ? "false" : "true",
		exit_status);
}

/* A name may be as hostile as its file, but the lines of a command are not cut like a report's. */
static void write_notes(const struct checked_files *checked)
{
	struct text_style wide = checked->sink->style;
	struct text_line line;

	wide.width = TEXT_WIDTH_MAX;
	text_line_begin(&line, checked->sink->stream, &wide);
	for (size_t i = 0; i < checked->scan_count && i < CHECKED_NOTES; i++)
		text_paragraph(checked->sink->stream, &wide, INK_PLAIN, "seep: check: ", 13,
			       checked->scan_notes[i]);
	if (checked->scan_count > CHECKED_NOTES)
		fprintf(checked->sink->stream,
			"seep: check: and %s more of which it is not known what they have lost\n",
			number_count(checked->scan_count - CHECKED_NOTES).text);
	for (size_t i = 0; i < checked->memory_count && i < CHECKED_NOTES; i++) {
		text_line_print(&line, INK_PLAIN, "seep: check: %s", checked->memory_notes[i]);
		text_line_end(&line);
	}
	if (checked->memory_count > CHECKED_NOTES)
		fprintf(checked->sink->stream,
			"seep: check: and %s more whose memory as a whole is not stable\n",
			number_count(checked->memory_count - CHECKED_NOTES).text);
}

static void end_text(const struct checked_files *checked, const struct child_process *child)
{
	FILE *stream = checked->sink->stream;

	suppression_text_write_remarks(stream, &checked->suppressions, time(NULL));
	if (checked_files_have_finding(checked)) {
		fputs("\nseep: check: failed: ", stream);
		size_t leaks = checked->leak_count - checked->lost_count;
		if (leaks)
			fprintf(stream, "%s leak%s%s", number_count(leaks).text,
				number_plural(leaks),
				checked->lost_count || checked->crossing_count ? ", " : "");
		if (checked->lost_count)
			fprintf(stream, "%s lost at %s site%s%s",
				number_bytes(checked->lost_bytes).text,
				number_count(checked->lost_count).text,
				number_plural(checked->lost_count),
				checked->crossing_count ? ", " : "");
		if (checked->crossing_count)
			fprintf(stream, "%s threshold%s crossed",
				number_count(checked->crossing_count).text,
				number_plural(checked->crossing_count));
		fputc('\n', stream);
		return;
	}
	if (checked->is_quiet || checked->failed_count)
		return;
	fprintf(stream, "seep: check: passed: nothing %sfound in %s snapshot file%s",
		checked->suppressed_count ? "new was " : "", number_count(checked->file_count).text,
		number_plural(checked->file_count));
	if (checked->suppressed_count)
		fprintf(stream, "; %s known leak%s suppressed",
			number_count(checked->suppressed_count).text,
			number_plural(checked->suppressed_count));
	if (checked->short_count)
		fprintf(stream, "; %s too short to judge growth",
			checked->file_count == 1		      ? "it was"
			: checked->short_count == checked->file_count ? "all were"
								      : "some were");
	if (child && child_process_status(child))
		fprintf(stream, "; the program's own status is %d", child_process_status(child));
	fputc('\n', stream);
}

void checked_files_end(struct checked_files *checked, char *const *words,
		       const struct child_process *child, int exit_status)
{
	if (checked->is_json)
		end_json(checked, words, child, exit_status);
	else
		end_text(checked, child);
	if (!checked->is_json && !checked->is_quiet)
		write_notes(checked);
}
