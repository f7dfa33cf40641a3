/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_gitlab: GitLab's code quality report, a subset of Code Climate's format.
 *
 * Every entry needs a path, a line and a fingerprint: where a stack has no source line, the module
 * stands for it. What fails nothing is "info", whatever its severity.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <jansson.h>

#include "tools/output/check_format.h"
#include "tools/output/json_values.h"
#include "tools/output/suppression_text.h"

static const char *severity_of(enum severity severity)
{
	static const char *const names[] = {[SEVERITY_LOW] = "minor",
					    [SEVERITY_MEDIUM] = "major",
					    [SEVERITY_HIGH] = "critical",
					    [SEVERITY_CRITICAL] = "blocker"};

	return names[severity];
}

static int add_entry(json_t *entries, const struct check_writer *writer,
		     const struct merged_finding *finding, bool fails)
{
	const char *path = finding->file ? finding->file : finding->processes[0]->exe;
	char fingerprint[FINDING_FINGERPRINT_BYTES], title[FINDING_TITLE_BYTES];
	char *text = merged_finding_text(finding);

	if (!text)
		return -ENOMEM;
	/* Nothing of it may change from run to run, as the title does. */
	merged_finding_fingerprint(finding, fingerprint);
	merged_finding_title(finding, title);
	json_t *entry =
		json_pack("{s:o, s:s, s:o, s:s, s:{s:o, s:{s:i}}, s:{s:o}}", "description",
			  json_value_text(title), "check_name", finding_rules[finding->rule].name,
			  "fingerprint", json_value_text(fingerprint), "severity",
			  fails ? severity_of(finding->severity) : "info", "location", "path",
			  json_value_text(path ? finding_path_below(path, writer->folder) : "?"),
			  "lines", "begin", finding->line > 0 ? finding->line : 1, "content",
			  "body", json_value_text(text));
	free(text);
	return !entry || json_array_append_new(entries, entry) ? -ENOMEM : 0;
}

/* A suppression that does not do what it was written for. */
static int add_remark(json_t *entries, const struct check_writer *writer,
		      const struct suppression *suppression, const char *remark)
{
	char fingerprint[SUPPRESSION_REMARK_BYTES + 64];

	snprintf(fingerprint, sizeof(fingerprint), "seep-suppression-%u-%s", suppression->line,
		 suppression->name);
	return json_array_append_new(
		       entries, json_pack("{s:o, s:s, s:o, s:s, s:{s:o, s:{s:i}}}", "description",
					  json_value_text(remark), "check_name", "suppression",
					  "fingerprint", json_value_text(fingerprint), "severity",
					  "info", "location", "path",
					  json_value_text(finding_path_below(suppression->path,
									     writer->folder)),
					  "lines", "begin", (int)suppression->line))
		       ? -ENOMEM
		       : 0;
}

static int add_remarks(json_t *entries, const struct check_writer *writer,
		       const struct suppressions *suppressions)
{
	char remark[SUPPRESSION_REMARK_BYTES];
	int result = 0;

	for (size_t i = 0, count = 0;
	     i < suppressions->count && count < SUPPRESSION_REMARKS && result == 0; i++) {
		if (!suppression_remark(&suppressions->list[i], time(NULL), remark))
			continue;
		count++;
		result = add_remark(entries, writer, &suppressions->list[i], remark);
	}
	return result;
}

static int end(struct check_writer *writer, const struct check_outcome *outcome)
{
	json_t *entries = json_array();
	int result = entries ? 0 : -ENOMEM;

	for (const struct merged_finding *next = outcome->found->first; next && result == 0;
	     next = next->next)
		result = add_entry(entries, writer, next, check_fails_on(outcome, next));
	if (result == 0 && outcome->sums->file_count)
		result = add_remarks(entries, writer, outcome->suppressions);
	json_dumpf(entries, writer->stream, JSON_INDENT(1));
	fputc('\n', writer->stream);
	json_decref(entries);
	return result;
}

const struct check_format check_format_gitlab = {.name = "gitlab", .end = end};
