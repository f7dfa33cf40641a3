/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_sarif: SARIF 2.1.0 (OASIS, section numbers below are its), for code scanning services.
 *
 * A result is a finding, in however many processes it was met (occurrenceCount, 3.27.18). It has the
 * site's id as its fingerprint (3.27.17), so that a service knows it again after the code has moved, and
 * a physical location, without which services refuse the whole document: where a stack has no source
 * line, the program stands for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "tools/model/report.h"
#include "tools/output/check_format.h"
#include "tools/output/json_values.h"
#include "tools/output/suppression_text.h"

#define SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

/* 3.4.4: a path is a URI; what may not stand in one is written with %. */
static json_t *uri_of(const char *path)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    "-._~/+@=,!$&'()*;";
	char uri[4096 * 3 + 8] = "";
	size_t used = 0;

	if (*path == '/')
		used = (size_t)snprintf(uri, sizeof(uri), "file://");
	for (const char *next = path; *next && used + 4 < sizeof(uri); next++)
		used += (size_t)snprintf(uri + used, sizeof(uri) - used,
					 strchr(plain, *next) ? "%c" : "%%%02X",
					 (unsigned char)*next);
	return json_string(uri);
}

static json_t *physical_location(const struct check_writer *writer, const char *file, int line)
{
	json_t *location = json_pack("{s:{s:o}}", "artifactLocation", "uri",
				     uri_of(finding_path_below(file, writer->folder)));

	if (location && line > 0)
		json_object_set_new(location, "region", json_pack("{s:i}", "startLine", line));
	return location;
}

/* 3.28 */
static json_t *location_of(const struct check_writer *writer, const char *function,
			   const char *file, int line)
{
	json_t *location = json_object();

	if (file)
		json_object_set_new(location, "physicalLocation",
				    physical_location(writer, file, line));
	if (function)
		json_object_set_new(location, "logicalLocations",
				    json_pack("[{s:o, s:s}]", "fullyQualifiedName",
					      json_value_text(function), "kind", "function"));
	return location;
}

/* 3.44 */
static json_t *stack_of(const struct check_writer *writer, const struct merged_finding *finding)
{
	json_t *frames = json_array();

	for (size_t i = 0; i < finding->frame_count; i++) {
		const struct frame *frame = &finding->frames[i];
		json_t *entry =
			json_pack("{s:o}", "location",
				  location_of(writer, frame->function, frame->file, frame->line));
		if (entry && frame->module)
			json_object_set_new(entry, "module", json_value_text(frame->module));
		json_array_append_new(frames, entry);
	}
	return json_pack("{s:o}", "frames", frames);
}

static const char *level_of(const struct merged_finding *finding, bool fails)
{
	return !fails ? "note" : finding->severity == SEVERITY_LOW ? "warning" : "error";
}

static json_t *processes_of(const struct merged_finding *finding)
{
	json_t *list = json_array();

	for (size_t i = 0; i < finding->process_count; i++) {
		const struct found_process *process = finding->processes[i];
		json_array_append_new(
			list,
			json_pack("{s:o, s:o, s:o}", "name", json_value_text(process->name), "pid",
				  json_value_count(process->pid), "command",
				  json_value_words(process->command, process->command_count)));
	}
	return list;
}

static int add_result(json_t *results, const struct check_writer *writer,
		      const struct merged_finding *finding, bool fails)
{
	char title[FINDING_TITLE_BYTES];
	char *text = merged_finding_text(finding);

	merged_finding_title(finding, title);
	json_t *result =
		json_pack("{s:s, s:s, s:{s:o}, s:[o], s:o, s:{s:o, s:s, s:o}}", "ruleId",
			  finding_rules[finding->rule].name, "level", level_of(finding, fails),
			  "message", "text", json_value_text(title), "locations",
			  location_of(writer, finding->function,
				      finding->file ? finding->file : finding->processes[0]->exe,
				      finding->line),
			  "occurrenceCount", json_value_count(finding->process_count), "properties",
			  "details", json_value_text(text), "severity",
			  severity_name(finding->severity), "processes", processes_of(finding));
	free(text);
	if (!result)
		return -ENOMEM;
	if (*finding->id)
		json_object_set_new(result, "partialFingerprints",
				    json_pack("{s:s}", "seepSite/v1", finding->id));
	if (finding->frame_count)
		json_object_set_new(result, "stacks", json_pack("[o]", stack_of(writer, finding)));
	return json_array_append_new(results, result) ? -ENOMEM : 0;
}

static json_t *rules(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < FINDING_RULES; i++)
		json_array_append_new(list, json_pack("{s:s, s:{s:s}}", "id", finding_rules[i].name,
						      "shortDescription", "text",
						      finding_rules[i].summary));
	return list;
}

/* 3.20.22: suppressions that do not do what they were written for. */
static json_t *remarks_on(const struct suppressions *suppressions)
{
	char remark[SUPPRESSION_REMARK_BYTES];
	json_t *list = json_array();

	for (size_t i = 0; i < suppressions->count; i++) {
		const struct suppression *suppression = &suppressions->list[i];
		if (!suppression_remark(suppression, time(NULL), remark))
			continue;
		json_array_append_new(list, json_pack("{s:s, s:{s:o}, s:[{s:{s:{s:o}, s:{s:i}}}]}",
						      "level", "note", "message", "text",
						      json_value_text(remark), "locations",
						      "physicalLocation", "artifactLocation", "uri",
						      uri_of(suppression->path), "region",
						      "startLine", (int)suppression->line));
	}
	return list;
}

/* 3.20 */
static json_t *invocation(const struct check_outcome *outcome)
{
	json_t *made =
		json_pack("{s:b, s:i}", "executionSuccessful", outcome->sums->failed_count == 0,
			  "exitCode", outcome->exit_status);
	json_t *words = json_array(), *remarks = outcome->sums->file_count
							 ? remarks_on(outcome->suppressions)
							 : json_array();

	if (made && json_array_size(remarks))
		json_object_set(made, "toolConfigurationNotifications", remarks);
	json_decref(remarks);
	for (char *const *word = outcome->words; word && *word; word++)
		json_array_append_new(words, json_value_text(*word));
	if (made && outcome->words)
		json_object_set(made, "arguments", words);
	json_decref(words);
	return made;
}

static int end(struct check_writer *writer, const struct check_outcome *outcome)
{
	json_t *results = json_array();
	int result = results ? 0 : -ENOMEM;

	for (const struct merged_finding *next = outcome->found->first; next && result == 0;
	     next = next->next)
		result = add_result(results, writer, next, check_fails_on(outcome, next));
	json_t *document =
		json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:o}}, s:[o], s:o}]}", "$schema", SCHEMA,
			  "version", "2.1.0", "runs", "tool", "driver", "name", "seep", "rules",
			  rules(), "invocations", invocation(outcome), "results", results);
	if (!document)
		return -ENOMEM;
	json_dumpf(document, writer->stream, JSON_INDENT(1));
	fputc('\n', writer->stream);
	json_decref(document);
	return result;
}

const struct check_format check_format_sarif = {.name = "sarif", .end = end};
