/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/tools/captured_text.h"
#include "tools/commands/child_process.h"
#include "tools/model/error.h"

static struct error error;
static struct child_process child;
static const struct child_settings settings = {
	.preload = "",
	.options = "interval=5s",
	.output = "/x:y/100%%/%e.%p.seep",
};

/* Runs a shell command under child_process and returns what it printed, for free(). */
static char *run(const char *script)
{
	char *argv[] = {"sh", "-c", (char *)script, NULL};
	struct captured_text captured = captured_text_begin(STDOUT_FILENO);
	int result = child_process_run(&child, "/bin/sh", argv, &settings, &error);
	char *text = captured_text_end(&captured);

	assert_int_equal(result, 0);
	return text;
}

static void passes_on_the_status(void **state)
{
	(void)state;
	free(run("exit 7"));
	assert_int_equal(child_process_status(&child), 7);
	free(run("kill -KILL $$"));
	assert_int_equal(child_process_status(&child), 128 + SIGKILL);
	assert_true(child.start_ticks > 0);
	assert_true(child.seconds >= 0);
}

static void says_which_process_is_the_first_and_where_others_write(void **state)
{
	char expected[256 + PATH_MAX], tool[PATH_MAX] = "";

	(void)state;
	assert_true(readlink("/proc/self/exe", tool, sizeof(tool) - 1) > 0);
	char *text = run("echo \"$SEEP_OPTIONS\"");
	snprintf(expected, sizeof(expected),
		 "interval=5s:root_pid=%d:children_output=/x\\:y/100%%%%/sh.%d.children/"
		 "%%e.%%p.seep:tool=%s\n",
		 (int)child.pid, (int)child.pid, tool);
	assert_string_equal(text, expected);
	free(text);
}

static void says_why_a_program_cannot_start(void **state)
{
	char *argv[] = {"x", NULL};

	(void)state;
	assert_int_equal(child_process_run(&child, "/no/such", argv, &settings, &error), -ENOENT);
	assert_string_equal(error.text, "cannot start /no/such: No such file or directory");
}

static void leaves_descriptors_and_signals_as_they_were(void **state)
{
	static const char script[] = "ls /proc/self/fd | wc -l; exec grep Sig[BIC] /proc/self/status";
	char *argv[] = {"sh", "-c", (char *)script, NULL};

	(void)state;
	signal(SIGUSR2, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	char *text = run(script);
	/* The same without us. */
	struct captured_text captured = captured_text_begin(STDOUT_FILENO);
	pid_t pid = fork();
	if (pid == 0) {
		execv("/bin/sh", argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	char *plain = captured_text_end(&captured);
	signal(SIGUSR2, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	assert_string_equal(text, plain);
	free(text);
	free(plain);
}

/* A process in the role of seep; the signal is sent to it alone. Returns its exit status. */
static int status_after_signal(int signal_number, const char *script)
{
	char *argv[] = {"sh", "-c", (char *)script, NULL};
	int ready[2], status;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ready[1], 9);
		/* A shell cannot set a trap for what was ignored when it started, as SIGINT is in
		 * what a shell has put into the background. */
		signal(signal_number, SIG_DFL);
		if (child_process_run(&child, "/bin/sh", argv, &settings, &error) != 0)
			_exit(99);
		_exit(child_process_status(&child));
	}
	/* The program says through descriptor 9 that its traps are set. */
	assert_int_equal(read(ready[0], &byte, 1), 1);
	kill(pid, signal_number);
	waitpid(pid, &status, 0);
	close(ready[0]);
	close(ready[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void passes_on_signals_that_somebody_sends(void **state)
{
	(void)state;
	assert_int_equal(status_after_signal(SIGTERM, "echo >&9; exec sleep 20"), 128 + SIGTERM);
	assert_int_equal(
		status_after_signal(SIGHUP, "trap 'exit 5' HUP; echo >&9; sleep 20 & wait"), 5);
	assert_int_equal(
		status_after_signal(SIGUSR1, "trap 'exit 6' USR1; echo >&9; sleep 20 & wait"), 6);
	assert_int_equal(
		status_after_signal(SIGINT, "trap 'exit 7' INT; echo >&9; sleep 20 & wait"), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_on_the_status),
		cmocka_unit_test(says_which_process_is_the_first_and_where_others_write),
		cmocka_unit_test(says_why_a_program_cannot_start),
		cmocka_unit_test(leaves_descriptors_and_signals_as_they_were),
		cmocka_unit_test(passes_on_signals_that_somebody_sends),
	};

	return cmocka_run_group_tests_name("child_process", tests, NULL, NULL);
}
