/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_github: an annotation for each finding, as GitHub's workflow commands, and a summary of the step.
 *
 * Annotations are lines on standard output that begin with ::error (toolkit/docs/commands.md of
 * actions/toolkit). The summary is Markdown, appended to the file that GITHUB_STEP_SUMMARY names.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/model/named_file.h"
#include "tools/output/check_format.h"
#include "tools/output/number_text.h"
#include "tools/output/suppression_text.h"
#include "tools/output/utf8.h"

/* escapeData and escapeProperty of actions/toolkit. */
static void write_escaped(FILE *stream, const char *bytes, const char *escaped)
{
	char put[UTF8_MAX_BYTES];

	for (uint32_t character; (character = utf8_next(&bytes)) != 0;) {
		if (character < 0x80 && strchr(escaped, (int)character))
			fprintf(stream, "%%%02X", (unsigned)character);
		else
			fwrite(put, 1, utf8_put(utf8_is_unsafe(character) ? '?' : character, put),
			       stream);
	}
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

static int annotate(const struct check_writer *writer, const struct merged_finding *finding,
		    bool fails)
{
	FILE *stream = writer->stream;
	char title[FINDING_TITLE_BYTES];
	char *text = merged_finding_text(finding);

	if (!text)
		return -ENOMEM;
	fputs(fails ? "::error " : "::warning ", stream);
	if (finding->file) {
		write_property(stream, "file", finding_path_below(finding->file, writer->folder));
		if (finding->line > 0)
			fprintf(stream, ",line=%d", finding->line);
		fputc(',', stream);
	}
	merged_finding_title(finding, title);
	write_property(stream, "title", title);
	fputs("::", stream);
	write_data(stream, text);
	fputc('\n', stream);
	free(text);
	return 0;
}

/* What ends a cell or begins a tag in Markdown is escaped. */
static void write_cell(FILE *stream, const char *bytes)
{
	char put[UTF8_MAX_BYTES];

	for (uint32_t character; (character = utf8_next(&bytes)) != 0;) {
		if (character < 0x80 && strchr("|<>&`*_[]\\", (int)character))
			fprintf(stream, "&#%u;", (unsigned)character);
		else
			fwrite(put, 1, utf8_put(utf8_is_unsafe(character) ? ' ' : character, put),
			       stream);
	}
}

static void write_row(FILE *stream, const struct merged_finding *finding)
{
	const struct found_process *first = finding->processes[0];
	char title[FINDING_TITLE_BYTES];

	merged_finding_title(finding, title);
	fputs("| ", stream);
	write_cell(stream, title);
	fputs(" | ", stream);
	write_cell(stream, first->name);
	fprintf(stream, " (%" PRIu32 ")", first->pid);
	if (finding->process_count > 1)
		fprintf(stream, " and %zu more", finding->process_count - 1);
	fprintf(stream, " | %s |\n", severity_name(finding->severity));
}

static void write_summary(FILE *stream, const struct check_outcome *outcome)
{
	const struct merged_findings *found = outcome->found;

	size_t failed = outcome->sums->failed_count;

	fputs("### seep: memory\n\n", stream);
	if (failed)
		fprintf(stream, "%zu snapshot file%s could not be checked.\n\n", failed,
			number_plural(failed));
	if (!found->first) {
		if (!failed)
			fprintf(stream, "Nothing found in %zu process%s.\n", found->process_count,
				found->process_count == 1 ? "" : "es");
		return;
	}
	fputs("| finding | process | severity |\n|---|---|---|\n", stream);
	for (const struct merged_finding *next = found->first; next; next = next->next)
		write_row(stream, next);
	fprintf(stream, "\nFound in %zu of %zu process%s.\n", found->found_process_count,
		found->process_count, found->process_count == 1 ? "" : "es");
}

/* Suppressions that do not do what they were written for. A workflow shows few annotations. */
static void write_remarks(const struct check_writer *writer,
			  const struct suppressions *suppressions)
{
	char remark[SUPPRESSION_REMARK_BYTES];
	FILE *stream = writer->stream;

	for (size_t i = 0, count = 0; i < suppressions->count && count < SUPPRESSION_REMARKS; i++) {
		const struct suppression *suppression = &suppressions->list[i];
		if (!suppression_remark(suppression, time(NULL), remark))
			continue;
		count++;
		fputs("::notice ", stream);
		write_property(stream, "file",
			       finding_path_below(suppression->path, writer->folder));
		fprintf(stream, ",line=%u,title=seep::", suppression->line);
		write_data(stream, remark);
		fputc('\n', stream);
	}
}

/* Who looks at the summary alone must not take a missing one for a clean one. */
static void append_summary(FILE *annotations, const struct check_outcome *outcome)
{
	const char *path = getenv("GITHUB_STEP_SUMMARY");
	bool is_written;

	if (!path || !*path)
		return;
	errno = 0;
	int fd = named_file_open(path, O_WRONLY | O_APPEND | O_CREAT);
	FILE *summary = fd < 0 ? NULL : fdopen(fd, "a");
	if (summary) {
		write_summary(summary, outcome);
		is_written = !ferror(summary);
		is_written &= fclose(summary) == 0;
		if (is_written)
			return;
	} else if (fd >= 0) {
		close(fd);
	}
	fputs("::warning title=seep::the summary could not be written: ", annotations);
	write_data(annotations, named_file_why(fd < 0 ? -fd : errno ? errno : EIO));
	fputc('\n', annotations);
}

static int end(struct check_writer *writer, const struct check_outcome *outcome)
{
	const struct check_sums *sums = outcome->sums;
	int result = 0;

	for (const struct merged_finding *next = outcome->found->first; next && result == 0;
	     next = next->next)
		result = annotate(writer, next, check_fails_on(outcome, next));
	if (sums->failed_count)
		fprintf(writer->stream,
			"::error title=seep::%zu snapshot file%s could not be checked\n",
			sums->failed_count, number_plural(sums->failed_count));
	if (!outcome->found->first && !sums->failed_count)
		fprintf(writer->stream,
			"::notice title=seep::nothing found in %zu snapshot file%s\n",
			sums->file_count, number_plural(sums->file_count));
	if (sums->file_count)
		write_remarks(writer, outcome->suppressions);
	append_summary(writer->stream, outcome);
	return result;
}

const struct check_format check_format_github = {.name = "github", .end = end};
