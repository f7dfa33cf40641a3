/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_text: what a check has found, for a person: nothing of files without a finding but what might
 * be taken for clean and is not.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/scan.h"
#include "tools/output/check_format.h"
#include "tools/output/lost_text.h"
#include "tools/output/memory_text.h"
#include "tools/output/number_text.h"
#include "tools/output/suppression_text.h"
#include "tools/output/text_line.h"
#include "tools/output/text_report.h"

/* A build may have thousands of processes, of which each could say the same. */
#define NOTES_MAX 3
#define MEMORY_NOTE_BYTES 320
#define SCAN_NOTE_BYTES 800

struct notes {
	/* Files without a finding of which it is not known what is lost, or that may have lost
	 * something: those of the first. */
	size_t scan_count;
	char scan[NOTES_MAX][SCAN_NOTE_BYTES];
	/* Files without a leak, whose memory as a whole is not as it should be: that of the first. */
	size_t memory_count;
	char memory[NOTES_MAX][MEMORY_NOTE_BYTES];
};

/* What grows and belongs to no site fails no check, but a passed one should not hide it. */
static void note_memory(struct notes *notes, const struct report *report)
{
	const struct profile *profile = report->profile;
	char brief[MEMORY_BRIEF_BYTES];

	if (!memory_text_brief(report, brief))
		return;
	if (notes->memory_count < NOTES_MAX)
		snprintf(notes->memory[notes->memory_count], MEMORY_NOTE_BYTES,
			 "memory of %.64s (%" PRIu32 "): %s", profile->name ? profile->name : "?",
			 profile->pid, brief);
	notes->memory_count++;
}

static bool has_known(const struct report *report)
{
	for (size_t i = 0; i < report->site_count; i++)
		if (report->sites[i].suppression)
			return true;
	return false;
}

/* Nobody shall take for clean what could not be looked at. A program that went on as another one has
 * nothing to lose any more. */
static void note_scan(struct notes *notes, const struct report *report, bool expects_scan)
{
	const struct profile *profile = report->profile;
	const struct scan *scan = report->scan;
	struct scan rest;
	const char *name = profile->name ? profile->name : "?";
	struct lost_sentence sentence = {"what is lost is not known: no scan was made"};

	/* What is known to be lost is counted as that, and nothing else of this file is flagged. */
	if (scan && has_known(report)) {
		rest = *scan;
		rest.raw.definitely_blocks = rest.raw.definitely_bytes = 0;
		rest.raw.indirectly_blocks = rest.raw.indirectly_bytes = 0;
		scan = &rest;
	}
	if (profile->end_how == SEEP_END_EXEC || (scan ? !lost_text_is_news(scan) : !expects_scan))
		return;
	if (scan)
		sentence = lost_text_sentence(
			scan, profile->snapshots[report->last_snapshot].raw.lost_blocks);
	if (notes->scan_count < NOTES_MAX)
		snprintf(notes->scan[notes->scan_count], SCAN_NOTE_BYTES, "%.64s (%" PRIu32 "): %s",
			 name, profile->pid, sentence.text);
	notes->scan_count++;
}

static int begin(struct check_writer *writer)
{
	writer->own = calloc(1, sizeof(struct notes));
	return writer->own ? 0 : -ENOMEM;
}

static int file(struct check_writer *writer, const struct report *report,
		const struct check_sums *sums, const char *source)
{
	struct notes *notes = writer->own;

	if (!report_leak_count(report) && !report->crossing_count) {
		note_scan(notes, report, writer->expects_scan);
		note_memory(notes, report);
		return 0;
	}
	/* The report of a leak has it. */
	if (!report_leak_count(report))
		note_memory(notes, report);
	if (check_has_finding(sums))
		fputs("\n\n", writer->stream);
	int result = text_report_write(writer->stream, report,
				       &(struct text_report_options){
					       .style = writer->style,
					       .has_findings_only = true,
					       .source = source,
				       });
	return result == -EIO ? 0 : result;
}

/* A name may be as hostile as its file, but the lines of a command are not cut like a report's. */
static void write_notes(const struct check_writer *writer, const struct notes *notes)
{
	struct text_style wide = writer->style;
	struct text_line line;

	wide.width = TEXT_WIDTH_MAX;
	text_line_begin(&line, writer->stream, &wide);
	for (size_t i = 0; i < notes->scan_count && i < NOTES_MAX; i++)
		text_paragraph(writer->stream, &wide, INK_PLAIN, "seep: check: ", 13,
			       notes->scan[i]);
	if (notes->scan_count > NOTES_MAX)
		fprintf(writer->stream,
			"seep: check: and %s more of which something is possibly lost, or not known\n",
			number_count(notes->scan_count - NOTES_MAX).text);
	for (size_t i = 0; i < notes->memory_count && i < NOTES_MAX; i++) {
		text_line_print(&line, INK_PLAIN, "seep: check: %s", notes->memory[i]);
		text_line_end(&line);
	}
	if (notes->memory_count > NOTES_MAX)
		fprintf(writer->stream,
			"seep: check: and %s more whose memory as a whole is not stable\n",
			number_count(notes->memory_count - NOTES_MAX).text);
}

static void write_outcome(const struct check_writer *writer, const struct check_outcome *outcome)
{
	const struct check_sums *sums = outcome->sums;
	FILE *stream = writer->stream;

	/* Where nothing could be read, nothing has shown that one is not needed. */
	if (sums->file_count)
		suppression_text_write_remarks(stream, outcome->suppressions, time(NULL));
	if (check_has_finding(sums)) {
		fputs("\nseep: check: failed: ", stream);
		size_t leaks = sums->leak_count - sums->lost_count;
		if (leaks)
			fprintf(stream, "%s leak%s%s", number_count(leaks).text,
				number_plural(leaks),
				sums->lost_count || sums->crossing_count ? ", " : "");
		if (sums->lost_count)
			fprintf(stream, "%s lost at %s site%s%s",
				number_bytes(sums->lost_bytes).text,
				number_count(sums->lost_count).text,
				number_plural(sums->lost_count), sums->crossing_count ? ", " : "");
		if (sums->crossing_count)
			fprintf(stream, "%s threshold%s crossed",
				number_count(sums->crossing_count).text,
				number_plural(sums->crossing_count));
		fputc('\n', stream);
		return;
	}
	if (writer->is_quiet || sums->failed_count)
		return;
	fprintf(stream, "seep: check: passed: nothing %sfound in %s snapshot file%s",
		sums->suppressed_count ? "new was " : "", number_count(sums->file_count).text,
		number_plural(sums->file_count));
	if (sums->suppressed_count)
		fprintf(stream, "; %s known leak%s suppressed",
			number_count(sums->suppressed_count).text,
			number_plural(sums->suppressed_count));
	if (sums->short_count)
		fprintf(stream, "; %s too short to judge growth",
			sums->file_count == 1			? "it was"
			: sums->short_count == sums->file_count ? "all were"
								: "some were");
	if (outcome->program_status)
		fprintf(stream, "; the program's own status is %d", outcome->program_status);
	fputc('\n', stream);
}

static int end(struct check_writer *writer, const struct check_outcome *outcome)
{
	write_outcome(writer, outcome);
	if (!writer->is_quiet && writer->own)
		write_notes(writer, writer->own);
	free(writer->own);
	writer->own = NULL;
	return 0;
}

const struct check_format check_format_text = {
	.name = "text", .begin = begin, .file = file, .end = end};
