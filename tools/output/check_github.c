/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_github: an annotation for each finding, as GitHub's workflow commands, and a summary of the step.
 *
 * Annotations are lines on standard output that begin with ::error (toolkit/docs/commands.md of
 * actions/toolkit). The summary is Markdown, appended to the file that GITHUB_STEP_SUMMARY names.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/output/check_format.h"
#include "tools/output/finding_brief.h"
#include "tools/output/utf8.h"

/* escapeData and escapeProperty of actions/toolkit. */
static void write_escaped(FILE *stream, const char *bytes, const char *escaped)
{
	char *valid = utf8_valid_copy(bytes);

	for (const char *next = valid ? valid : ""; *next; next++) {
		if (strchr(escaped, *next))
			fprintf(stream, "%%%02X", (unsigned char)*next);
		else
			fputc(*next, stream);
	}
	free(valid);
}

static void write_data(FILE *stream, const char *bytes)
{
	write_escaped(stream, bytes, "%\r\n");
}

static void write_property(FILE *stream, const char *key, const char *bytes)
{
	fprintf(stream, "%s=", key);
	write_escaped(stream, bytes, "%\r\n:,");
}

struct process {
	struct check_writer *writer;
	const struct profile *profile;
};

static int annotate(const struct finding_brief *brief, size_t number, void *context)
{
	struct process *process = context;
	FILE *stream = process->writer->stream;

	(void)number;
	fputs("::error ", stream);
	if (brief->file) {
		write_property(stream, "file",
			       finding_path_below(brief->file, process->writer->folder));
		if (brief->line > 0)
			fprintf(stream, ",line=%d", brief->line);
		fputc(',', stream);
	}
	write_property(stream, "title", brief->title);
	fputs("::", stream);
	fputs("in ", stream);
	write_data(stream, process->profile->name ? process->profile->name : "?");
	fprintf(stream, " (%" PRIu32 ")%%0A", process->profile->pid);
	write_data(stream, brief->text);
	fputc('\n', stream);
	return 0;
}

/* What ends a cell or begins a tag in Markdown is escaped. */
static void write_cell(FILE *stream, const char *bytes)
{
	char *valid = utf8_valid_copy(bytes);

	for (const char *next = valid ? valid : ""; *next; next++) {
		if (strchr("|<>&`*_[]\\", *next))
			fprintf(stream, "&#%d;", *next);
		else
			fputc((unsigned char)*next < ' ' ? ' ' : *next, stream);
	}
	free(valid);
}

static FILE *open_summary(void)
{
	const char *path = getenv("GITHUB_STEP_SUMMARY");

	return path && *path ? fopen(path, "ae") : NULL;
}

struct row {
	FILE *stream;
	const struct profile *profile;
};

static int write_row(const struct finding_brief *brief, size_t number, void *context)
{
	const struct row *row = context;

	(void)number;
	fputs("| ", row->stream);
	write_cell(row->stream, brief->title);
	fputs(" | ", row->stream);
	write_cell(row->stream, row->profile->name ? row->profile->name : "?");
	fprintf(row->stream, " (%" PRIu32 ") | %s |\n", row->profile->pid,
		severity_name(brief->severity));
	return 0;
}

static int begin(struct check_writer *writer)
{
	(void)writer;
	return 0;
}

static int file(struct check_writer *writer, const struct report *report,
		const struct check_sums *sums, const char *source)
{
	struct process context = {.writer = writer, .profile = report->profile};
	bool is_first = !check_has_finding(sums);
	FILE *summary = finding_brief_count(report) ? open_summary() : NULL;
	int result = finding_brief_walk(report, annotate, &context);

	(void)source;

	if (!summary)
		return result;
	struct row row = {.stream = summary, .profile = report->profile};
	if (is_first)
		fputs("### seep: memory\n\n| finding | process | severity |\n|---|---|---|\n",
		      summary);
	if (result == 0)
		result = finding_brief_walk(report, write_row, &row);
	fclose(summary);
	return result;
}

static int end(struct check_writer *writer, const struct check_outcome *outcome)
{
	const struct check_sums *sums = outcome->sums;
	bool is_clean = !check_has_finding(sums) && !sums->failed_count;
	FILE *summary = is_clean ? open_summary() : NULL;

	if (sums->failed_count)
		fprintf(writer->stream,
			"::error title=seep::%zu snapshot file%s could not be checked\n",
			sums->failed_count, sums->failed_count == 1 ? "" : "s");
	if (is_clean)
		fprintf(writer->stream,
			"::notice title=seep::nothing found in %zu snapshot file%s\n",
			sums->file_count, sums->file_count == 1 ? "" : "s");
	if (summary) {
		fprintf(summary, "### seep: memory\n\nNothing found in %zu process%s.\n",
			sums->file_count, sums->file_count == 1 ? "" : "es");
		fclose(summary);
	}
	return 0;
}

const struct check_format check_format_github = {
	.name = "github", .begin = begin, .file = file, .end = end};
