/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: `seep run PROGRAM`, a program under the library, and a summary when it has ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/commands/chosen_settings.h"
#include "tools/commands/command.h"
#include "tools/commands/option_value.h"
#include "tools/commands/run_judgement.h"
#include "tools/commands/run_summary.h"
#include "tools/commands/settings_options.h"
#include "tools/commands/suppressions_option.h"
#include "tools/commands/watched_run.h"
#include "tools/model/error.h"
#include "tools/model/named_file.h"
#include "tools/model/suppression.h"

static const struct command_option options[] = {
	SEEP_SETTINGS(SETTINGS_OPTION) SETTINGS_FILE_OPTION,
	{
		.name = "log_file",
		.argument = "FILE",
		.help = "write the summary to FILE instead of stderr.",
	},
	{
		.name = "error_exitcode",
		.argument = "N",
		.help = "exit with N (1 to 255) when a leak is found that is still live at the "
			"end; "
			"otherwise with the program's own status.",
	},
	SUPPRESSIONS_OPTION,
	NO_BUILTIN_OPTION,
	{0},
};

struct run {
	const struct command *command;
	struct chosen_settings settings;
	const char *log_path;  /* null: stderr */
	size_t error_exitcode; /* 0: the program's own status */
	struct suppressions suppressions;
	bool has_no_builtin;
	struct watched_run watched;
};

static int take(const struct command_option *option, const char *value, void *context)
{
	struct run *run = context;
	int taken = chosen_settings_take(&run->settings, run->command, option, value);

	if (taken)
		return taken < 0 ? taken : 0;
	if (strcmp(option->name, "log_file") == 0) {
		run->log_path = value;
		return 0;
	}
	if (strcmp(option->name, NO_BUILTIN_NAME) == 0) {
		run->has_no_builtin = true;
		return 0;
	}
	if (strcmp(option->name, SUPPRESSIONS_NAME) == 0)
		return suppressions_option_take(run->command, &run->suppressions, value);
	return option_value_status(run->command, option, value, &run->error_exitcode);
}

static int open_log(struct run *run, struct error *error)
{
	run->watched.log = stderr;
	if (!run->log_path)
		return 0;
	int fd = named_file_open(run->log_path, O_WRONLY | O_CREAT | O_TRUNC);
	run->watched.log = fd < 0 ? NULL : fdopen(fd, "w");
	if (fd >= 0 && !run->watched.log)
		close(fd);
	if (!run->watched.log)
		return error_set(error, fd < 0 ? -fd : ENOMEM, "--log-file: cannot write %s: %s",
				 run->log_path, named_file_why(fd < 0 ? -fd : ENOMEM));
	return 0;
}

/* What a program frees as it ends is worth a line, but no reason to fail a test. */
static size_t count_lasting_leaks(const struct run_files *run_files)
{
	size_t count = 0;

	for (size_t i = 0; i < run_files->count; i++)
		count += run_files->files[i].lasting_leak_count;
	return count;
}

/* Judges and says what came of it. Returns the exit status: the program's, unless
 * --error-exitcode says otherwise. A check that could not check must not look clean. */
static int finish(struct run *run, const char *program)
{
	struct watched_run *watched = &run->watched;
	int status = child_process_status(&watched->child);
	int cannot = run->error_exitcode && status == 0 ? EXIT_CANNOT : status;
	struct error error;
	const struct thresholds thresholds = chosen_settings_thresholds(&run->settings);
	int result = watched_run_collect(watched, &error);

	if (result < 0) {
		if (result != -ENODATA || run->error_exitcode || !watched->is_quiet)
			watched_run_say(watched, error.text);
		return result == -ENODATA ? cannot : status;
	}
	if (run_judgement_make(&watched->files, &run->suppressions, &error) < 0) {
		watched_run_say(watched, error.text);
		status = cannot;
	}
	if (!watched->is_quiet &&
	    run_summary_write(watched->log, program, &watched->child, &watched->files,
			      *watched->children_folder ? watched->children_folder : NULL,
			      &thresholds, &run->suppressions, &error) < 0)
		watched_run_say(watched, error.text);
	if (run->error_exitcode && count_lasting_leaks(&watched->files))
		status = (int)run->error_exitcode;
	return status;
}

static int run_program(struct run *run, char **argv)
{
	struct watched_run *watched = &run->watched;
	struct error error;
	int result =
		chosen_settings_complete(&run->settings, getenv(SEEP_OPTIONS_VARIABLE), &error);

	watched->command_name = run->command->name;
	watched->settings = &run->settings.all;
	if (result == 0)
		watched->is_quiet = settings_text_is_on(&run->settings.all, "quiet");
	if (result == 0 && !run->has_no_builtin)
		result = suppressions_add_builtin(&run->suppressions, &error);
	if (result == 0)
		result = watched_run_prepare(watched, argv[0], &error);
	if (result == 0)
		result = open_log(run, &error);
	if (result == 0)
		result = watched_run_start(watched, argv, &error);
	if (result < 0)
		return command_fail("run: %s", error.text);
	return finish(run, argv[0]);
}

static int run(const struct command *self, int argc, char **argv)
{
	struct run run = {.command = self};
	struct error error;
	int status;

	if (chosen_settings_make(&run.settings, &error) < 0)
		return command_fail("run: %s", error.text);
	int operand = command_parse(self, argc, argv, 1, take, &run, &status);
	if (operand == argc)
		status = command_fail("run: which program? see 'seep run --help'");
	else if (operand >= 0)
		status = run_program(&run, argv + operand);
	FILE *log = run.watched.log;
	if (log && log != stderr && fclose(log) != 0)
		command_fail("run: --log-file: cannot write %s: %s", run.log_path, strerror(errno));
	watched_run_free(&run.watched);
	suppressions_free(&run.suppressions);
	chosen_settings_free(&run.settings);
	return status;
}

const struct command command_run = {
	.name = "run",
	.summary = "start a program and follow its allocations",
	.arguments = "[OPTIONS] [--] PROGRAM [ARG...]",
	.description =
		"Starts PROGRAM with libseep.so preloaded. The library writes snapshots into a "
		"file "
		"while the program runs; that file is valid at any moment, also after a crash or a "
		"kill. When the program has ended a summary appears on stderr.\n\n"
		"Standard input, output and error of the program are its own, and its status is "
		"passed on: 128 + the number of the signal when one ended it.\n\n"
		"Child processes are followed too. Each has a file of its own, in a folder that "
		"is called as the program's file but ends with .children: seep.make.4711.children "
		"beside seep.make.4711.seep. It is only there when there are any; seep report "
		"with its name reports on all of them. Programs that become another user or change "
		"their root have one there too: seep run begins it for them.\n\n"
		"With --sample only some of the blocks are recorded: one in about BYTES allocated, "
		"at "
		"random, large ones more often than small ones. A malloc and free that pass by "
		"cost "
		"1 to 2 ns. All figures are then estimates, for each sample counts as what it "
		"stands for, and seep report says how far off they may be: an error of 20 % means "
		"that the true number lies within that with 95 % confidence. The error shrinks "
		"with "
		"the square root of the number of samples: what is live in N samples is known to "
		"about 2 / sqrt(N). Blocks many times as large as BYTES are always recorded. "
		"Mappings of --track=mmap are exact.\n\n"
		"Each option that is a setting of the library can also be given in the environment "
		"variable SEEP_OPTIONS, as key=value:key=value with underscores for dashes and \\: "
		"for a colon; options on the command line win. With LD_PRELOAD=libseep.so in the "
		"environment the library also works without this command.\n\n"
		"SEEP_LIBRARY names another libseep.so than the one that belongs to this program.",
	.options = options,
	.examples =
		"seep run ./server --port=80\tstart a server; stop it as always\n"
		"seep run --interval=10s -o /tmp/check.seep -- make check\ta whole tree of "
		"processes: make's own file, and the others in /tmp/check.children\n"
		"seep run --sample=512K ./server\tas long as it likes: next to no time is lost\n"
		"seep run --error-exitcode=9 ./test\tfail when something leaks\n",
	.run = run,
};
