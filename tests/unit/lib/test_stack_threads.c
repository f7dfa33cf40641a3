/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_stack_threads: the stacks of threads that run and end at the same time are the right ones.
 *
 * Several threads go through the maze at once, each with a last trace of its own and all with one table
 * of rules; their coroutines go on in whichever thread takes them. Threads end in the middle of the maze,
 * by pthread_exit and by pthread_cancel, and are looked at while their frames are unwound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/lib_crowd.h"
#include "tests/support/lib_life.h"
#include "tests/unit/lib/stack_coroutine.h"
#include "tests/unit/lib/stack_oracle.h"
#include "tests/unit/lib/stack_tour.h"

#define THREADS 4u

static void wander(uint32_t number, void *context)
{
	const uint64_t *captures = context;

	stack_tour_begin_thread(number, STACK_THREAD);
	for (uint32_t i = number; stack_oracle_found.captures < *captures; i++)
		stack_tour_go(i % stack_tour_count, (int)(3 + i % 9), NULL);
	stack_tour_end_thread();
}

static void equals_both_witnesses_in_threads_at_once(void **state)
{
	uint64_t captures = stack_oracle_is_full() ? 400000 : 40000;
	struct lib_crowd crowd;

	(void)state;
	stack_oracle_start();
	stack_tour_use_handlers();
	lib_crowd_start(&crowd, THREADS, wander, &captures);
	lib_crowd_join(&crowd);
	stack_oracle_report("threads at once", stack_tour_names, stack_tour_count);
	print_message("          coroutines: %" PRIu64 " switches, %" PRIu64
		      " to another thread, %" PRIu64 " given up in the middle\n",
		      stack_coroutine_found.switches, stack_coroutine_found.moved,
		      stack_coroutine_found.given_up);
	assert_int_equal(stack_oracle_found.mistakes, 0);
	assert_int_equal(stack_oracle_found.shadows, stack_oracle_found.captures);
	assert_true(stack_oracle_has_met(1ull << STACK_THREAD | 1ull << STACK_COROUTINE_MOVED));
}

/* ---- ends ---- */

enum end { END_BY_EXIT, END_BY_TEST, END_BY_SIGNAL, END_WITH_HANDLER, END_COUNT };

/* A thread that is going to end. */
struct mortal {
	pthread_t thread;
	uint32_t number;
	enum end end;
	sem_t has_decided;
	bool wants_cancel;
};

static pthread_key_t own_data;
static _Atomic(uint64_t) ended_inside[END_COUNT];

static struct mortal *self(void)
{
	return pthread_getspecific(own_data);
}

struct cleanup {
	uint32_t mark;
};

static void look_in_cleanup(void *context)
{
	const struct cleanup *cleanup = context;
	uint32_t mark;

	stack_shadow_back(cleanup->mark);
	mark = stack_shadow_enter(__builtin_return_address(0), STACK_THREAD_EXIT);
	stack_oracle_look(STACK_ORACLE_NO_BUILD, STACK_THREAD_EXIT);
	stack_shadow_leave(mark);
}

/* C's handlers: libc jumps to the frame that has them and goes on unwinding from there. */
static __attribute__((noinline)) void exit_with_handler(void)
{
	struct cleanup cleanup = {
		.mark = stack_shadow_enter(__builtin_return_address(0), STACK_THREAD_EXIT)};

	pthread_cleanup_push(look_in_cleanup, &cleanup);
	pthread_exit(NULL);
	pthread_cleanup_pop(0);
}

/* Somewhere in the maze: never returns. */
static void end_here(void)
{
	struct stack_shadow *shadow = stack_shadow_here();
	struct mortal *mortal = self();

	shadow->is_ending = true;
	ended_inside[mortal->end]++;
	stack_shadow_enter(__builtin_return_address(0), STACK_CALL);
	switch (mortal->end) {
	case END_BY_EXIT:
		shadow->features |= 1ull << STACK_THREAD_EXIT;
		pthread_exit(NULL);
	case END_WITH_HANDLER:
		shadow->features |= 1ull << STACK_THREAD_EXIT;
		exit_with_handler();
		break;
	case END_BY_TEST:
		shadow->features |= 1ull << STACK_THREAD_CANCEL;
		pthread_cancel(pthread_self());
		pthread_testcancel();
		break;
	default:
		/* From a handler of a signal, in the middle of a system call. */
		shadow->features |= 1ull << STACK_THREAD_CANCEL;
		mortal->wants_cancel = true;
		sem_post(&mortal->has_decided);
		for (;;)
			pause();
	}
	abort();
}

/* The last function of the program in a thread: its frames but libc's are gone. */
static void look_at_end(void *data)
{
	struct stack_shadow *shadow = stack_shadow_here();

	stack_shadow_use(NULL);
	stack_oracle_look(STACK_ORACLE_NO_BUILD, STACK_THREAD_DATA);
	stack_shadow_use(shadow);
	stack_tour_end_thread();
	sem_post(&((struct mortal *)data)->has_decided);
}

static void *live_and_end(void *data)
{
	struct mortal *mortal = data;

	pthread_setspecific(own_data, mortal);
	stack_tour_begin_thread(1 + mortal->number, STACK_THREAD);
	stack_tour_go(mortal->number % stack_tour_count, 9, end_here);
	return NULL;
}

static void is_right_while_a_thread_is_unwound(void **state)
{
	uint32_t count = stack_oracle_is_full() ? 6000 : 600;
	struct mortal mortals[2];

	(void)state;
	stack_oracle_start();
	stack_tour_use_handlers();
	pthread_key_create(&own_data, look_at_end);
	for (uint32_t i = 0; i < count; i += 2) {
		for (uint32_t n = 0; n < 2; n++) {
			mortals[n] = (struct mortal){.number = i + n,
						     .end = (i + n) / stack_tour_count % END_COUNT};
			sem_init(&mortals[n].has_decided, 0, 0);
			pthread_create(&mortals[n].thread, NULL, live_and_end, &mortals[n]);
		}
		for (uint32_t n = 0; n < 2; n++) {
			sem_wait(&mortals[n].has_decided);
			if (mortals[n].wants_cancel)
				pthread_cancel(mortals[n].thread);
			pthread_join(mortals[n].thread, NULL);
			sem_destroy(&mortals[n].has_decided);
		}
	}
	pthread_key_delete(own_data);
	stack_oracle_report("threads that end", stack_tour_names, 0);
	print_message("          %u threads; in the middle of the maze ended %" PRIu64
		      " by pthread_exit, %" PRIu64 " by it with a handler, %" PRIu64
		      " by pthread_testcancel, %" PRIu64 " by a signal of pthread_cancel\n",
		      count, ended_inside[END_BY_EXIT], ended_inside[END_WITH_HANDLER],
		      ended_inside[END_BY_TEST], ended_inside[END_BY_SIGNAL]);
	assert_int_equal(stack_oracle_found.mistakes, 0);
	for (uint32_t i = 0; i < END_COUNT; i++)
		assert_true(ended_inside[i] > 0);
	assert_true(stack_oracle_has_met(1ull << STACK_THREAD_EXIT | 1ull << STACK_THREAD_CANCEL |
					 1ull << STACK_THREAD_DATA));
}

static int start(void **state)
{
	(void)state;
	lib_life_start();
	stack_tour_start();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equals_both_witnesses_in_threads_at_once),
		cmocka_unit_test(is_right_while_a_thread_is_unwound),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
