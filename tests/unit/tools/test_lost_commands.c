/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_lost_commands: what check, export and the summary of a run say of what a program has lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/profile_writer.h"
#include "tests/unit/tools/captured_text.h"
#include "tools/commands/child_process.h"
#include "tools/commands/command.h"
#include "tools/commands/run_files.h"
#include "tools/commands/run_summary.h"
#include "tools/model/error.h"
#include "tools/model/suppression.h"
#include "tools/model/threshold.h"

static char path[64];

/* Three sites: the first has lost 3 blocks with what only they held, at the second; the third is
 * `third`. Without `has_scan` nobody has looked. */
static void write_file(bool has_scan, struct seep_scan scan, uint64_t definitely, uint64_t possibly)
{
	struct profile_writer writer;

	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	profile_writer_module(&writer, 0, 0, 0x10000, 0x20000, "/no/such/server");
	for (uint32_t stack = 1; stack <= 3; stack++)
		profile_writer_node(&writer, stack, 0, 0x10000 + 0x100 * stack, 0);
	profile_writer_snapshot(&writer, 1, 1, SEEP_SNAPSHOT_IS_KEYFRAME, SEEP_REASON_FINAL, "");
	for (uint32_t stack = 1; stack <= 3; stack++) {
		profile_writer_entry(&writer, stack, 10, 1000, 10, 1);
		profile_writer_cohort(&writer, 1, 10, 1000);
	}
	profile_writer_snapshot_done(&writer);
	const bool is_lost = definitely > 0;
	const struct profile_writer_scanned sites[] = {
		{1,
		 {{definitely, 40 * definitely},
		  {0, 0},
		  {possibly, 8 * possibly},
		  {7, 70},
		  {is_lost, is_lost * 500}},
		 0},
		{2, {{0, 0}, {is_lost, is_lost * 500}, {0, 0}, {!is_lost, 500}, {0, 0}}, is_lost},
		{3, {{0, 0}, {0, 0}, {0, 0}, {10, 1000}, {0, 0}}, 0},
	};
	scan.snapshot = 1;
	scan.reason = SEEP_REASON_FINAL;
	scan.flags = SEEP_SCAN_HAS_HEADS | SEEP_SCAN_IS_STOPPED;
	if (has_scan)
		profile_writer_scan(&writer, scan, sites, scan.outcome == SEEP_SCAN_DONE ? 3 : 0);
	profile_writer_end(&writer, SEEP_END_EXIT, 0);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	fwrite(writer.file.bytes, 1, writer.file.size, file);
	fclose(file);
	profile_writer_free(&writer);
}

/* What a command prints, on standard output or else on standard error. */
static char *text_of(const char *verb, const char *option, int wanted_status)
{
	const struct command *command = command_find(verb);
	char *argv[] = {(char *)verb, (char *)option, path, NULL};
	struct captured_text errors = captured_text_begin(STDERR_FILENO);
	struct captured_text output = captured_text_begin(STDOUT_FILENO);
	int status = command->run(command, 3, argv);
	char *text = captured_text_end(&output), *complaint = captured_text_end(&errors);
	bool is_silent = !*text;
	free(is_silent ? text : complaint);
	text = is_silent ? complaint : text;
	if (status != wanted_status)
		fail_msg("seep %s %s: status %d: %s", verb, option, status, text);
	return text;
}

static void expect_part(char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not say \"%s\"", text, part);
	free(text);
}

static void what_is_lost_fails_a_check(void **state)
{
	(void)state;
	write_file(true, (struct seep_scan){0}, 3, 0);
	char *text = text_of("check", "--format=text", 1);
	assert_non_null(strstr(text, "\n1 lost: 620 B at server+0x100\n"));
	assert_non_null(strstr(text, "\n    3 of 10 blocks (120 B) are definitely lost, with 500 B "
				     "in 1 block that only\n    they hold\n"));
	assert_non_null(strstr(text, "lost with it:\n      500 B in 1 block  server+0x200\n"));
	/* What can be reached is no finding. */
	assert_null(strstr(text, "server+0x300"));
	expect_part(text, "\nseep: check: failed: 620 B lost at 1 site\n");
	text = text_of("check", "--format=json", 1);
	assert_non_null(strstr(text, "\"leaks\":1,\"lost\":1,"));
	expect_part(text, "\"passed\":false");
}

static void what_is_not_known_to_be_lost_fails_none_but_is_said(void **state)
{
	(void)state;
	write_file(true, (struct seep_scan){0}, 0, 3);
	expect_part(text_of("check", "--format=text", 0),
		    "\nseep: check: server (4711): nothing is definitely lost; 3 blocks (24 B) "
		    "possibly lost: ");
	write_file(true, (struct seep_scan){.outcome = SEEP_SCAN_NO_COPY, .error = EAGAIN}, 0, 0);
	expect_part(
		text_of("check", "--format=text", 0),
		"\nseep: check: server (4711): what is lost is not known: a limit of processes");
	/* Nothing lost, and nobody has asked: nothing to say. */
	for (int has_scan = 0; has_scan < 2; has_scan++) {
		write_file(has_scan, (struct seep_scan){0}, 0, 0);
		char *text = text_of("check", "--format=text", 0);
		assert_null(strstr(text, "lost"));
		free(text);
	}
}

/* What `seep export` of the file prints, or else what it complains of. */
static char *export_of(const char *value, int wanted_status)
{
	const struct command *command = command_find("export");
	char *argv[] = {"export", "--format=folded", "--lost", (char *)value, path, NULL};
	struct captured_text errors = captured_text_begin(STDERR_FILENO);
	struct captured_text output = captured_text_begin(STDOUT_FILENO);
	int status = command->run(command, 5, argv);
	char *text = captured_text_end(&output), *complaint = captured_text_end(&errors);
	assert_int_equal(status, wanted_status);
	free(status == EXIT_CLEAN ? complaint : text);
	return status == EXIT_CLEAN ? text : complaint;
}

static void what_is_lost_can_be_exported(void **state)
{
	(void)state;
	write_file(true, (struct seep_scan){0}, 3, 0);
	char *text = export_of("--value=live_bytes", EXIT_CLEAN);
	assert_string_equal(text, "server+0x100 120\nserver+0x200 500\n");
	free(text);
	text = export_of("--value=live_blocks", EXIT_CLEAN);
	assert_string_equal(text, "server+0x100 3\nserver+0x200 1\n");
	free(text);
	expect_part(export_of("--value=allocations", EXIT_CANNOT), "what is lost is live");

	/* An empty export would say that nothing is. */
	for (int has_scan = 0; has_scan < 2; has_scan++) {
		write_file(has_scan, (struct seep_scan){.outcome = SEEP_SCAN_TOO_LATE}, 0, 0);
		expect_part(export_of("--value=live_bytes", EXIT_CANNOT),
			    has_scan ? "what is lost is not known" : "--scan=exit");
	}
}

/* What the summary of a run says that has left this file. */
static char *summary(void)
{
	struct run_file file = {.path = path, .pid = 4711};
	struct run_files files = {.files = &file, .count = 1};
	const struct child_process child = {.pid = 4711, .seconds = 1};
	struct thresholds thresholds;
	struct suppressions suppressions = {0};
	struct error error = {""};
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	thresholds_clear(&thresholds);
	if (run_summary_write(out, "server", &child, &files, NULL, &thresholds, &suppressions,
			      &error) != 0)
		fail_msg("%s", error.text);
	fclose(out);
	return text;
}

static void a_run_says_what_it_has_lost(void **state)
{
	(void)state;
	write_file(true, (struct seep_scan){0}, 3, 0);
	char *text = summary();
	assert_null(strstr(text, "leak"));
	assert_null(strstr(text, "no growth"));
	expect_part(text, "\nseep: 3 blocks (120 B) definitely lost, 1 (500 B) with them in "
			  "server+0x100\n");
	write_file(true, (struct seep_scan){0}, 0, 0);
	expect_part(summary(),
		    "\nseep: nothing is lost, every block can be reached\nseep: no growth "
		    "could be judged");
	write_file(true, (struct seep_scan){.outcome = SEEP_SCAN_SAMPLED}, 0, 0);
	expect_part(summary(), "\nseep: what is lost is not known: with --sample");
	/* Nobody has asked. */
	write_file(false, (struct seep_scan){0}, 0, 0);
	text = summary();
	assert_null(strstr(text, "lost"));
	free(text);
}

static const char *initial_scan(const char *verb)
{
	const struct command_option *option = command_find(verb)->options;

	while (option->name && strcmp(option->name, "scan") != 0)
		option++;
	assert_non_null(option->name);
	return option->initial;
}

static void a_check_scans_unless_it_is_told_not_to(void **state)
{
	(void)state;
	assert_string_equal(initial_scan("check"), "exit");
	assert_string_equal(initial_scan("run"), "off");
}

static int make_path(void **state)
{
	(void)state;
	strcpy(path, "/tmp/seep-run-XXXXXX");
	return close(mkstemp(path));
}

static int remove_path(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_lost_fails_a_check),
		cmocka_unit_test(what_is_not_known_to_be_lost_fails_none_but_is_said),
		cmocka_unit_test(what_is_lost_can_be_exported),
		cmocka_unit_test(a_run_says_what_it_has_lost),
		cmocka_unit_test(a_check_scans_unless_it_is_told_not_to),
	};
	return cmocka_run_group_tests(tests, make_path, remove_path);
}
