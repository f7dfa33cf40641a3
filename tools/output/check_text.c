/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_text: what a check has found, for a person: nothing of files without a finding but what might
 * be taken for clean and is not.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/scan.h"
#include "tools/model/wrong_free.h"
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
#define SCAN_NOTE_BYTES 860
/* Of more processes with the same finding nobody reads the commands. */
#define PROCESSES_MAX 3
#define PROCESS_BYTES 400

struct scan_note {
	char process[128];
	size_t other_count; /* of which the same is to be said */
	struct lost_sentence sentence;
};

struct notes {
	/* Files without a finding of which it is not known what is lost, or that may have lost
	 * something: the first different ones, and how many there are beside them. */
	size_t scan_count, more_scan_count;
	struct scan_note scan[NOTES_MAX];
	/* Files without a leak, whose memory as a whole is not as it should be: that of the first. */
	size_t memory_count;
	bool has_report; /* something stands above */
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
	if (scan && report_has_known(report)) {
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
	/* What a container forbids it forbids to all of them. */
	for (size_t i = 0; i < notes->scan_count; i++) {
		if (strcmp(notes->scan[i].sentence.text, sentence.text) != 0)
			continue;
		notes->scan[i].other_count++;
		return;
	}
	if (notes->scan_count == NOTES_MAX) {
		notes->more_scan_count++;
		return;
	}
	struct scan_note *note = &notes->scan[notes->scan_count++];
	snprintf(note->process, sizeof(note->process), "%.64s (%" PRIu32 ")", name, profile->pid);
	note->sentence = sentence;
}

static int begin(struct check_writer *writer)
{
	writer->own = calloc(1, sizeof(struct notes));
	return writer->own ? 0 : -ENOMEM;
}

static int file(struct check_writer *writer, const struct report *report,
		const struct check_sums *sums, const struct merged_findings *found,
		const char *source)
{
	struct notes *notes = writer->own;

	(void)sums;
	if (!report_leak_count(report) && !report->crossing_count && !wrong_frees_count(report)) {
		note_scan(notes, report, writer->expects_scan);
		note_memory(notes, report);
		return 0;
	}
	/* The report of a leak has it. */
	if (!report_leak_count(report))
		note_memory(notes, report);
	if (!merged_findings_news(found))
		return 0;
	if (notes->has_report)
		fputs("\n\n", writer->stream);
	notes->has_report = true;
	int result = text_report_write(writer->stream, report,
				       &(struct text_report_options){
					       .style = writer->style,
					       .has_findings_only = true,
					       .found = found,
					       .source = source,
				       });
	return result == -EIO ? 0 : result;
}

static void write_scan_note(FILE *stream, const struct text_style *style,
			    const struct scan_note *note)
{
	char text[SCAN_NOTE_BYTES], others[80] = "";

	if (note->other_count)
		snprintf(others, sizeof(others), " and %s other%s",
			 number_count(note->other_count).text, number_plural(note->other_count));
	snprintf(text, sizeof(text), "%s%s: %s", note->process, others, note->sentence.text);
	text_paragraph(stream, style, INK_PLAIN, "seep: check: ", 13, text);
}

/* A name may be as hostile as its file, but the lines of a command are not cut like a report's. */
static void write_notes(const struct check_writer *writer, const struct notes *notes)
{
	struct text_style wide = writer->style;
	struct text_line line;

	wide.width = TEXT_WIDTH_MAX;
	text_line_begin(&line, writer->stream, &wide);
	for (size_t i = 0; i < notes->scan_count; i++)
		write_scan_note(writer->stream, &wide, &notes->scan[i]);
	if (notes->more_scan_count)
		fprintf(writer->stream,
			"seep: check: and %s more of which something is possibly lost, or not "
			"known\n",
			number_count(notes->more_scan_count).text);
	for (size_t i = 0; i < notes->memory_count && i < NOTES_MAX; i++) {
		text_line_print(&line, INK_PLAIN, "seep: check: %s", notes->memory[i]);
		text_line_end(&line);
	}
	if (notes->memory_count > NOTES_MAX)
		fprintf(writer->stream,
			"seep: check: and %s more whose memory as a whole is not stable\n",
			number_count(notes->memory_count - NOTES_MAX).text);
}

/* What stands above of one process was found in others, too. */
static void write_several(const struct check_writer *writer, const struct merged_findings *found)
{
	char text[FINDING_TITLE_BYTES + PROCESS_BYTES];
	bool is_first = true;

	for (const struct merged_finding *next = found->first; next; next = next->next) {
		if (next->process_count < 2)
			continue;
		if (is_first)
			fputs("\nFound in several processes:\n", writer->stream);
		is_first = false;
		merged_finding_title(next, text);
		text_paragraph(writer->stream, &writer->style, INK_TITLE, "  ", 2, text);
		for (size_t i = 0; i < next->process_count && i < PROCESSES_MAX; i++) {
			found_process_text(next->processes[i], text, PROCESS_BYTES);
			text_paragraph(writer->stream, &writer->style, INK_PLAIN, "    ", 4, text);
		}
		if (next->process_count > PROCESSES_MAX) {
			snprintf(text, sizeof(text), "and %s more",
				 number_count(next->process_count - PROCESSES_MAX).text);
			text_paragraph(writer->stream, &writer->style, INK_DIM, "    ", 4, text);
		}
	}
}

/* "1 leak, 450 B lost at 1 site, 1 threshold crossed": of the kinds in the set. */
static void write_counts(FILE *stream, const struct merged_findings *found, unsigned rules)
{
	static const enum finding_rule order[] = {FINDING_RULE_LEAK, FINDING_RULE_LOST,
						  FINDING_RULE_GROWTH, FINDING_RULE_BUDGET,
						  FINDING_RULE_MISUSE};
	const char *comma = "";

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		size_t count = found->counts[order[i]];
		if (!count || !(rules & 1u << order[i]))
			continue;
		fputs(comma, stream);
		comma = ", ";
		if (order[i] == FINDING_RULE_LOST)
			fprintf(stream, "%s lost at ", number_bytes(found->lost_bytes).text);
		fprintf(stream, "%s ", number_count(count).text);
		if (order[i] == FINDING_RULE_LEAK)
			fprintf(stream, "leak%s", number_plural(count));
		else if (order[i] == FINDING_RULE_LOST)
			fprintf(stream, "%s%s", found->has_places ? "place" : "site",
				number_plural(count));
		else if (order[i] == FINDING_RULE_GROWTH)
			fprintf(stream, "site%s", count == 1 ? " grows" : "s grow");
		else if (order[i] == FINDING_RULE_MISUSE)
			fprintf(stream, "wrong free%s", number_plural(count));
		else
			fprintf(stream, "threshold%s crossed", number_plural(count));
	}
}

/* "lost,leak" */
static void write_words(FILE *stream, unsigned rules)
{
	const char *comma = "";

	for (unsigned rule = 0; rule < FINDING_RULES; rule++) {
		if (!(rules & 1u << rule))
			continue;
		fprintf(stream, "%s%s", comma, finding_rules[rule].word);
		comma = ",";
	}
}

static void write_passed(FILE *stream, const struct check_outcome *outcome)
{
	const struct check_sums *sums = outcome->sums;
	const struct merged_findings *found = outcome->found;

	fputs("seep: check: passed: ", stream);
	if (found->first && outcome->writes_baseline) {
		write_counts(stream, found, ~outcome->fails_on);
		fputs(" in the baseline now", stream);
	} else if (found->first) {
		write_counts(stream, found, ~outcome->fails_on);
		fputs(", which does not fail it (--fail-on=", stream);
		write_words(stream, outcome->fails_on);
		fputc(')', stream);
	} else {
		fprintf(stream, "nothing %sfound in %s snapshot file%s",
			sums->suppressed_count ? "new was " : "",
			number_count(sums->file_count).text, number_plural(sums->file_count));
	}
	if (sums->suppressed_count)
		fprintf(stream, "; %s known %s%s suppressed",
			number_count(sums->suppressed_count).text,
			!sums->suppressed_wrong_frees				 ? "leak"
			: sums->suppressed_wrong_frees == sums->suppressed_count ? "wrong free"
										 : "finding",
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

/* Nobody shall wonder why a leak of the program that was run is none. */
static void write_driver(const struct check_writer *writer, const struct check_sums *sums)
{
	char text[sizeof(sums->driver) + 240];

	if (!sums->driver_site_count)
		return;
	snprintf(text, sizeof(text),
		 "%s runs the tests and keeps something of each, at %s site%s: that is not "
		 "counted; what it loses is. Name it with --children to have all of it checked",
		 sums->driver, number_count(sums->driver_site_count).text,
		 number_plural(sums->driver_site_count));
	text_paragraph(writer->stream, &writer->style, INK_PLAIN, "seep: check: ", 13, text);
}

static void write_outcome(const struct check_writer *writer, const struct check_outcome *outcome)
{
	const struct check_sums *sums = outcome->sums;
	const struct merged_findings *found = outcome->found;
	FILE *stream = writer->stream;

	write_several(writer, found);
	for (size_t i = 0; found->first && outcome->notes && outcome->notes[i]; i++) {
		if (i == 0)
			fputc('\n', stream);
		text_paragraph(stream, &writer->style, INK_DIM, "Note: ", 6, outcome->notes[i]);
	}
	/* Where nothing could be read, nothing has shown that one is not needed. */
	if (sums->file_count)
		suppression_text_write_remarks(stream, outcome->suppressions, time(NULL));
	if (merged_findings_fail(found, outcome->fails_on)) {
		fputs("\nseep: check: failed: ", stream);
		write_counts(stream, found, outcome->fails_on);
		if (found->process_count > 1)
			fprintf(stream, ", in %s of %s processes",
				number_count(found->found_process_count).text,
				number_count(found->process_count).text);
		if (merged_findings_fail(found, ~outcome->fails_on)) {
			fputs("; not by ", stream);
			write_counts(stream, found, ~outcome->fails_on);
		}
		fputc('\n', stream);
	} else if (!writer->is_quiet && !sums->failed_count) {
		if (found->first)
			fputc('\n', stream);
		write_passed(stream, outcome);
	}
}

static int end(struct check_writer *writer, const struct check_outcome *outcome)
{
	write_outcome(writer, outcome);
	if (!writer->is_quiet)
		write_driver(writer, outcome->sums);
	if (!writer->is_quiet && writer->own)
		write_notes(writer, writer->own);
	free(writer->own);
	writer->own = NULL;
	return 0;
}

const struct check_format check_format_text = {
	.name = "text", .begin = begin, .file = file, .end = end};
