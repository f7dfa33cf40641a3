/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_process_copy: a copy has its memory and one descriptor, made by a helper or by the program itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/scan/process_copy.h"
#include "lib/snapshot/process_facts.h"

#define SECOND 1000000000ull
#define PATIENCE_NS (20 * SECOND)
#define DESCRIPTORS 64
#define AS_IT_WAS 17

static volatile int memory = AS_IT_WAS;

struct seen {
	uint32_t pid;
	int open, memory;
	bool may_be_signalled;
};

static void look_around(int fd, void *context)
{
	struct seen seen = {.pid = (uint32_t)getpid(), .memory = memory};
	sigset_t blocked;

	(void)context;
	memory = 0;
	for (int other = 0; other < DESCRIPTORS; other++)
		seen.open += other != fd && fcntl(other, F_GETFD) >= 0;
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	seen.may_be_signalled = sigismember(&blocked, SIGPIPE) == 0;
	if (write(fd, &seen, sizeof(seen)) != sizeof(seen))
		_exit(4);
	_exit(3);
}

static struct seen copy_once(struct process_copy *copy)
{
	struct seen seen;

	process_copy_make(copy, look_around, NULL, PATIENCE_NS);
	assert_true(copy->pid > 0);
	assert_true(process_copy_read(copy, &seen, sizeof(seen)));
	assert_int_equal(seen.pid, copy->pid);
	assert_int_equal(seen.open, 0);
	assert_int_equal(seen.memory, AS_IT_WAS);
	assert_int_equal(memory, AS_IT_WAS);
	return seen;
}

static void a_copy_of_a_helper_is_its_child(void **state)
{
	struct process_copy copy;

	(void)state;
	process_facts.pid = 0;
	copy_once(&copy);
	assert_false(copy.is_orphan);
	assert_int_equal(process_copy_end(&copy), 3);
}

static void sleep_for_long(int fd, void *context)
{
	(void)fd;
	(void)context;
	for (;;)
		pause();
}

static bool goes_on_three_times(void *context)
{
	return ++*(int *)context < 3;
}

static void a_copy_that_is_not_wanted_is_not_waited_for(void **state)
{
	struct process_copy copy;
	int times = 0;
	char byte;
	long pid;

	(void)state;
	process_facts.pid = 0;
	/* The test would be killed before. */
	process_copy_make(&copy, sleep_for_long, NULL, 600 * SECOND);
	pid = copy.pid;
	assert_true(pid > 0);
	copy.goes_on = goes_on_three_times;
	copy.context = &times;
	assert_false(process_copy_read(&copy, &byte, 1));
	assert_int_equal(times, 3);
	assert_true(copy.is_unwanted);
	assert_int_equal(process_copy_end(&copy), 128 + SIGKILL);
	assert_int_equal(kill((pid_t)pid, 0), -1);
}

static void a_copy_of_the_program_is_not(void **state)
{
	struct process_copy copy;
	struct seen seen;

	(void)state;
	process_facts.pid = (uint32_t)getpid();
	seen = copy_once(&copy);
	assert_true(copy.is_orphan);
	assert_false(seen.may_be_signalled);
	process_copy_end(&copy);
}

static void work_for_ever(int fd, void *context)
{
	(void)context;
	if (write(fd, "x", 1) == 1)
		for (;;)
			pause();
}

static void its_time_is_limited(void **state)
{
	struct process_copy copy;
	char bytes[2];

	(void)state;
	process_facts.pid = 0;
	process_copy_make(&copy, work_for_ever, NULL, SECOND / 5);
	assert_true(process_copy_read(&copy, bytes, 1));
	assert_false(process_copy_read(&copy, bytes, 1));
	assert_int_equal(process_copy_end(&copy), 128 + SIGKILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_of_a_helper_is_its_child),
		cmocka_unit_test(a_copy_that_is_not_wanted_is_not_waited_for),
		cmocka_unit_test(a_copy_of_the_program_is_not),
		cmocka_unit_test(its_time_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
