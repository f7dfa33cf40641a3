/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: `seep report FILE|PID|FOLDER`, what accumulates, with verdicts and stacks.
 */
#include <string.h>
#include <unistd.h>

#include "tools/commands/command.h"
#include "tools/commands/option_value.h"
#include "tools/commands/report_folder.h"
#include "tools/commands/report_request.h"
#include "tools/commands/settings_options.h"
#include "tools/commands/shared_options.h"
#include "tools/commands/snapshot_folder.h"
#include "tools/commands/suppressions_option.h"
#include "tools/model/error.h"
#include "tools/model/suppression.h"
#include "tools/output/sink.h"

#define SITES_IN_TEXT 10

static const struct command_option options[] = {
	{
		.name = "format",
		.argument = "text|json",
		.initial = "text",
		.help = "for a person, or for a program. Several FILEs in JSON, or those of a "
			"FOLDER, are one document to a line.",
	},
	OUTPUT_OPTION,
	{
		.name = "top",
		.argument = "N",
		.initial = "10, in JSON all",
		.help = "show N sites; 0 for all.",
	},
	{
		.name = "all",
		.help = "flag every leak, also those in a crowd: where more than 50 sites "
			"accumulate, as in a compiler that keeps something of each function until "
			"it ends, a leak counts as growing while it is less than 10 % of them all "
			"and less than 1 % of what is live.",
	},
	{.name = "full-stacks", .help = "show every frame of every stack."},
	{
		.name = "min-bytes",
		.argument = "SIZE",
		.initial = "0",
		.help = "leave out sites that hold less than SIZE, unless they are flagged.",
	},
	{
		.name = "from",
		.argument = "SNAP",
		.initial = "first",
		.help = "judge only what happened from this snapshot on, for example after a "
			"warm-up: a "
			"number, a label, first, last, or -N counted from the end.",
	},
	{
		.name = "to",
		.argument = "SNAP",
		.initial = "last",
		.help = "judge as if the run had ended with this snapshot.",
	},
	SYSROOT_OPTION,
	SUPPRESSIONS_OPTION,
	NO_BUILTIN_OPTION,
	NO_SYMBOLS_OPTION,
	SEEP_THRESHOLDS(SETTINGS_OPTION) SETTINGS_FILE_OPTION,
	{0},
};

static int take_option(const struct command_option *option, const char *value, void *context)
{
	struct report_request *request = context;
	const struct command *command = request->command;

	/* Not the setting of that name. */
	if (strcmp(option->name, "output") == 0) {
		request->output = value;
		return 0;
	}
	int taken = chosen_settings_take(&request->settings, command, option, value);
	if (taken)
		return taken < 0 ? taken : 0;
	if (strcmp(option->name, "format") == 0)
		return option_value_choice(command, option, value, &request->format);
	if (strcmp(option->name, "top") == 0) {
		request->has_top = true;
		return option_value_count(command, option, value, &request->top);
	}
	if (strcmp(option->name, "min-bytes") == 0)
		return option_value_bytes(command, option, value, &request->min_bytes);
	if (strcmp(option->name, "all") == 0)
		request->flag_minor = true;
	else if (strcmp(option->name, "full-stacks") == 0)
		request->has_full_stacks = true;
	else if (strcmp(option->name, "from") == 0)
		request->from = value;
	else if (strcmp(option->name, "to") == 0)
		request->to = value;
	else if (strcmp(option->name, "sysroot") == 0)
		request->symbols.sysroot = value;
	else if (strcmp(option->name, "no-symbols") == 0)
		request->symbols.has_modules_only = true;
	else if (strcmp(option->name, NO_BUILTIN_NAME) == 0)
		request->has_no_builtin = true;
	else if (strcmp(option->name, SUPPRESSIONS_NAME) == 0)
		return suppressions_option_take(command, request->suppressions, value);
	return 0;
}

static int write_all(const struct report_request *request, int count, char **texts,
		     struct symbols *symbols, struct sink *sink)
{
	int status = EXIT_CLEAN;

	for (int i = 0; i < count; i++) {
		struct error error = {""};
		if (snapshot_folder_is(texts[i])) {
			if (report_folder_write(request, texts[i], symbols, sink) != EXIT_CLEAN)
				status = EXIT_CANNOT;
			continue;
		}
		/* The other files of a process tree are still worth reading. */
		if (report_request_write(request, texts[i], symbols, sink, count > 1, &error) < 0)
			status = command_fail("%s: %s", request->command->name, error.text);
	}
	return status;
}

static int report_on(struct report_request *request, int count, char **texts)
{
	struct error error = {""};
	struct sink sink = {0};
	int status;

	if (count == 0)
		return command_fail("report: no FILE or PID was given; see 'seep report --help'");
	if (chosen_settings_complete(&request->settings, NULL, &error) < 0 ||
	    (!request->has_no_builtin &&
	     suppressions_add_builtin(request->suppressions, &error) < 0))
		return command_fail("report: %s", error.text);
	request->thresholds = chosen_settings_thresholds(&request->settings);
	if (!request->has_top && request->format == REPORT_TEXT)
		request->top = SITES_IN_TEXT;
	request->symbols.show_progress = isatty(STDERR_FILENO);
	struct symbols *symbols = symbols_new(&request->symbols);
	if (!symbols)
		return command_fail("report: not enough memory");
	status = write_all(request, count, texts, symbols, &sink);
	if (sink_close(&sink, &error) < 0)
		status = command_fail("report: %s", error.text);
	symbols_free(symbols);
	return status;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct suppressions suppressions = {0};
	struct report_request request = {.command = self, .suppressions = &suppressions};
	struct error error;
	int status;

	if (chosen_settings_make(&request.settings, &error) < 0)
		return command_fail("report: %s", error.text);
	int first = command_parse(self, argc, argv, 0, take_option, &request, &status);
	if (first >= 0)
		status = report_on(&request, argc - first, argv + first);
	chosen_settings_free(&request.settings);
	suppressions_free(&suppressions);
	return status;
}

const struct command command_report = {
	.name = "report",
	.summary = "what accumulates, with verdicts and stacks",
	.arguments = "[OPTIONS] FILE|PID|FOLDER...",
	.description =
		"Reads the snapshot file of a run, or of a process that is still running under "
		"seep, "
		"and says for each allocation site whether it leaks: what it holds, how fast it "
		"grows, since when, and the stack from the program's own function outwards.\n\n"
		"The sites that need attention come first: flagged ones, then by growth per hour, "
		"then by size. The verdicts: lost (nothing points to it any more, as a scan has "
		"found) and leak (its old blocks keep growing in number, or a "
		"buffer that realloc makes ever longer) are flagged, the latter also where the "
		"program frees "
		"it all as it ends, which the report then says; growing is not decided yet; "
		"saturating grows ever less, and slower at its end than any leak; "
		"plateau grew and stopped; periodic comes and goes; stable does nothing; unfreed "
		"was "
		"live when a run ended that was too short to judge growth. Under each of the first "
		"three stands why. Sites that are one leak, such as all callers of a wrapper that "
		"forgets "
		"to free, are one entry, which --top=0 unfolds. So are sites that are born and "
		"kept together, such as a session with its buffers, and what one function "
		"allocates and nobody frees.\n\n"
		"What is lost is known where it was looked at: by seep scan, or in a run with "
		"--scan. What is definitely lost is flagged, be it one block, with what only that "
		"held; what is possibly lost is named. Who holds what leaks or grows, and can be "
		"reached, is named too.\n\n"
		"Behind the sites stands what the memory of the process as a whole is made of, and "
		"a verdict on it: a leak, growth at other sites, fragmentation, free memory that "
		"the allocator does not return, growth outside malloc, or stable. A short run has "
		"none.\n\n"
		"Of a FOLDER, such as the one in which seep run keeps the files of child "
		"processes, those files come first and in full that show a leak, unless another one "
		"before has shown the same; then each process has a line below who has started it. "
		"Files in folders below it are left alone.\n\n"
		"A file is good whatever happened to the program, kill -9 included. The exit "
		"status "
		"is 0 whether or not there are leaks, 2 when a FILE could not be read or the "
		"report "
		"not be written.",
	.options = options,
	.examples =
		"seep report seep.server.4711.seep\tthe report of a run\n"
		"seep report seep.make.4711.children\tthe child processes of a run\n"
		"seep report 4711\ttake a snapshot of a running process and report\n"
		"seep report --from=5 seep.server.4711.seep\tleave out the warm-up\n"
		"seep report --format=json seep.server.4711.seep | jq '.sites[] | select(.flagged)'"
		"\tthe flagged sites for a script\n",
	.run = run,
};
