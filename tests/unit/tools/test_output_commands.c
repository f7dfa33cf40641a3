/* SPDX-License-Identifier: Apache-2.0 */
/* test_output_commands: report, diff, snapshots and export, from arguments to exit status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/profile_writer.h"
#include "tools/commands/command.h"

#define ARGUMENTS_MAX 8

static char folder[] = "/tmp/seep-test-XXXXXX";

struct outcome {
	int status;
	char out[16384], err[2048];
};

static void slurp(FILE *file, char *text, size_t size)
{
	rewind(file);
	text[fread(text, 1, size - 1, file)] = 0;
	fclose(file);
}

/* Runs the words of `line` in a process of its own, in the folder with the files. */
static struct outcome run(const char *line)
{
	struct outcome outcome;
	FILE *out = tmpfile(), *err = tmpfile();
	char words[512], *argv[ARGUMENTS_MAX + 1] = {0}, *rest;
	int argc = 0, status;

	assert_true(out && err);
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		snprintf(words, sizeof(words), "%s", line);
		for (char *word = strtok_r(words, " ", &rest); word && argc < ARGUMENTS_MAX;
		     word = strtok_r(NULL, " ", &rest))
			argv[argc++] = word;
		const struct command *command = command_find(argv[0]);
		if (!command || chdir(folder) != 0)
			_exit(99);
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		status = command->run(command, argc, argv);
		fflush(NULL);
		_exit(status);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	outcome.status = WEXITSTATUS(status);
	slurp(out, outcome.out, sizeof(outcome.out));
	slurp(err, outcome.err, sizeof(outcome.err));
	return outcome;
}

/* Stack 1 grows with every snapshot, stack 2 does not. */
static void make_file(const char *name, uint32_t snapshot_count)
{
	struct profile_writer writer;
	char path[128];

	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	profile_writer_module(&writer, 0, 0, 0x400000, 0x500000, "/nowhere/server");
	profile_writer_node(&writer, 1, 0, 0x401000, 0);
	profile_writer_node(&writer, 2, 0, 0x402000, 0);
	for (uint32_t number = 1; number <= snapshot_count; number++) {
		profile_writer_snapshot(&writer, number, number * 2.0, number == 1,
					SEEP_REASON_INTERVAL, number == 3 ? "before" : "");
		profile_writer_entry(&writer, 1, number * 10, number * 1000, number * 10, number);
		for (uint32_t epoch = 1; epoch <= number; epoch++)
			profile_writer_cohort(&writer, epoch, 10, 1000);
		profile_writer_entry(&writer, 2, 5, 500, 5, 1);
		profile_writer_cohort(&writer, 1, 5, 500);
		profile_writer_snapshot_done(&writer);
	}
	profile_writer_end(&writer, SEEP_END_EXIT, 0);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(writer.file.bytes, 1, writer.file.size, file), writer.file.size);
	fclose(file);
	profile_writer_free(&writer);
}

static int make_files(void **state)
{
	char path[128];

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	make_file("run.seep", 30);
	make_file("other.seep", 20);
	make_file("empty.seep", 0);
	snprintf(path, sizeof(path), "%s/children", folder);
	mkdir(path, 0700);
	make_file("children/a.seep", 0);
	make_file("children/b.1.seep", 30);
	make_file("children/b.1.seep.thin", 20);
	snprintf(path, sizeof(path), "%s/nothing", folder);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/fifo", folder);
	if (mkfifo(path, 0600) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/text", folder);
	FILE *file = fopen(path, "w");
	fputs("this is not a snapshot file, but it is long enough to be one, is it not?", file);
	return fclose(file);
}

static int remove_files(void **state)
{
	(void)state;
	static const char *const names[] = {
		"run.seep",   "other.seep",	 "empty.seep",	      "text", "fifo",
		"report.txt", "children/a.seep", "children/b.1.seep", "children/b.1.seep.thin"};
	static const char *const folders[] = {"children", "nothing"};
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, folders[i]);
		rmdir(path);
	}
	return rmdir(folder);
}

static void what_can_be_read_exits_with_zero(void **state)
{
	(void)state;
	static const struct {
		const char *line, *holds;
	} cases[] = {
		{"report run.seep", "1 leak"},
		{"report run.seep@5 --no-symbols", "only snapshots 1 to 5"},
		{"report --from=before --to=-2 run.seep", "only snapshots 3 to 29"},
		{"report empty.seep", "No snapshot in the file"},
		{"report --top=1 run.seep", "1 more site with 500 B in 5 blocks"},
		{"report --min-bytes=1K run.seep", "server+0x1000"},
		{"report --format=json run.seep", "\"schema\":\"seep.report/1\""},
		{"report run.seep other.seep", "20 snapshots"},
		{"diff run.seep",
		 "+28.3 KiB (+290 blocks)  now 29.3 KiB (300 blocks, average 100 B)"},
		{"diff --sort=blocks run.seep", "Total +28.3 KiB (+290 blocks)"},
		{"diff run.seep@before run.seep@4", "+1,000 B (+10 blocks)"},
		{"diff --format=json run.seep@1 run.seep", "\"schema\":\"seep.diff/1\""},
		{"diff run.seep other.seep", "-9.77 KiB (-100 blocks)"},
		{"snapshots run.seep", "before"},
		{"snapshots empty.seep", "no snapshot"},
		{"export --format=folded run.seep", "server+0x1000 30000\n"},
		{"export --format=folded --snapshot=2 --value=live_blocks run.seep",
		 "server+0x1000 20\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct outcome outcome = run(cases[i].line);
		if (outcome.status != 0 || outcome.err[0] || !strstr(outcome.out, cases[i].holds))
			fail_msg("%s: status %d, \"%s\" expected in:\n%s%s", cases[i].line,
				 outcome.status, cases[i].holds, outcome.out, outcome.err);
	}
}

static void what_cannot_be_done_is_one_line_and_status_2(void **state)
{
	(void)state;
	static const struct {
		const char *line, *says;
	} cases[] = {
		{"report", "no FILE or PID was given"},
		{"report missing.seep", "there is no file"},
		{"report text", "is not a seep file"},
		{"report nothing", "nothing is a directory and there is no snapshot file in it"},
		{"diff .", "is a directory"},
		{"report 4194399", "no process 4194399"},
		{"report --top=many run.seep", "--top needs a whole number, not 'many'"},
		{"report --top=-1 run.seep", "--top needs a whole number, not '-1'"},
		{"report --min-bytes=5X run.seep", "--min-bytes needs a size"},
		{"report --format=xml run.seep", "--format needs one of text|json, not 'xml'"},
		{"report --no-such run.seep", "unknown option '--no-such'"},
		{"report run.seep@99", "has no snapshot 99"},
		{"report run.seep@", "names no snapshot behind the @"},
		{"report --from=9 --to=3 run.seep", "snapshot '9' is later than '3'"},
		{"report -o run.seep other.seep", "is not overwritten"},
		{"report -o /nowhere/x run.seep", "cannot open /nowhere/x"},
		{"report -o /dev/full run.seep", "No space left on device"},
		{"diff", "no FILE was given"},
		{"diff a b c", "more than two FILEs"},
		{"diff --sort=age run.seep", "--sort needs one of aged|bytes|blocks, not 'age'"},
		{"diff run.seep run.seep", "both sides are snapshot 30"},
		{"diff run.seep@5 run.seep@3", "snapshot 5 of run.seep is later than snapshot 3"},
		{"diff run.seep@-1 run.seep@first", "is later than snapshot 1; name the older"},
		{"diff run.seep@nothing run.seep", "no snapshot called \"nothing\""},
		{"diff -o /dev/full run.seep", "No space left on device"},
		{"diff empty.seep run.seep", "holds no snapshot"},
		{"report fifo", "is a FIFO"},
		{"snapshot --label=3 1", "'3' would be unreachable"},
		{"snapshot --label=-2 1", "'-2' would be unreachable"},
		{"snapshot --label=first 1", "'first' would be unreachable"},
		{"snapshot --label=last 1", "'last' would be unreachable"},
		{"snapshots", "no FILE was given"},
		{"snapshots -o /dev/full run.seep", "No space left on device"},
		{"export run.seep", "--format is missing"},
		{"export --format=svg run.seep", "--format needs one of folded"},
		{"export --format=folded --value=peak run.seep", "--value needs one of"},
		{"export --format=folded -o /dev/full run.seep", "No space left on device"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct outcome outcome = run(cases[i].line);
		const char *end = strchr(outcome.err, '\n');
		if (outcome.status != 2 || strncmp(outcome.err, "seep: ", 6) != 0 || !end ||
		    end[1] || !strstr(outcome.err, cases[i].says))
			fail_msg("%s: status %d, \"%s\" expected in one line of:\n%s",
				 cases[i].line, outcome.status, cases[i].says, outcome.err);
	}
}

static void a_failed_report_leaves_the_old_one(void **state)
{
	(void)state;
	assert_int_equal(run("report -o report.txt run.seep").status, 0);
	assert_int_equal(run("report -o report.txt missing.seep").status, 2);
	char path[128];
	snprintf(path, sizeof(path), "%s/report.txt", folder);
	assert_int_equal(access(path, R_OK), 0);
	FILE *file = fopen(path, "r");
	fseek(file, 0, SEEK_END);
	assert_true(ftell(file) > 100);
	fclose(file);
}

static void one_bad_file_does_not_hide_the_others(void **state)
{
	(void)state;
	struct outcome outcome = run("report missing.seep run.seep");

	assert_int_equal(outcome.status, 2);
	assert_non_null(strstr(outcome.out, "1 leak"));
	assert_non_null(strstr(outcome.err, "missing.seep"));
}

static void a_folder_shows_its_leaks_first_and_in_full(void **state)
{
	(void)state;
	struct outcome outcome = run("report children/ run.seep");

	assert_int_equal(outcome.status, 0);
	assert_string_equal(outcome.err, "");
	/* Both files are of one process. */
	assert_ptr_equal(strstr(outcome.out, "children/: 1 process, which leaks\n"), outcome.out);
	char *leak = strstr(outcome.out, "1 leak: ");
	char *rest = strstr(outcome.out, "All processes:\n  server (4711) ");
	char *next = strstr(outcome.out, "seep report children/a.seep\n");
	assert_true(leak && rest && next && leak < rest && rest < next);
	assert_non_null(strstr(rest, "no snapshot in the file\n"));
	/* The one that follows. */
	assert_non_null(strstr(next, "1 leak: "));
}

static void a_folder_is_one_document_for_each_line_in_json(void **state)
{
	(void)state;
	struct outcome outcome = run("report --format=json children");
	char *second = strchr(outcome.out, '\n') + 1;

	assert_int_equal(outcome.status, 0);
	assert_int_equal(strncmp(outcome.out, "{\"schema\":\"seep.report/1\"", 25), 0);
	assert_non_null(strstr(outcome.out, "\"snapshots\":30"));
	assert_int_equal(strncmp(second, "{\"schema\":\"seep.report/1\"", 25), 0);
	assert_non_null(strstr(second, "\"snapshots\":0"));
	assert_string_equal(strchr(second, '\n'), "\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_can_be_read_exits_with_zero),
		cmocka_unit_test(what_cannot_be_done_is_one_line_and_status_2),
		cmocka_unit_test(a_failed_report_leaves_the_old_one),
		cmocka_unit_test(one_bad_file_does_not_hide_the_others),
		cmocka_unit_test(a_folder_shows_its_leaks_first_and_in_full),
		cmocka_unit_test(a_folder_is_one_document_for_each_line_in_json),
	};

	return cmocka_run_group_tests_name("output_commands", tests, make_files, remove_files);
}
