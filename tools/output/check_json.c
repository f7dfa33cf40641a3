/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_json: seep.check/1, with a seep.report/1 of each file, and the findings of all of them, where
 * equal ones are one. The outcome comes last, because it is known last.
 */
#include <errno.h>
#include <time.h>

#include "tools/model/report.h"
#include "tools/output/check_format.h"
#include "tools/output/json_report.h"
#include "tools/output/json_suppression.h"
#include "tools/output/json_values.h"

static int begin(struct check_writer *writer)
{
	fputs("{\"schema\":\"seep.check/1\",\n \"processes\":[", writer->stream);
	return 0;
}

static int file(struct check_writer *writer, const struct report *report,
		const struct check_sums *sums, const struct merged_findings *found,
		const char *source)
{
	(void)found, (void)source;
	fputs(sums->file_count ? "," : "", writer->stream);
	int result = json_report_write(
		writer->stream, report,
		&(struct json_report_options){.has_findings_only = true, .is_one_line = true});
	return result == -EIO ? 0 : result;
}

static json_t *process_object(const struct found_process *process)
{
	return json_pack("{s:o, s:o, s:o}", "pid", json_value_count(process->pid), "name",
			 json_value_text(process->name), "command",
			 json_value_words(process->command, process->command_count));
}

static json_t *finding_object(const struct merged_finding *finding, bool fails)
{
	char title[FINDING_TITLE_BYTES], fingerprint[FINDING_FINGERPRINT_BYTES];
	json_t *processes = json_array();

	for (size_t i = 0; i < finding->process_count; i++)
		json_array_append_new(processes, process_object(finding->processes[i]));
	merged_finding_title(finding, title);
	merged_finding_fingerprint(finding, fingerprint);
	return json_pack("{s:s, s:b, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "rule", finding_rules[finding->rule].name, "fails", fails, "title",
			 json_value_text(title), "fingerprint", json_value_text(fingerprint), "id",
			 *finding->id ? json_value_text(finding->id) : json_null(), "severity",
			 severity_name(finding->severity), "bytes",
			 json_value_count(finding->bytes), "blocks",
			 json_value_count(finding->blocks), "bytes_per_hour",
			 json_value_number(finding->bytes_per_hour), "function",
			 json_value_text(finding->function), "file", json_value_text(finding->file),
			 "line", json_value_count((uint64_t)finding->line), "processes", processes);
}

/* One on each line. */
static int write_findings(FILE *stream, const struct check_outcome *outcome)
{
	const char *comma = "";

	for (const struct merged_finding *next = outcome->found->first; next; next = next->next) {
		json_t *object = finding_object(next, check_fails_on(outcome, next));
		if (!object)
			return -ENOMEM;
		fprintf(stream, "%s\n  ", comma);
		json_dumpf(object, stream, JSON_COMPACT);
		json_decref(object);
		comma = ",";
	}
	return 0;
}

static int end(struct check_writer *writer, const struct check_outcome *outcome)
{
	const struct check_sums *sums = outcome->sums;
	const struct merged_findings *found = outcome->found;
	FILE *stream = writer->stream;
	const char *comma = "";

	fputs("],\n \"findings\":[", stream);
	int result = write_findings(stream, outcome);
	fputs("],\n \"command\":", stream);
	if (outcome->words) {
		fputs("{\"words\":", stream);
		json_write_words(stream, outcome->words);
		fprintf(stream, ",\"status\":%d}", outcome->program_status);
	} else {
		fputs("null", stream);
	}
	fputs(",\n \"suppressions\":", stream);
	json_suppression_write_all(stream, outcome->suppressions, time(NULL));
	fputs(",\n \"fail_on\":[", stream);
	for (unsigned rule = 0; rule < FINDING_RULES; rule++) {
		if (!(outcome->fails_on & 1u << rule))
			continue;
		fprintf(stream, "%s\"%s\"", comma, finding_rules[rule].word);
		comma = ",";
	}
	fprintf(stream,
		"],\n \"leaks\":%zu,\"lost\":%zu,\"growing\":%zu,\"thresholds_crossed\":%zu,"
		"\"misuses\":%zu,\"suppressed\":%zu,\"unreadable\":%zu,\n"
		" \"passed\":%s,\"exit_status\":%d}\n",
		found->counts[FINDING_RULE_LOST] + found->counts[FINDING_RULE_LEAK],
		found->counts[FINDING_RULE_LOST], found->counts[FINDING_RULE_GROWTH],
		found->counts[FINDING_RULE_BUDGET], found->counts[FINDING_RULE_MISUSE],
		sums->suppressed_count, sums->failed_count,
		merged_findings_fail(found, outcome->fails_on) || sums->failed_count ? "false"
										     : "true",
		outcome->exit_status);
	return result;
}

const struct check_format check_format_json = {
	.name = "json", .begin = begin, .file = file, .end = end};
