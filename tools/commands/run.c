/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: `seep run PROGRAM`, a program under the library, and a summary when it has ended.
 *
 * Everything that can be wrong is found before the program is started. From then on the program
 * comes first: its status is passed on whatever happens to our own work.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seep/settings.h"
#include "seep/snapshot_format.h"
#include "tools/commands/child_process.h"
#include "tools/commands/command.h"
#include "tools/commands/end_record.h"
#include "tools/commands/library_path.h"
#include "tools/commands/program_check.h"
#include "tools/commands/run_files.h"
#include "tools/commands/run_output.h"
#include "tools/commands/run_summary.h"
#include "tools/commands/settings_text.h"
#include "tools/commands/target.h"
#include "tools/model/error.h"

/* How long the library's helper may take to write the last snapshot. */
#define NOTICE_MS 2000
#define TIMEOUT_MS 30000

/* Switches take no value: see setting_is_switch. */
#define ARGUMENT_SHOWN(type, values, initial)                                                      \
	(__builtin_strcmp(values, "on|off") == 0 && __builtin_strcmp(initial, "off") == 0          \
		 ? NULL                                                                            \
		 : values)

static const struct command_option options[] = {
#define OPTION_ROW(key_, letter_, type_, values_, initial_, help_)                                 \
	{.name = #key_,                                                                            \
	 .letter = (letter_),                                                                      \
	 .argument = ARGUMENT_SHOWN(type_, values_, initial_),                                     \
	 .is_argument_optional = __builtin_strcmp(#type_, "SHARE") == 0,                           \
	 .initial = ARGUMENT_SHOWN(type_, values_, initial_) ? (initial_) : NULL,                  \
	 .help = (help_)},
	SEEP_SETTINGS(OPTION_ROW)
#undef OPTION_ROW
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
	{0},
};

struct run {
	struct settings_text settings;
	const char *log_path; /* null: stderr */
	int error_exitcode;   /* 0: the program's own status */
	FILE *log;
	char library[PATH_MAX], program[PATH_MAX];
	bool is_quiet;
};

static int take_setting(struct run *run, const struct setting *setting, const char *value)
{
	char shown_as[COMMAND_OPTION_BYTES];
	struct error error;
	const struct command_option named = {.name = setting->key};

	command_option_text(&named, 0, shown_as);
	if (!value)
		value = setting_plain_value(setting);
	if (setting_check(setting, shown_as, value, &error) < 0 ||
	    settings_text_set(&run->settings, setting, value, &error) < 0) {
		command_fail("run: %s", error.text);
		return -EINVAL;
	}
	return 0;
}

static int take(const struct command_option *option, const char *value, void *context)
{
	struct run *run = context;
	const struct setting *setting = settings_find(option->name);
	char *end;

	if (setting)
		return take_setting(run, setting, value);
	if (strcmp(option->name, "log_file") == 0) {
		run->log_path = value;
		return 0;
	}
	long number = strtol(value, &end, 10);
	if (*end || end == value || number < 1 || number > 255) {
		command_fail("run: --error-exitcode: '%s' is not possible; give a number from 1 to "
			     "255",
			     value);
		return -EINVAL;
	}
	run->error_exitcode = (int)number;
	return 0;
}

/* ---- before -----------------------------------------------------------------------------------
 */

static int make_output_absolute(struct run *run, struct error *error)
{
	char pattern[PATH_MAX];
	int result =
		run_output_absolute(settings_text_get(&run->settings, "output"), pattern, error);

	if (result < 0)
		return result;
	return settings_text_set(&run->settings, settings_find("output"), pattern, error);
}

static int open_log(struct run *run, struct error *error)
{
	run->log = stderr;
	if (!run->log_path)
		return 0;
	run->log = fopen(run->log_path, "we");
	if (!run->log)
		return error_set(error, errno, "--log-file: cannot write %s: %s", run->log_path,
				 strerror(errno));
	return 0;
}

static int prepare(struct run *run, const char *program, struct error *error)
{
	int result = make_output_absolute(run, error);

	if (result == 0)
		result = library_path_find(run->library, error);
	if (result == 0)
		result = program_check_find(program, run->program, error);
	if (result == 0)
		result = program_check(run->program, run->library, error);
	if (result == 0)
		result = open_log(run, error);
	if (result == 0)
		result = run_output_prepare(settings_text_get(&run->settings, "output"),
					    run->program, error);
	run->is_quiet = strchr("o1", *settings_text_get(&run->settings, "quiet")) &&
			strcmp(settings_text_get(&run->settings, "quiet"), "off") != 0;
	return result;
}

/* ---- after ------------------------------------------------------------------------------------
 */

static void say(const struct run *run, const char *text)
{
	fprintf(run->log, "seep: run: %s\n", text);
}

static void say_waiting(void *context)
{
	const struct run *run = context;

	if (!run->is_quiet)
		say(run, "waiting for the last snapshot to be written");
}

/* Waits for the program's last snapshot and says in its file how it ended. */
static void finish_root(struct run *run, const struct child_process *child, const char *path)
{
	bool is_signal = WIFSIGNALED(child->wait_status);
	const struct seep_end end = {
		.how = is_signal ? SEEP_END_SIGNAL : SEEP_END_EXIT,
		.status =
			is_signal ? WTERMSIG(child->wait_status) : WEXITSTATUS(child->wait_status),
		.ended_unix_ns = child->ended_unix_ns,
	};
	struct error error;
	int fd = end_record_lock(path, NOTICE_MS, TIMEOUT_MS, say_waiting, run, &error);

	if (fd < 0 || end_record_append(fd, path, &end, &error) < 0)
		say(run, error.text);
	if (fd >= 0)
		close(fd);
}

/* The files of children that have ended should be complete when we return. One that is still
 * running (a daemon) is judged as it is now. One that is gone had nothing to tell: the helper
 * removes the file of a fork that lived only until its exec. */
static void await_children(struct run *run, struct run_files *run_files)
{
	struct error error;
	uint64_t ticks;

	for (size_t i = 0; i < run_files->count; i++) {
		const struct run_file *file = &run_files->files[i];
		if (file->pid == run_files->files[run_files->root].pid ||
		    (target_start_ticks(file->pid, &ticks) && ticks == file->start_ticks))
			continue;
		int fd = end_record_lock(file->path, NOTICE_MS, TIMEOUT_MS, say_waiting, run,
					 &error);
		if (fd == -ENOENT) {
			run_files_drop(run_files, i--);
			continue;
		}
		if (fd >= 0)
			close(fd);
		else
			say(run, error.text);
		/* Where one helper hangs the others will: once is enough. */
		if (fd == -ETIMEDOUT)
			return;
	}
}

/* What a program frees as it ends is worth a line, but no reason to fail a test. */
static size_t count_lasting_leaks(const struct run_files *run_files)
{
	size_t count = 0;

	for (size_t i = 0; i < run_files->count; i++)
		count += run_files->files[i].lasting_leak_count;
	return count;
}

/* No file: the most likely reason, in one line. */
static void say_nothing_written(const struct run *run)
{
	char folder[PATH_MAX], text[PATH_MAX + 256];
	struct statvfs system;
	const char *reason = "libseep.so did not come to life in it; did a wrapper clear the "
			     "environment, or the program change its user?";

	if (run_output_folder(settings_text_get(&run->settings, "output"), folder)) {
		if (access(folder, W_OK | X_OK) != 0)
			reason = strerror(errno);
		else if (statvfs(folder, &system) == 0 && system.f_blocks > 0 &&
			 system.f_bavail == 0)
			reason = strerror(ENOSPC);
	}
	snprintf(text, sizeof(text), "no snapshot file was written for %s: %s", run->program,
		 reason);
	say(run, text);
}

/* Returns the exit status: `status`, unless --error-exitcode says otherwise. */
static int finish(struct run *run, const struct child_process *child, const char *program,
		  int status)
{
	const char *pattern = settings_text_get(&run->settings, "output");
	const char *followed = settings_text_get(&run->settings, "children");
	char children[PATH_MAX], folder[PATH_MAX];
	bool has_folder = run_output_children(pattern, run->program, child->pid, children) &&
			  run_output_children_folder(pattern, run->program, child->pid, folder);
	const struct run_identity identity = {
		.pattern = pattern,
		.children = has_folder ? children : NULL,
		.pid = child->pid,
		.start_ticks = child->start_ticks,
		.has_gaps = strcmp(followed, "all") != 0 && strcmp(followed, "none") != 0,
	};
	struct run_files run_files;
	struct error error;

	/* The program's limits are ours too: a file that may not grow is an error, not our end. */
	signal(SIGXFSZ, SIG_IGN);
	if (run_files_find(&identity, &run_files, &error) < 0) {
		say(run, error.text);
		return status;
	}
	if (run_files.root == run_files.count) {
		/* A check that could not check must not look clean. */
		if (run->error_exitcode || !run->is_quiet)
			say_nothing_written(run);
		if (run->error_exitcode && status == 0)
			status = EXIT_CANNOT;
		goto out;
	}

	finish_root(run, child, run_files.files[run_files.root].path);
	await_children(run, &run_files);
	if (run_summary_judge(&run_files, &error) < 0) {
		say(run, error.text);
		if (run->error_exitcode && status == 0)
			status = EXIT_CANNOT;
	}
	if (!run->is_quiet && run_summary_write(run->log, program, child, &run_files,
						has_folder ? folder : NULL, &error) < 0)
		say(run, error.text);
	if (run->error_exitcode && count_lasting_leaks(&run_files))
		status = run->error_exitcode;
out:
	run_files_free(&run_files);
	return status;
}

static int start_and_finish(struct run *run, char **argv)
{
	struct child_process child;
	struct error error;
	char *text = settings_text_write(&run->settings);
	char *preload = library_path_preload(run->library, getenv("LD_PRELOAD"));
	int status = EXIT_CANNOT;

	if (!text || !preload)
		command_fail("run: out of memory");
	else if (child_process_run(&child, run->program, argv,
				   &(struct child_settings){
					   .preload = preload,
					   .options = text,
					   .output = settings_text_get(&run->settings, "output"),
				   },
				   &error) < 0)
		command_fail("run: %s", error.text);
	else
		status = finish(run, &child, argv[0], child_process_status(&child));
	free(preload);
	free(text);
	return status;
}

static int run(const struct command *self, int argc, char **argv)
{
	const char *environment = getenv(SEEP_OPTIONS_VARIABLE);
	struct run run = {0};
	struct error error;
	int status = EXIT_CANNOT;

	if (settings_text_make(&run.settings, &error) < 0 ||
	    (environment && settings_text_read(&run.settings, environment, &error) < 0)) {
		command_fail("run: %s", error.text);
		goto out;
	}
	int operand = command_parse(self, argc, argv, 1, take, &run, &status);
	if (operand < 0)
		goto out;
	status = EXIT_CANNOT;
	if (operand == argc)
		command_fail("run: which program? see 'seep run --help'");
	else if (prepare(&run, argv[operand], &error) < 0)
		command_fail("run: %s", error.text);
	else
		status = start_and_finish(&run, argv + operand);
out:
	if (run.log && run.log != stderr && fclose(run.log) != 0)
		command_fail("run: --log-file: cannot write %s: %s", run.log_path, strerror(errno));
	settings_text_free(&run.settings);
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
		"with its name reports on all of them.\n\n"
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
