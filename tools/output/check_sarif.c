/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_sarif: SARIF 2.1.0 (OASIS, section numbers below are its), for code scanning services.
 *
 * A result has the site's id as its fingerprint (3.27.17), so that a service knows it again after the
 * code has moved. Each has a physical location, without which services refuse the whole document: where a
 * stack has no source line, the program stands for it.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/output/check_format.h"
#include "tools/output/finding_brief.h"
#include "tools/output/json_values.h"

#define SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

/* 3.4.4: a path is a URI; what may not stand in one is written with %. */
static json_t *uri_of(const char *path)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    "-._~/+@=,!$&'()*;";
	char uri[4096 * 3 + 8];
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
static json_t *stack_of(const struct check_writer *writer, const struct report_site *site)
{
	json_t *frames = json_array();

	for (size_t i = 0; i < site->frame_count; i++) {
		const struct frame *frame = &site->frames[i];
		json_t *entry =
			json_pack("{s:o}", "location",
				  location_of(writer, frame->function, frame->file, frame->line));
		if (entry && frame->module)
			json_object_set_new(entry, "module", json_value_text(frame->module));
		json_array_append_new(frames, entry);
	}
	return json_pack("{s:o}", "frames", frames);
}

static const char *level_of(enum severity severity)
{
	return severity == SEVERITY_LOW ? "warning" : "error";
}

struct process {
	struct check_writer *writer;
	const struct profile *profile;
};

static int add_result(const struct finding_brief *brief, size_t number, void *context)
{
	struct process *process = context;
	struct check_writer *writer = process->writer;
	const struct profile *profile = process->profile;
	json_t *command = json_array(), *result;

	(void)number;
	for (size_t i = 0; i < profile->command_count; i++)
		json_array_append_new(command, json_value_text(profile->command[i]));
	result = json_pack("{s:s, s:s, s:{s:o}, s:[o], s:{s:o, s:s, s:o, s:o}}", "ruleId",
			   brief->rule, "level", level_of(brief->severity), "message", "text",
			   json_value_text(brief->title), "locations",
			   location_of(writer, brief->function,
				       brief->file ? brief->file : profile->exe, brief->line),
			   "properties", "details", json_value_text(brief->text), "severity",
			   severity_name(brief->severity), "pid", json_value_count(profile->pid),
			   "command", command);
	if (!result)
		return -ENOMEM;
	if (*brief->id)
		json_object_set_new(result, "partialFingerprints",
				    json_pack("{s:s}", "seepSite/v1", brief->id));
	if (brief->site && brief->site->frame_count)
		json_object_set_new(result, "stacks",
				    json_pack("[o]", stack_of(writer, brief->site)));
	return json_array_append_new(writer->own, result) ? -ENOMEM : 0;
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

	return finding_brief_walk(report, add_result, &context);
}

static json_t *rules(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < finding_rule_count; i++)
		json_array_append_new(list, json_pack("{s:s, s:{s:s}}", "id", finding_rules[i].name,
						      "shortDescription", "text",
						      finding_rules[i].summary));
	return list;
}

/* 3.20 */
static json_t *invocation(const struct check_outcome *outcome)
{
	json_t *made =
		json_pack("{s:b, s:i}", "executionSuccessful", outcome->sums->failed_count == 0,
			  "exitCode", outcome->exit_status);
	json_t *words = json_array();

	for (char *const *word = outcome->words; word && *word; word++)
		json_array_append_new(words, json_value_text(*word));
	if (made && outcome->words)
		json_object_set(made, "arguments", words);
	json_decref(words);
	return made;
}

static int end(struct check_writer *writer, const struct check_outcome *outcome)
{
	json_t *document =
		json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:o}}, s:[o], s:o}]}", "$schema", SCHEMA,
			  "version", "2.1.0", "runs", "tool", "driver", "name", "seep", "rules",
			  rules(), "invocations", invocation(outcome), "results", writer->own);

	writer->own = NULL;
	if (!document)
		return -ENOMEM;
	json_dumpf(document, writer->stream, JSON_INDENT(1));
	fputc('\n', writer->stream);
	json_decref(document);
	return 0;
}

const struct check_format check_format_sarif = {
	.name = "sarif", .begin = begin, .file = file, .end = end};
