/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_gitlab: GitLab's code quality report, a subset of Code Climate's format.
 *
 * Every entry needs a path, a line and a fingerprint: where a stack has no source line, the module
 * stands for it.
 */
#include <errno.h>
#include <stdlib.h>

#include <jansson.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/output/check_format.h"
#include "tools/output/finding_brief.h"
#include "tools/output/json_values.h"

static const char *severity_of(enum severity severity)
{
	static const char *const names[] = {[SEVERITY_LOW] = "minor",
					    [SEVERITY_MEDIUM] = "major",
					    [SEVERITY_HIGH] = "critical",
					    [SEVERITY_CRITICAL] = "blocker"};

	return names[severity];
}

struct process {
	struct check_writer *writer;
	const struct profile *profile;
};

static int add_entry(const struct finding_brief *brief, size_t number, void *context)
{
	struct process *process = context;
	const char *path = brief->file ? finding_path_below(brief->file, process->writer->folder)
				       : process->profile->exe;
	char fingerprint[FINDING_TITLE_BYTES + 96];

	(void)number;
	/* Nothing of it may change from run to run, as the title does. */
	snprintf(fingerprint, sizeof(fingerprint), "seep-%s%s%s-%s", brief->rule,
		 brief->limit ? "-" : "", brief->limit ? brief->limit : "",
		 *brief->id ? brief->id : brief->name);
	json_t *entry = json_pack(
		"{s:o, s:s, s:o, s:s, s:{s:o, s:{s:i}}, s:{s:o}}", "description",
		json_value_text(brief->title), "check_name", brief->rule, "fingerprint",
		json_value_text(fingerprint), "severity", severity_of(brief->severity), "location",
		"path", json_value_text(path), "lines", "begin", brief->line > 0 ? brief->line : 1,
		"content", "body", json_value_text(brief->text));
	return !entry || json_array_append_new(process->writer->own, entry) ? -ENOMEM : 0;
}

static int begin(struct check_writer *writer)
{
	writer->own = json_array();
	return writer->own ? 0 : -ENOMEM;
}

static int file(struct check_writer *writer, const struct report *report,
		const struct check_sums *sums, const char *source)
{
	(void)sums, (void)source;
	struct process context = {.writer = writer, .profile = report->profile};

	return finding_brief_walk(report, add_entry, &context);
}

static int end(struct check_writer *writer, const struct check_outcome *outcome)
{
	(void)outcome;
	json_dumpf(writer->own, writer->stream, JSON_INDENT(1));
	fputc('\n', writer->stream);
	json_decref(writer->own);
	writer->own = NULL;
	return 0;
}

const struct check_format check_format_gitlab = {
	.name = "gitlab", .begin = begin, .file = file, .end = end};
