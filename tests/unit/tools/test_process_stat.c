/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/model/process_stat.h"

static struct process_stat stat_of(pid_t pid)
{
	struct process_stat stat;

	assert_true(process_stat_read(pid, &stat));
	return stat;
}

static void await_state(pid_t pid, char state)
{
	for (int i = 0; i < 5000 && stat_of(pid).state != state; i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	assert_int_equal(stat_of(pid).state, state);
}

static void *wait_for_ever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void knows_itself_also_by_a_name_that_looks_like_fields(void **state)
{
	const char *name = "a) Z 1 2 3";
	char before[16];

	(void)state;
	prctl(PR_GET_NAME, before);
	prctl(PR_SET_NAME, name);
	struct process_stat stat = stat_of(getpid());
	prctl(PR_SET_NAME, before);
	assert_int_equal(stat.state, 'R');
	assert_int_equal(stat.threads, 1);
	assert_true(stat.start_ticks > 0);
	assert_false(process_stat_has_ended(&stat));
	assert_true(process_stat_is_running(getpid(), stat.start_ticks));
}

static void another_process_may_have_the_pid_now(void **state)
{
	(void)state;
	assert_false(process_stat_is_running(getpid(), stat_of(getpid()).start_ticks + 1));
}

static void who_is_waited_for_has_ended(void **state)
{
	struct process_stat stat;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	await_state(pid, 'Z');
	stat = stat_of(pid);
	assert_true(process_stat_has_ended(&stat));
	assert_false(process_stat_is_running(pid, stat.start_ticks));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(process_stat_read(pid, &stat));
}

static void goes_on_without_its_first_thread(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		pthread_t thread;
		pthread_create(&thread, NULL, wait_for_ever, NULL);
		pthread_exit(NULL);
	}
	await_state(pid, 'Z');
	struct process_stat stat = stat_of(pid);
	bool has_ended = process_stat_has_ended(&stat);
	bool is_running = process_stat_is_running(pid, stat.start_ticks);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(stat.threads, 2);
	assert_false(has_ended);
	assert_true(is_running);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_itself_also_by_a_name_that_looks_like_fields),
		cmocka_unit_test(another_process_may_have_the_pid_now),
		cmocka_unit_test(who_is_waited_for_has_ended),
		cmocka_unit_test(goes_on_without_its_first_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
