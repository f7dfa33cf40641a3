/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: `seep check FILE` and `seep check -- PROGRAM`, a gate for tests and CI.
 *
 * Its exit status is the answer. Around a program everything of the program stays as it is, its
 * status too unless there is a finding, so that a test that fails without seep fails with it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/commands/checked_files.h"
#include "tools/commands/chosen_children.h"
#include "tools/commands/chosen_settings.h"
#include "tools/commands/command.h"
#include "tools/commands/fail_on_option.h"
#include "tools/commands/kept_files.h"
#include "tools/commands/option_value.h"
#include "tools/commands/settings_options.h"
#include "tools/commands/suppressions_option.h"
#include "tools/commands/watched_run.h"
#include "tools/model/baseline.h"
#include "tools/model/error.h"
#include "tools/model/suppression_draft.h"
#include "tools/model/whole_file.h"
#include "tools/output/number_text.h"
#include "tools/symbols/symbols.h"

/* A test has the moment that it takes to look what it has lost. */
#define SCAN_OF_CHECK "exit"
#define RUN_SETTING(key_, letter_, type_, values_, initial_, help_)                                \
	SETTINGS_OPTION(key_, letter_, type_, values_,                                             \
			__builtin_strcmp(#key_, "scan") == 0 ? SCAN_OF_CHECK : (initial_), help_)

static const struct command_option options[] = {
	{
		.name = "format",
		.argument = CHECK_FORMATS,
		.initial = "text",
		.help = "for a person; for a program; as test results in JUnit's XML; for code "
			"scanning (SARIF 2.1.0); as annotations of a GitHub workflow, with a "
			"summary "
			"of the step; as a GitLab code quality report; as Valgrind's memcheck "
			"writes it, for CTest.",
	},
	{
		.name = "output",
		.letter = 'o',
		.argument = "FILE",
		.help = "write the result to FILE. Without it, around a PROGRAM it goes to "
			"standard error, of a FILE to standard output.",
	},
	{.name = "log_file", .argument = "FILE", .help = "the same, as seep run calls it."},
	FAIL_ON_OPTION,
	{
		.name = "error_exitcode",
		.argument = "N",
		.initial = "1",
		.help = "exit with N (1 to 255) when there is a finding.",
	},
	{
		.name = "all",
		.help = "flag every leak, also those in a crowd; see seep report --help.",
	},
	{
		.name = "keep",
		.argument = "FILE",
		.help = "keep the snapshot files of PROGRAM; %p and %e as in seep run -o. Without "
			"it "
			"they go when it has ended.",
	},
	SUPPRESSIONS_OPTION,
	{
		.name = "gen_suppressions",
		.argument = "FILE",
		.help = "write suppressions for what is found to FILE, for --suppressions; in "
			"Valgrind's syntax, because only that can tell a whole stack.",
	},
	NO_BUILTIN_OPTION,
	{
		.name = "baseline",
		.argument = "FILE",
		.help = "only what is new, or worse by more than a tenth, is a finding; FILE lists "
			"what was found when it was written.",
	},
	{
		.name = "update_baseline",
		.help = "write what is found to the FILE of --baseline, which need not exist yet; "
			"what stands there of programs that did not run, or failed, stays. The "
			"exit "
			"status is "
			"then that of a check without a finding.",
	},
	SEEP_THRESHOLDS(SETTINGS_OPTION) SETTINGS_FILE_OPTION,
	SEEP_RUN_SETTINGS(RUN_SETTING){0},
};

struct check {
	const struct command *command;
	size_t format;
	const char *output; /* null: a standard stream */
	size_t error_exitcode;
	const char *baseline; /* null: none */
	const char *draft;    /* file for suppressions; null */
	bool has_no_builtin;
	bool updates_baseline;
	bool expects_scan; /* of the program */
	struct chosen_settings settings;
	struct checked_files checked;
	struct sink sink;
};

/* Standard output is the program's own, and a file that is called - is nobody's wish. */
static int take_file(const struct command_option *option, const char *value, const char **path)
{
	char text[COMMAND_OPTION_BYTES];

	if (strcmp(value, "-") == 0) {
		command_fail("check: %s needs a file: standard output belongs to the program",
			     command_option_text(option, 0, text));
		return -1;
	}
	*path = value;
	return 0;
}

static int take(const struct command_option *option, const char *value, void *context)
{
	struct check *check = context;
	const struct command *command = check->command;
	struct error error;

	if (strcmp(option->name, "format") == 0)
		return option_value_choice(command, option, value, &check->format);
	if (strcmp(option->name, FAIL_ON_NAME) == 0)
		return fail_on_option_take(command, value, &check->checked.fails_on);
	if (strcmp(option->name, "error_exitcode") == 0)
		return option_value_status(command, option, value, &check->error_exitcode);
	if (strcmp(option->name, "output") == 0 || strcmp(option->name, "log_file") == 0) {
		check->output = value;
		return 0;
	}
	if (strcmp(option->name, "all") == 0) {
		check->checked.flag_minor = true;
		return 0;
	}
	if (strcmp(option->name, "baseline") == 0)
		return take_file(option, value, &check->baseline);
	if (strcmp(option->name, "update_baseline") == 0) {
		check->updates_baseline = true;
		return 0;
	}
	if (strcmp(option->name, "gen_suppressions") == 0)
		return take_file(option, value, &check->draft);
	if (strcmp(option->name, NO_BUILTIN_NAME) == 0) {
		check->has_no_builtin = true;
		return 0;
	}
	if (strcmp(option->name, SUPPRESSIONS_NAME) == 0)
		return suppressions_option_take(command, &check->checked.suppressions, value);
	if (strcmp(option->name, "keep") == 0) {
		const struct setting *setting = settings_find("output");
		if (setting_check(setting, "--keep", value, &error) == 0 &&
		    settings_text_set(&check->settings.all, setting, value, &error) == 0)
			return 0;
		command_fail("check: %s", error.text);
		return -EINVAL;
	}
	int taken = chosen_settings_take(&check->settings, command, option, value);
	return taken < 0 ? taken : 0;
}

/* ---- the answer ----------------------------------------------------------------------------- */

static int begin(struct check *check, bool is_on_stderr, struct error *error)
{
	struct checked_files *checked = &check->checked;
	int result = is_on_stderr && !check->output ? sink_open_stderr(&check->sink, error)
						    : sink_open(&check->sink, check->output, error);

	if (result < 0)
		return result;
	checked->sink = &check->sink;
	checked->format = check_formats[check->format];
	checked->writer.is_quiet = settings_text_is_on(&check->settings.all, "quiet");
	checked->writer.expects_scan = check->expects_scan;
	checked->thresholds = chosen_settings_thresholds(&check->settings);
	checked->symbols =
		symbols_new(&(struct symbols_options){.show_progress = isatty(STDERR_FILENO)});
	if (!checked->symbols)
		return error_set(error, ENOMEM, "not enough memory");
	return checked_files_begin(checked, error);
}

/* What stands in it is found no more. */
static int write_baseline(struct check *check)
{
	struct checked_files *checked = &check->checked;
	struct error error;
	size_t unreached;

	if (!checked->baseline)
		return 0;
	/* It would forget what stands in what could not be read. */
	if (checked->sums.failed_count) {
		command_fail("check: the baseline %s stays as it was, for not all could be checked",
			     check->baseline);
		return -EINVAL;
	}
	int result = baseline_keep(checked->baseline, &checked->suppressions, &unreached)
			     ? baseline_write(checked->baseline, check->baseline, &error)
			     : error_set(&error, ENOMEM, "not enough memory for the baseline");
	if (result < 0) {
		command_fail("check: %s", error.text);
		return result;
	}
	checked->fails_on &= 1u << FINDING_RULE_BUDGET;
	if (checked->writer.is_quiet)
		return 0;
	fprintf(stderr, "seep: check: the baseline %s has %zu entr%s now", check->baseline,
		baseline_count(checked->baseline),
		baseline_count(checked->baseline) == 1 ? "y" : "ies");
	if (unreached)
		fprintf(stderr, "; %zu of them stay%s, for what failed may not have come so far",
			unreached, unreached == 1 ? "s" : "");
	fputc('\n', stderr);
	return 0;
}

static int write_draft(struct check *check)
{
	const struct suppression_draft *draft = check->checked.draft;
	struct error error;

	if (!draft)
		return 0;
	int result = suppression_draft_write(draft, check->draft, &error);
	if (result < 0)
		command_fail("check: %s", error.text);
	else if (!check->checked.writer.is_quiet)
		fprintf(stderr, "seep: check: %s has %zu suppression%s now\n", check->draft,
			suppression_draft_count(draft),
			number_plural(suppression_draft_count(draft)));
	return result;
}

/* `status` is what to return without a finding. */
static int end(struct check *check, char *const *words, const struct child_process *child,
	       int status)
{
	const struct checked_files *checked = &check->checked;
	char *const program[] = {words ? words[0] : NULL, NULL};
	struct error error;

	/* The arguments may be secrets: they are in the answer no more than in the snapshot files. */
	if (words && !settings_text_is_on(&check->settings.all, "command_line"))
		words = program;
	/* What could not be checked must not look clean. */
	if (checked->sums.failed_count && status == EXIT_CLEAN)
		status = EXIT_CANNOT;
	int result = write_baseline(check);
	int drafted = write_draft(check);
	result = result < 0 ? result : drafted;
	bool has_finding = merged_findings_fail(checked->found, checked->fails_on);
	if (has_finding)
		status = (int)check->error_exitcode;
	if (checked_files_end(&check->checked, words, child, status, &error) < 0) {
		result = -ENOMEM;
		command_fail("check: %s", error.text);
	}
	if (sink_close(&check->sink, &error) < 0) {
		result = -EIO;
		command_fail("check: %s", error.text);
	}
	/* Who reads only what is written must not take an old file for the answer. */
	return result < 0 && (status == EXIT_CLEAN || has_finding) ? EXIT_CANNOT : status;
}

/* ---- of files ------------------------------------------------------------------------------- */

/* An option that could only be meant for a program. */
static int refuse_run_settings(const struct check *check, struct error *error)
{
#define KEY(key, letter, type, values, initial, help) #key,
	static const char *const keys[] = {"output", SEEP_RUN_SETTINGS(KEY)};
#undef KEY
	char name[COMMAND_OPTION_BYTES];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct setting *setting = settings_find(keys[i]);
		const struct command_option option = {.name = i ? keys[i] : "keep"};
		if (!check->settings.all.values[setting - settings_table] ||
		    strcmp(keys[i], "quiet") == 0)
			continue;
		return error_set(error, EINVAL,
				 "%s is for a program that is run; write seep check … -- PROGRAM",
				 command_option_text(&option, 0, name));
	}
	return 0;
}

static int check_files(struct check *check, char **names)
{
	struct error error;
	int result = refuse_run_settings(check, &error);

	if (result == 0)
		result = chosen_settings_complete(&check->settings, NULL, &error);
	if (result == 0)
		result = begin(check, false, &error);
	if (result < 0)
		return command_fail("check: %s", error.text);
	for (; *names; names++)
		checked_files_add(&check->checked, *names);
	return end(check, NULL, NULL, EXIT_CLEAN);
}

/* ---- of a program --------------------------------------------------------------------------- */

/* A folder that was mistyped must not look clean for ever. */
static void refuse_nobody(struct check *check, const struct watched_run *run)
{
	const char *children = settings_text_get(run->settings, "children");

	if (run->files.count > 1 || !chosen_children_leave_out(children, run->program))
		return;
	command_fail("check: no program of --children=%s was run; nothing was checked but %s",
		     children, run->program);
	check->checked.sums.failed_count++;
}

/* Has it started others that were looked at? */
static bool has_children(const struct run_files *files, size_t index)
{
	for (size_t i = 0; i < files->count; i++)
		if (files->files[i].parent == files->files[index].pid)
			return true;
	return false;
}

static int judge(struct check *check, struct watched_run *run, char **words)
{
	int status = child_process_status(&run->child), cannot = status ? status : EXIT_CANNOT;
	struct error error;

	if (watched_run_collect(run, &error) < 0 || begin(check, true, &error) < 0) {
		watched_run_say(run, error.text);
		return cannot;
	}
	const char *children = settings_text_get(run->settings, "children");
	for (size_t i = 0; i < run->files.count; i++) {
		/* A fork that lived only until its exec has nothing to tell, and then no file. */
		if (i != run->files.root && access(run->files.files[i].path, F_OK) != 0)
			continue;
		check->checked.is_program = run->files.files[i].pid == run->child.pid;
		check->checked.children = has_children(&run->files, i) ? children : NULL;
		checked_files_add(&check->checked, run->files.files[i].path);
	}
	refuse_nobody(check, run);
	if (status)
		suppressions_note_failure(&check->checked.suppressions);
	return end(check, words, &run->child, status);
}

/* Unless it was told when to scan. */
static int set_scan(struct check *check, struct error *error)
{
	const struct setting *setting = settings_find("scan");
	const char *value = check->settings.all.values[setting - settings_table];
	int result = 0;

	if (!value) {
		value = SCAN_OF_CHECK;
		result = settings_text_set(&check->settings.all, setting, value, error);
	}
	check->expects_scan = strcmp(value, "off") != 0;
	return result;
}

/* A test asks what it has lost, and only here is known what is known already. What it has lost is lost at
 * the end, too. */
static int set_loss_checks(struct check *check, struct error *error)
{
	const struct setting *setting = settings_find("loss_checks");

	if (!check->baseline || check->settings.all.values[setting - settings_table])
		return 0;
	return settings_text_set(&check->settings.all, setting, "off", error);
}

static int check_program(struct check *check, char **words)
{
	struct settings_text *settings = &check->settings.all;
	struct watched_run run = {.command_name = "check", .settings = settings, .log = stderr};
	struct kept_files kept = {""};
	struct error error;
	int status = EXIT_CANNOT;
	int result =
		chosen_settings_complete(&check->settings, getenv(SEEP_OPTIONS_VARIABLE), &error);

	if (result == 0)
		result = set_scan(check, &error);
	if (result == 0)
		result = set_loss_checks(check, &error);
	if (result == 0)
		result = kept_files_place(&kept, settings, &error);
	if (result == 0) {
		run.is_quiet = settings_text_is_on(settings, "quiet");
		result = watched_run_prepare(&run, words[0], &error);
	}
	/* Behind what may be wrong with the program: an empty file would look like an answer. */
	if (result == 0)
		result = sink_try(check->output, &error);
	if (result == 0)
		result = watched_run_start(&run, words, &error);
	if (result < 0)
		command_fail("check: %s", error.text);
	else
		status = judge(check, &run, words);
	kept_files_end(&kept);
	watched_run_free(&run);
	return status;
}

/* Before anything is run: what is wrong with it is to be known now. */
static int open_known(struct check *check, struct error *error)
{
	struct checked_files *checked = &check->checked;

	if (check->updates_baseline && !check->baseline)
		return error_set(error, EINVAL,
				 "--update-baseline needs the file to write: --baseline=FILE");
	if (check->updates_baseline && !(checked->baseline = baseline_new(check->baseline)))
		return error_set(error, ENOMEM, "not enough memory");
	int result = check->draft ? whole_file_try(check->draft, "suppressions", error) : 0;
	if (result == 0 && check->updates_baseline)
		result = whole_file_try(check->baseline, "baseline", error);
	if (result < 0)
		return result;
	if (check->draft && !(checked->draft = suppression_draft_new()))
		return error_set(error, ENOMEM, "not enough memory");
	if (!check->has_no_builtin) {
		result = suppressions_add_builtin(&checked->suppressions, error);
		if (result == 0)
			result = suppressions_add_drivers(&checked->suppressions, error);
		if (result < 0)
			return result;
	}
	return check->baseline ? baseline_read(&checked->suppressions, check->baseline,
					       check->updates_baseline, error)
			       : 0;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct check check = {.command = self,
			      .error_exitcode = EXIT_LEAKS,
			      .checked = {.fails_on = FAIL_ON_INITIAL}};
	struct error error;
	int status;

	if (chosen_settings_make(&check.settings, &error) < 0)
		return command_fail("check: %s", error.text);
	int operand = command_parse(self, argc, argv, 0, take, &check, &status);
	if (operand > 0 && operand < argc && open_known(&check, &error) < 0)
		status = command_fail("check: %s", error.text);
	else if (operand == argc)
		status = command_fail("check: no FILE and no -- PROGRAM was given; see 'seep check "
				      "--help'");
	else if (operand > 0 && strcmp(argv[operand - 1], "--") == 0)
		status = check_program(&check, argv + operand);
	else if (operand > 0)
		status = check_files(&check, argv + operand);
	symbols_free(check.checked.symbols);
	merged_findings_free(check.checked.found);
	suppressions_free(&check.checked.suppressions);
	baseline_free(check.checked.baseline);
	suppression_draft_free(check.checked.draft);
	chosen_settings_free(&check.settings);
	return status;
}

const struct command command_check = {
	.name = "check",
	.summary = "fail on leaks, wrong frees and crossed thresholds",
	.arguments = "[OPTIONS] {FILE|PID|FOLDER... | -- PROGRAM [ARG...]}",
	.description =
		"A gate for tests: runs a PROGRAM, or reads the files of a run that is over, and "
		"fails when memory is lost or leaks, in the program or in any of its children. A "
		"finding is a site that seep report flags, also when the program frees it all as "
		"it ends, a threshold (--max-...) that was crossed, or a wrong free: of memory "
		"from "
		"new with free(), of memory from malloc() with delete, say, or one that has ended "
		"the program. --fail-on chooses which of these fail. What many processes have "
		"found at one site, or have lost of what one function allocates, is one "
		"finding.\n\n"
		"What a PROGRAM has lost, be it one block, is looked at when it ends: what nothing "
		"points to any more is definitely lost, in Valgrind's words. --scan=off leaves "
		"that out. What is possibly lost, and what is left at the end and did not grow, "
		"fails no check.\n\n"
		"Around a PROGRAM it works as seep run does: standard streams and signals are the "
		"program's own, child processes are followed, and their files are checked too. "
		"What "
		"was found is written to standard error when all have ended.\n\n"
		"Exit status: 1, or that of --error-exitcode, with a finding. Otherwise the "
		"program's "
		"own, so that a test that fails goes on failing, or 0 for a FILE; 128 + the number "
		"of the signal when one ended the program. 2 when the program could not be "
		"started, a FILE not be read, the result, a baseline or suppressions not be "
		"written, no file was left, or none of the programs of --children was run.\n\n"
		"The shell's tools lose blocks of their own: around a whole test suite, name the "
		"folder that the tests are built in with --children. Make, ctest, shells and "
		"other programs that only run the tests keep something of each until they end: "
		"of them, and of a PROGRAM that does not lie in the folders of --children, "
		"only what they lose counts, once they have run something that was checked. Who "
		"names one, as in --children=make, has it checked as any other; so is PROGRAM "
		"in all other cases.\n\n"
		"Growth is judged from 12 snapshots on, which a program has taken after about 1.2 "
		"seconds; give a shorter one --interval=20ms. What is too short passes, and that "
		"is said.\n\n"
		"Where the program itself was given thresholds (as settings of seep run, or in "
		"SEEP_OPTIONS) and has logged one as crossed, a FILE is checked for it without "
		"being told; growth is then judged over the whole run.",
	.options = options,
	.examples =
		"seep check -- ./test_server\tfail when the test leaks\n"
		"seep check --children=. -- make check\tonly the project's own programs, not the "
		"make and the sed of its suite\n"
		"seep check --max-live=200M --error-exitcode=9 -- make check\ta whole tree of "
		"processes\n"
		"seep check --settings=ci.ini --format=json -o check.json -- ./soak\tfor a "
		"script\n"
		"seep check --baseline=known.seep-baseline --update-baseline -- make "
		"check\twrite down what leaks today\n"
		"seep check --baseline=known.seep-baseline -- make check\tonly what is new fails\n"
		"seep check --gen-suppressions=known.supp -- ./test_server\tsuppressions to edit, "
		"for --suppressions\n"
		"seep check --fail-on=lost -- ./test_server\tshow what leaks, fail by what is "
		"lost\n"
		"seep check --max-growth=10MB/h seep.server.4711.seep\ta run that is over\n",
	.run = run,
};
