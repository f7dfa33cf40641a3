/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan: `seep scan PID`, which blocks of a running program nothing points to any more, now.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/commands/command.h"
#include "tools/commands/option_value.h"
#include "tools/commands/shared_options.h"
#include "tools/commands/target.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/scan.h"
#include "tools/output/json_report.h"
#include "tools/output/scan_text.h"
#include "tools/output/sink.h"
#include "tools/symbols/symbols.h"

#define SITES_SHOWN 5
#define SOURCE_BYTES (TARGET_PATH_BYTES + 16)

enum { FORMAT_TEXT, FORMAT_JSON };

struct scan_request {
	const struct command *command;
	const char *label, *output;
	size_t format;
};

static const struct command_option options[] = {
	{
		.name = "format",
		.argument = "text|json",
		.initial = "text",
		.help = "for a person, or for a program: as seep report --format=json of the "
			"snapshot, with the sites that are flagged.",
	},
	{
		.name = "label",
		.argument = "TEXT",
		.help = "a name for the snapshot that is taken with it, as of seep snapshot.",
	},
	OUTPUT_OPTION,
	{0},
};

static int take(const struct command_option *option, const char *value, void *context)
{
	struct scan_request *request = context;
	struct error error;

	if (strcmp(option->name, "format") == 0)
		return option_value_choice(request->command, option, value, &request->format);
	if (strcmp(option->name, "output") == 0) {
		request->output = value;
		return 0;
	}
	if (target_check_label(value, &error) < 0) {
		command_fail("scan: --label: %s", error.text);
		return -EINVAL;
	}
	request->label = value;
	return 0;
}

/* The report of the snapshot that was taken for it. A scan that failed has a record, too. */
static int report_of(const struct profile *profile, uint32_t number, struct report **report,
		     struct error *error)
{
	char name[16];
	size_t index;

	snprintf(name, sizeof(name), "%u", number);
	int result = profile_find_snapshot(profile, name, &index, error);
	if (result == 0)
		result =
			report_build(profile, &(struct report_options){.snapshot_limit = index + 1},
				     report, error);
	if (result == 0 && (!(*report)->scan || (*report)->scan->raw.snapshot != number))
		result = error_set(error, EPROTO,
				   "process %u has answered, but there is no scan in %s; it is "
				   "busy with another one, or its disk is full: try it again",
				   profile->pid, profile->path);
	return result;
}

/* The flagged sites come first. */
static size_t count_flagged(const struct report *report)
{
	size_t count = 0;

	while (count < report->site_count && report->sites[count].judgement.is_flagged)
		count++;
	return count;
}

static int write_result(const struct scan_request *request, struct report *report,
			const char *source, struct sink *sink, struct error *error)
{
	struct report_site *sites[SITES_SHOWN];
	size_t all = scan_text_choose(report, sites, SITES_SHOWN), flagged = count_flagged(report);
	size_t count = all < SITES_SHOWN ? all : SITES_SHOWN;
	struct symbols *symbols =
		symbols_new(&(struct symbols_options){.show_progress = isatty(STDERR_FILENO)});
	int result = symbols ? 0 : error_set(error, ENOMEM, "not enough memory");

	if (result == 0 && flagged)
		result = symbols_resolve(symbols, report, flagged, error);
	if (result == 0 && request->format == FORMAT_TEXT)
		scan_text_write(sink->stream, &sink->style, report, sites, count, all, source);
	else if (result == 0 && json_report_write(sink->stream, report,
						  &(struct json_report_options){
							  .has_findings_only = true}) == -ENOMEM)
		result = error_set(error, ENOMEM, "not enough memory for the report");
	symbols_free(symbols);
	return result;
}

static int scan(const struct scan_request *request, pid_t pid, struct sink *sink,
		struct error *error)
{
	struct seep_control_answer answer;
	struct profile *profile = NULL;
	struct report *report = NULL;
	char path[TARGET_PATH_BYTES], source[SOURCE_BYTES];
	int status = EXIT_CANNOT;

	if (target_scan(pid, request->label, &answer, error) == 0 &&
	    target_answer_path(pid, &answer, path, error) == 0 &&
	    profile_read(path, &profile, error) == 0 &&
	    report_of(profile, answer.snapshot, &report, error) == 0) {
		snprintf(source, sizeof(source), "%s@%u", path, answer.snapshot);
		if (write_result(request, report, source, sink, error) == 0)
			status = report->scan->raw.outcome == SEEP_SCAN_DONE ? EXIT_CLEAN
									     : EXIT_CANNOT;
	}
	report_free(report);
	profile_free(profile);
	return status;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct scan_request request = {.command = self};
	struct error error = {""};
	struct sink sink;
	int status;
	pid_t pid;
	int operand = command_parse(self, argc, argv, 0, take, &request, &status);

	if (operand < 0)
		return status;
	if (argc - operand != 1)
		return command_fail("scan: %s; see 'seep scan --help'",
				    operand == argc ? "the PID of a process is missing"
						    : "one PID at a time");
	if (target_parse_pid(argv[operand], &pid, &error) < 0 ||
	    sink_open(&sink, request.output, &error) < 0)
		return command_fail("scan: %s", error.text);
	status = scan(&request, pid, &sink, &error);
	if (*error.text)
		command_fail("scan: %s", error.text);
	if (sink_close(&sink, &error) < 0)
		status = command_fail("scan: %s", error.text);
	return status;
}

const struct command command_scan = {
	.name = "scan",
	.summary = "what a running program has lost, now",
	.arguments = "[OPTIONS] PID",
	.description =
		"Asks the program with this PID, which must run under seep, to look which of its "
		"blocks nothing points to any more. It takes a snapshot, stops its threads, lets "
		"the kernel make a copy of the process, and goes on; the copy is looked at beside "
		"it. Where something is lost, a second copy is made a moment later, so that nothing "
		"that is just being moved about is called so. How long the program stood still is "
		"said; it is some 25 ms for each GiB of memory.\n\n"
		"The words are those of Valgrind: nothing points to what is definitely lost; to "
		"what is indirectly lost only blocks that are lost do; what is possibly lost may "
		"still be held by a pointer that does not lead to its start, or that could not be "
		"seen. Both and what is reachable, and by whom it is held, are then part of "
		"seep report of the program, for each site.\n\n"
		"Exit status: 0 when it could be looked at, whatever was found; 2 when not. To "
		"fail when something is lost, see seep check.",
	.options = options,
	.examples = "seep scan 4711\twhat is lost\n"
		    "seep scan --format=json 4711\tthe same for a script\n"
		    "seep run --scan=5m ./server\tdo it every five minutes\n",
	.run = run,
};
