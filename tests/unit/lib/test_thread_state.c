/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_thread_state: threads come and go; what they counted stays, and their states are used again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/syscalls.h"
#include "lib/record/thread_state.h"
#include "tests/support/lib_crowd.h"
#include "tests/support/lib_life.h"

#define SHORT_THREADS 10000u
#define AT_ONCE 8u

static void count_some(uint64_t allocations, uint64_t bytes)
{
	GUARD_SCOPE struct guard guard = guard_enter();

	if (guard.thread == NULL)
		abort();
	guard_count(&guard, COUNT_ALLOCATIONS, allocations);
	guard_count(&guard, COUNT_ALLOCATED_BYTES, bytes);
}

static void *live_shortly(void *context)
{
	count_some(1, (uint64_t)context);
	return NULL;
}

static void short_threads_use_states_again(void **state)
{
	uint64_t allocations = thread_state_sum(COUNT_ALLOCATIONS);
	uint64_t bytes = thread_state_sum(COUNT_ALLOCATED_BYTES), expected = 0;

	(void)state;
	for (uint64_t i = 0; i < SHORT_THREADS; i += AT_ONCE) {
		pthread_t threads[AT_ONCE];

		for (uint64_t t = 0; t < AT_ONCE; t++) {
			expected += i + t;
			assert_int_equal(
				pthread_create(&threads[t], NULL, live_shortly, (void *)(i + t)),
				0);
		}
		for (uint64_t t = 0; t < AT_ONCE; t++)
			pthread_join(threads[t], NULL);
	}
	print_message("          %u states for %u threads\n", thread_state_count(), SHORT_THREADS);
	/* Nobody is forgotten, and 9 threads at once need no more than a few batches. */
	assert_int_equal(thread_state_sum(COUNT_ALLOCATIONS) - allocations, SHORT_THREADS);
	assert_int_equal(thread_state_sum(COUNT_ALLOCATED_BYTES) - bytes, expected);
	assert_true(thread_state_count() <= 256);
}

static pthread_barrier_t barrier;

static void *wait_in_the_middle(void *unused)
{
	count_some(1, 0);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	count_some(1, 0);
	return unused;
}

#define LONG_THREADS 200u
#define SHORT_AMONG_LONG 20000u

static void living_threads_keep_their_state(void **state)
{
	uint64_t before = thread_state_sum(COUNT_ALLOCATIONS);
	uint32_t alive = thread_state_alive(sys_pid());
	pthread_t threads[LONG_THREADS];

	(void)state;
	pthread_barrier_init(&barrier, NULL, LONG_THREADS + 1);
	for (uint32_t i = 0; i < LONG_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, wait_in_the_middle, NULL), 0);
	pthread_barrier_wait(&barrier);
	assert_int_equal(thread_state_alive(sys_pid()), alive + LONG_THREADS);
	assert_int_equal(thread_state_sum(COUNT_ALLOCATIONS), before + LONG_THREADS);
	/* Others come and go meanwhile and must not take a state of theirs. */
	for (uint32_t i = 0; i < SHORT_AMONG_LONG; i++) {
		pthread_t other;

		assert_int_equal(pthread_create(&other, NULL, live_shortly, NULL), 0);
		pthread_join(other, NULL);
	}
	for (uint32_t i = 0; i < thread_state_count(); i++) {
		for (uint32_t j = 0; j < i; j++) {
			uint32_t one = thread_state_at(i)->owner_tid;

			assert_true(one == 0 || one != thread_state_at(j)->owner_tid);
		}
	}
	pthread_barrier_wait(&barrier);
	for (uint32_t i = 0; i < LONG_THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	assert_int_equal(thread_state_sum(COUNT_ALLOCATIONS),
			 before + 2 * LONG_THREADS + SHORT_AMONG_LONG);
	/* An eighth of an unlucky search through the living each time would still be fair. */
	print_message("          %u states for %u threads at once and %u after each other\n",
		      thread_state_count(), LONG_THREADS, SHORT_AMONG_LONG);
	/* A thread that was joined stays with the kernel for a moment, so some more than twice. */
	assert_true(thread_state_count() <= 4 * LONG_THREADS);
}

static volatile bool was_nested;
static struct thread_state *volatile state_in_handler;

static void interrupt(int number)
{
	(void)number;
	GUARD_SCOPE struct guard guard = guard_enter();

	was_nested = guard.is_nested;
	state_in_handler = guard.thread;
	if (guard.thread == NULL)
		abort();
	guard_count(&guard, COUNT_ALLOCATIONS, 5);
}

static void tells_a_handler_that_interrupted_it(void **state)
{
	uint64_t before = thread_state_sum(COUNT_ALLOCATIONS);

	(void)state;
	signal(SIGUSR1, interrupt);
	raise(SIGUSR1);
	assert_false(was_nested);
	{
		GUARD_SCOPE struct guard guard = guard_enter();

		raise(SIGUSR1);
		assert_true(was_nested);
		assert_ptr_equal(state_in_handler, guard.thread);
	}
	raise(SIGUSR1);
	assert_false(was_nested);
	assert_int_equal(thread_state_sum(COUNT_ALLOCATIONS), before + 15);
	signal(SIGUSR1, SIG_DFL);
}

#define ADDS 200000u

static void add_one_by_one(uint32_t number, void *unused)
{
	(void)number;
	(void)unused;
	for (uint32_t i = 0; i < ADDS; i++)
		count_some(1, 3);
}

static void a_reader_never_sees_more_than_the_truth(void **state)
{
	uint64_t before = thread_state_sum(COUNT_ALLOCATIONS), last = before, now;
	bool goes_back = false;
	struct lib_crowd crowd;

	(void)state;
	lib_crowd_start(&crowd, 4, add_one_by_one, NULL);
	while (lib_crowd_is_running(&crowd)) {
		now = thread_state_sum(COUNT_ALLOCATIONS);
		goes_back |= now < last || now > before + 4 * ADDS;
		last = now;
	}
	lib_crowd_join(&crowd);
	assert_false(goes_back);
	assert_int_equal(thread_state_sum(COUNT_ALLOCATIONS), before + 4 * ADDS);
}

static void leaves_errno_alone(void **state)
{
	(void)state;
	errno = 4711;
	thread_state_here = NULL;
	count_some(1, 1);
	assert_int_equal(errno, 4711);
}

/* A forked child starts with zeros, whichever of its threads forked. */
static void counts_anew_in_a_forked_child(void **state)
{
	int status;
	pid_t child;

	(void)state;
	count_some(7, 70);
	assert_true(thread_state_sum(COUNT_ALLOCATIONS) >= 7);
	child = fork();
	if (child == 0) {
		bool is_zero = thread_state_sum(COUNT_ALLOCATIONS) == 0 &&
			       thread_state_alive(sys_pid()) == 0;

		count_some(3, 30);
		_exit(is_zero && thread_state_sum(COUNT_ALLOCATIONS) == 3 &&
				      thread_state_sum(COUNT_ALLOCATED_BYTES) == 30 &&
				      thread_state_alive(sys_pid()) == 1
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(thread_state_sum(COUNT_ALLOCATIONS) >= 7);
}

static bool ignores(void)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	GUARD_SCOPE struct guard inner = guard_enter();

	if (guard.is_nested || !inner.is_nested || guard_ignores(&guard) != guard_ignores(&inner))
		abort();
	return guard_ignores(&guard);
}

static void *ask_whether_it_ignores(void *unused)
{
	(void)unused;
	return ignores() ? (void *)1 : NULL;
}

static void a_thread_ignores_until_as_many_ends_and_alone(void **state)
{
	pthread_t other;
	void *result;

	(void)state;
	assert_false(ignores());
	thread_state_begin_ignoring();
	assert_true(ignores());
	/* The way of those that ignore nothing is closed to it. */
	assert_null(guard_enter_outermost());
	pthread_create(&other, NULL, ask_whether_it_ignores, NULL);
	pthread_join(other, &result);
	assert_null(result);
	thread_state_begin_ignoring();
	thread_state_end_ignoring();
	assert_true(ignores());
	thread_state_end_ignoring();
	assert_false(ignores());
	thread_state_end_ignoring();
	thread_state_begin_ignoring();
	assert_true(ignores());
	thread_state_end_ignoring();
	assert_false(ignores());
}

static void a_forked_child_goes_on_ignoring(void **state)
{
	int status;
	pid_t child;

	(void)state;
	thread_state_begin_ignoring();
	child = fork();
	if (child == 0) {
		bool is_kept = ignores();

		thread_state_end_ignoring();
		_exit(is_kept && !ignores() ? 0 : 1);
	}
	thread_state_end_ignoring();
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* A signal handler may fork while its thread is inside; in the child the outer guard ends in a state
 * that was wiped meanwhile, and perhaps is in use again. */
static void a_child_forked_inside_gets_out(void **state)
{
	int status;
	pid_t child;

	(void)state;
	{
		GUARD_SCOPE struct guard outer = guard_enter();

		child = fork();
		if (child == 0)
			outer.thread->owner_tid = sys_tid(); /* the state that it gets again */
	}
	if (child == 0) {
		GUARD_SCOPE struct guard guard = guard_enter();

		_exit(guard.is_nested ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

#define MOVING 7u
#define RESTING 8u

static struct thread_state *volatile left_behind;

/* As a thread does that is cancelled in the middle of malloc. */
static void *leave_while_moving(void *unused)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct thread_state *thread = guard.thread;

	if (thread == NULL)
		abort();
	thread->deltas[MOVING] = (struct site_delta){MOVING, 3, 30};
	thread->deltas[RESTING] = (struct site_delta){RESTING, 4, 40};
	thread->leaving[1] = (struct site_delta){MOVING, 5, 50};
	thread->leaving[2] = (struct site_delta){RESTING, 6, 60};
	thread->flush_stack = MOVING;
	thread->flush_sequence = 4711;
	left_behind = thread;
	return unused;
}

static void *is_the_heir(void *unused)
{
	GUARD_SCOPE struct guard guard = guard_enter();

	(void)unused;
	return guard.thread == left_behind ? guard.thread : NULL;
}

static void an_heir_does_not_inherit_a_move(void **state)
{
	struct thread_state *thread;
	void *heir = NULL;
	pthread_t other;

	(void)state;
	assert_int_equal(pthread_create(&other, NULL, leave_while_moving, NULL), 0);
	pthread_join(other, NULL);
	/* One of the next threads finds the state, when it gets round to it. */
	for (uint32_t i = 0; i < 100000 && heir == NULL; i++) {
		assert_int_equal(pthread_create(&other, NULL, is_the_heir, NULL), 0);
		pthread_join(other, &heir);
	}
	assert_non_null(heir);
	thread = heir;
	assert_int_equal(thread->flush_sequence, 4712);
	assert_int_equal(thread->deltas[MOVING].stack, 0);
	assert_int_equal(thread->deltas[MOVING].allocations, 0);
	assert_int_equal(thread->leaving[1].stack, 0);
	assert_int_equal(thread->deltas[RESTING].allocations, 4);
	assert_int_equal(thread->leaving[2].allocations, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_errno_alone),
		cmocka_unit_test(tells_a_handler_that_interrupted_it),
		cmocka_unit_test(short_threads_use_states_again),
		cmocka_unit_test(living_threads_keep_their_state),
		cmocka_unit_test(a_reader_never_sees_more_than_the_truth),
		cmocka_unit_test(counts_anew_in_a_forked_child),
		cmocka_unit_test(a_child_forked_inside_gets_out),
		cmocka_unit_test(an_heir_does_not_inherit_a_move),
		cmocka_unit_test(a_thread_ignores_until_as_many_ends_and_alone),
		cmocka_unit_test(a_forked_child_goes_on_ignoring),
	};

	return cmocka_run_group_tests(tests, lib_life_setup, NULL);
}
