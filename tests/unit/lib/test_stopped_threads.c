/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_stopped_threads: threads of another process stand, are read, and go on where they were.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/scan/process_copy.h"
#include "lib/scan/stopped_threads.h"

#define THREADS 5u
#define SECOND 1000000000ull
#define IN_REGISTER 0x123456789abcdef0ull
#define PATIENCE_S 20

static pid_t child;
static int ready[2];

/* Waits for ever with a value in rbx alone, and in xmm15. */
static void *wait_with_value(void *unused)
{
	(void)unused;
#ifdef __x86_64__
	__asm__ volatile("movabs %0, %%rbx; movq %%rbx, %%xmm15\n"
			 "1: mov $34, %%eax; syscall; jmp 1b" /* pause */
			 :
			 : "i"(IN_REGISTER)
			 : "rbx", "rax", "rcx", "r11", "memory", "xmm15");
#endif
	return NULL;
}

static void be_child(void)
{
	pthread_t thread;

	for (uint32_t i = 1; i < THREADS; i++)
		pthread_create(&thread, NULL, wait_with_value, NULL);
	if (write(ready[1], "x", 1) == 1)
		wait_with_value(NULL);
	_exit(1);
}

static int start_child(void **state)
{
	sigset_t set;
	char byte;

	(void)state;
	/* As a helper has it. */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0)
		be_child();
	assert_int_equal(read(ready[0], &byte, 1), 1);
	return 0;
}

static int end_child(void **state)
{
	(void)state;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	return 0;
}

static char state_of(uint32_t tid)
{
	char path[64], line[512] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%u/stat", (int)child, tid);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	return strrchr(line, ')')[2];
}

static void wait_for_state(uint32_t tid, char wanted)
{
	time_t end = time(NULL) + PATIENCE_S;

	while (state_of(tid) != wanted) {
		struct timespec nap = {.tv_nsec = 1000000};

		assert_true(time(NULL) < end);
		nanosleep(&nap, NULL);
	}
}

static uint32_t count_words(const struct stopped_thread *thread, uint32_t from, uint32_t to)
{
	uint32_t count = 0;

	for (uint32_t i = from; i < to && i < thread->word_count; i++)
		count += thread->words[i] == IN_REGISTER;
	return count;
}

static void all_stand_and_are_read(void **state)
{
	struct stopped_threads threads;

	(void)state;
	assert_true(stopped_threads_list(&threads, (uint32_t)child, 0));
	assert_int_equal(threads.count, THREADS);
	for (uint32_t i = 0; i < THREADS; i++)
		wait_for_state(threads.threads[i].tid, 'S');
	assert_int_equal(stopped_threads_stop(&threads, SECOND), 0);
	assert_int_equal(threads.unread, 0);
	assert_int_equal(threads.count, THREADS);
	for (uint32_t i = 0; i < THREADS; i++) {
		const struct stopped_thread *thread = &threads.threads[i];

		assert_int_equal(thread->stop, THREAD_STOPPED);
		assert_int_equal(state_of(thread->tid), 't');
		assert_int_equal(thread->words[3], IN_REGISTER);
		assert_int_equal(thread->words[7], thread->sp);
		assert_int_equal(thread->words[16], thread->pc);
		assert_true(thread->fs_base != 0);
		assert_int_equal(count_words(thread, STOPPED_GENERAL_WORDS,
					     STOPPED_GENERAL_WORDS + STOPPED_XMM_WORDS),
				 1);
		assert_string_equal(thread->name, "test_stopped_th");
	}
	assert_true(stopped_threads_release(&threads) > 0);
	assert_false(stopped_threads_were_ended(&threads));
	for (uint32_t i = 0; i < THREADS; i++)
		wait_for_state(threads.threads[i].tid, 'S');
	stopped_threads_forget(&threads);
	assert_int_equal(waitpid(child, NULL, WNOHANG | __WALL), 0);
}

static void a_helper_is_left_out(void **state)
{
	struct stopped_threads threads;

	(void)state;
	assert_true(stopped_threads_list(&threads, (uint32_t)child, (uint32_t)child));
	assert_int_equal(threads.count, THREADS - 1);
	assert_int_equal(stopped_threads_stop(&threads, SECOND), 0);
	assert_int_not_equal(state_of((uint32_t)child), 't');
	stopped_threads_release(&threads);
	stopped_threads_forget(&threads);
}

/* A thread that stands because of a signal goes on standing. */
static void a_stopped_process_stays_stopped(void **state)
{
	struct stopped_threads threads;

	(void)state;
	kill(child, SIGSTOP);
	wait_for_state((uint32_t)child, 'T');
	assert_true(stopped_threads_list(&threads, (uint32_t)child, 0));
	assert_int_equal(stopped_threads_stop(&threads, SECOND), 0);
	assert_int_equal(threads.unread, 0);
	stopped_threads_release(&threads);
	stopped_threads_forget(&threads);
	wait_for_state((uint32_t)child, 'T');
	kill(child, SIGCONT);
	wait_for_state((uint32_t)child, 'S');
}

static void who_is_killed_meanwhile_is_heard_of(void **state)
{
	struct stopped_threads threads;
	int status = 0;

	(void)state;
	assert_true(stopped_threads_list(&threads, (uint32_t)child, 0));
	assert_int_equal(stopped_threads_stop(&threads, SECOND), 0);
	kill(child, SIGKILL);
	stopped_threads_release(&threads);
	assert_true(stopped_threads_were_ended(&threads));
	stopped_threads_forget(&threads);
	/* The parent and the tracer are one here; what is left of it is waited for once. */
	while (waitpid(child, &status, 0) == child && !WIFSIGNALED(status))
		;
	assert_int_equal(kill(child, 0), -1);
}

/* It has to be another process: it is killed. */
static pid_t start_forgetful_helper(void)
{
	struct stopped_threads threads;
	pid_t helper = fork();

	if (helper != 0)
		return helper;
	stopped_threads_most_ns = SECOND / 4;
	if (stopped_threads_list(&threads, (uint32_t)child, 0))
		stopped_threads_stop(&threads, SECOND);
	for (;;)
		pause();
}

static void a_helper_that_forgets_them_is_ended(void **state)
{
	pid_t helper;
	int status;

	(void)state;
	wait_for_state((uint32_t)child, 'S');
	helper = start_forgetful_helper();
	wait_for_state((uint32_t)child, 't');
	wait_for_state((uint32_t)child, 'S');
	assert_int_equal(waitpid(helper, &status, 0), helper);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void whoever_lets_them_go_lives_on(void **state)
{
	struct timespec longer = {.tv_nsec = 400000000};
	struct stopped_threads threads;

	(void)state;
	stopped_threads_most_ns = SECOND / 4;
	assert_true(stopped_threads_list(&threads, (uint32_t)child, 0));
	assert_int_equal(stopped_threads_stop(&threads, SECOND), 0);
	stopped_threads_release(&threads);
	stopped_threads_forget(&threads);
	nanosleep(&longer, NULL);
	stopped_threads_most_ns = 60 * SECOND;
}

/* Until the test is content. */
static void work_until_told(int fd, void *context)
{
	const volatile int *is_told = context;
	struct timespec nap = {.tv_nsec = 1000000};

	while (!*is_told)
		nanosleep(&nap, NULL);
	if (write(fd, "x", 1) == 1)
		_exit(3);
}

static volatile int *is_told; /* shared with the copy */
static uint32_t tids[THREADS];

static bool let_late_ones_go(void *unused)
{
	bool is_any_late = false;

	(void)unused;
	stopped_threads_release_late();
	for (uint32_t i = 0; i < THREADS; i++)
		is_any_late |= state_of(tids[i]) == 't';
	*is_told = !is_any_late;
	return true;
}

static void who_stops_late_goes_on_while_a_copy_works(void **state)
{
	struct stopped_threads threads;
	struct process_copy copy;
	uint32_t late = 0;
	char byte;

	(void)state;
	is_told = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(is_told, MAP_FAILED);
	assert_true(stopped_threads_list(&threads, (uint32_t)child, 0));
	memcpy(tids, threads.tids, sizeof(tids));
	stopped_threads_forget(&threads);
	for (uint32_t i = 0; i < THREADS; i++)
		wait_for_state(tids[i], 'S');
	for (int round = 0; round < 100 && late == 0; round++) {
		assert_true(stopped_threads_list(&threads, (uint32_t)child, 0));
		stopped_threads_stop(&threads, 0);
		for (uint32_t i = 0; i < THREADS; i++)
			late = threads.threads[i].stop == THREAD_SEIZED ? threads.tids[i] : late;
		stopped_threads_release(&threads);
		stopped_threads_forget(&threads);
	}
	assert_int_not_equal(late, 0);
	wait_for_state(late, 't');
	process_copy_make(&copy, work_until_told, (void *)is_told, PATIENCE_S * SECOND);
	assert_true(copy.pid > 0);
	copy.goes_on = let_late_ones_go;
	assert_true(process_copy_read(&copy, &byte, 1));
	stopped_threads_release_late();
	assert_int_equal(process_copy_end(&copy), 3);
	wait_for_state(late, 'S');
	munmap((void *)is_told, 4096);
}

static void who_is_killed_before_is_heard_of(void **state)
{
	struct stopped_threads threads;

	(void)state;
	assert_true(stopped_threads_list(&threads, (uint32_t)child, 0));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	stopped_threads_stop(&threads, SECOND);
	stopped_threads_release(&threads);
	assert_true(stopped_threads_were_ended(&threads));
	stopped_threads_forget(&threads);
}

static void a_process_that_is_gone_has_no_threads(void **state)
{
	struct stopped_threads threads = {0};
	pid_t gone = fork();

	(void)state;
	if (gone == 0)
		_exit(0);
	waitpid(gone, NULL, 0);
	assert_false(stopped_threads_list(&threads, (uint32_t)gone, 0));
	assert_int_equal(stopped_threads_release(&threads), 0);
	stopped_threads_forget(&threads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_stand_and_are_read, start_child, end_child),
		cmocka_unit_test_setup_teardown(a_helper_is_left_out, start_child, end_child),
		cmocka_unit_test_setup_teardown(a_stopped_process_stays_stopped, start_child,
						end_child),
		cmocka_unit_test_setup_teardown(who_is_killed_meanwhile_is_heard_of, start_child,
						end_child),
		cmocka_unit_test_setup_teardown(who_is_killed_before_is_heard_of, start_child,
						end_child),
		cmocka_unit_test_setup_teardown(a_helper_that_forgets_them_is_ended, start_child,
						end_child),
		cmocka_unit_test_setup_teardown(whoever_lets_them_go_lives_on, start_child,
						end_child),
		cmocka_unit_test_setup_teardown(who_stops_late_goes_on_while_a_copy_works,
						start_child, end_child),
		cmocka_unit_test(a_process_that_is_gone_has_no_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
