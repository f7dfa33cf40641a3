/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_self_check: right stacks are equal to libunwind's, wrong ones are reported.
 *
 * Captures of our own code go through the check as they are, and then with a mistake in them. What
 * is found must be in the counts, and with both stacks in the file, as the tool reads it. The step
 * of libunwind is wrapped, to hold it up, and to let it give up where we want.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include "lib/base/options.h"
#include "lib/record/call_tree.h"
#include "lib/record/self_check.h"
#include "lib/record/thread_state.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/snapshot_file.h"
#include "lib/snapshot/snapshot_writer.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_written.h"
#include "tools/model/profile.h"

_Static_assert(sizeof(unw_cursor_t) <= ORACLE_CURSOR_WORDS * sizeof(uint64_t), "room for a cursor");
_Static_assert(UNW_REG_SP == (int)ORACLE_SP && UNW_REG_IP == (int)ORACLE_PC, "register numbers");
_Static_assert(UNW_X86_64_R15 == 15 && UNW_X86_64_RBX == 3 && UNW_X86_64_RBP == 6,
	       "register numbers are DWARF's");

#define STACK_DEPTH 64u

/* ---- libunwind, held up --------------------------------------------------------------------- */

enum oracle_step __real_oracle_step(struct oracle_walk *walk, struct oracle_frame *frame);
enum oracle_step __wrap_oracle_step(struct oracle_walk *walk, struct oracle_frame *frame);

static int steps_left = -1; /* before it gives up; -1: it does not */
static enum oracle_step last_word = ORACLE_LOST;
static _Atomic(uint32_t) waiting, is_held; /* threads in a step; whether they stay there */
static void (*during_step)(void);

enum oracle_step __wrap_oracle_step(struct oracle_walk *walk, struct oracle_frame *frame)
{
	struct timespec pause = {.tv_nsec = 1000000};

	if (during_step != NULL)
		during_step();
	waiting++;
	while (is_held)
		nanosleep(&pause, NULL);
	waiting--;
	if (steps_left >= 0 && steps_left-- == 0)
		return last_word;
	return __real_oracle_step(walk, frame);
}

/* ---- captures and mistakes in them ---------------------------------------------------------- */

typedef void mistake(struct stack_trace *trace);

static mistake *chosen_mistake;
static uint32_t first_id; /* of the last capture, as it was before the mistake */

static struct self_check_results results_now(void)
{
	struct self_check_results results;

	self_check_read(&results);
	return results;
}

static uint64_t outcome_count(enum self_check_outcome outcome)
{
	return results_now().outcomes[outcome];
}

/* A door: captures, and checks what it captured, perhaps with a mistake in it. */
static __attribute__((noinline)) void look(void)
{
	struct caller caller = CALLER_HERE();
	GUARD_SCOPE struct guard guard = guard_enter();
	struct stack_trace *trace = thread_state_trace_here;

	stack_capture(trace, caller, options.stack_depth);
	first_id = call_tree_stack(trace, 0);
	if (chosen_mistake != NULL) {
		static struct stack_trace
			wrong; /* the thread's own stays right for the next capture */
		uint32_t stack;

		memcpy(&wrong, trace, sizeof(wrong));
		chosen_mistake(&wrong);
		wrong.noded = 0;
		stack_capture_find_paths(&wrong);
		stack = call_tree_stack(&wrong, 0);
		self_check(&wrong, caller, stack, 0);
	} else {
		self_check(trace, caller, first_id, 0);
	}
}

static __attribute__((noinline)) int recurse(uint32_t left)
{
	volatile int local = (int)left;

	if (left == 0)
		look();
	else
		local += recurse(left - 1);
	return local;
}

static void wrong_return_address(struct stack_trace *trace)
{
	trace->frames[trace->count - 3].pc += 1;
}

static void missing_frame(struct stack_trace *trace)
{
	struct stack_frame *at = &trace->frames[trace->count - 3];

	memmove(at, at + 1, 2 * sizeof(*at));
	trace->count--;
}

static void doubled_frame(struct stack_trace *trace)
{
	struct stack_frame *at = &trace->frames[trace->count - 3];

	memmove(at + 1, at, 3 * sizeof(*at));
	trace->count++;
}

static void forgotten_signal(struct stack_trace *trace)
{
	trace->frames[trace->count - 2].flags |= FRAME_IS_SIGNAL;
}

static void wrong_innermost_frame(struct stack_trace *trace)
{
	trace->frames[trace->count - 1].pc ^= 0x40;
}

/* Whole, as it says, but it is not. */
static void missing_end(struct stack_trace *trace)
{
	memmove(trace->frames, trace->frames + 2, (trace->count - 2) * sizeof(trace->frames[0]));
	trace->count -= 2;
}

/* Further than the beginning. */
static void frames_beyond_the_end(struct stack_trace *trace)
{
	memmove(trace->frames + 1, trace->frames, trace->count * sizeof(trace->frames[0]));
	trace->count++;
}

/* It says so. */
static void honest_cut(struct stack_trace *trace)
{
	missing_end(trace);
	trace->is_cut = true;
	trace->is_complete = false;
}

/* ---- claims --------------------------------------------------------------------------------- */

/* Before each test: nothing found yet, as in a child. */
static int start(void **state)
{
	static bool is_open;

	(void)state;
	options.stack_depth = STACK_DEPTH;
	options.selfcheck_one_in = 1;
	chosen_mistake = NULL;
	during_step = NULL;
	steps_left = -1;
	if (!is_open) {
		const char *problem = self_check_start();

		if (problem != NULL) {
			print_error("the self-check %s\n", problem);
			return -1;
		}
		is_open = true;
	}
	return 0;
}

static void right_stacks_are_equal(void **state)
{
	uint64_t before = outcome_count(SELF_CHECK_EQUAL);

	(void)state;
	for (uint32_t depth = 0; depth < 40; depth++)
		recurse(depth);
	assert_int_equal(outcome_count(SELF_CHECK_EQUAL) - before, 40);
	/* Deeper than what is kept. */
	for (uint32_t depth = STACK_DEPTH - 10; depth < STACK_DEPTH + 10; depth++)
		recurse(depth);
	recurse(5000);
	assert_int_equal(outcome_count(SELF_CHECK_EQUAL) - before, 61);
	assert_int_equal(outcome_count(SELF_CHECK_DIFFERENT), 0);
	assert_int_equal(outcome_count(SELF_CHECK_CUT), 0);
	assert_int_equal(outcome_count(SELF_CHECK_GAVE_UP), 0);
	assert_int_equal(results_now().skipped, 0);
}

static void *recurse_in_thread(void *unused)
{
	recurse(5);
	return unused;
}

static void look_in_handler(int number)
{
	(void)number;
	recurse(2);
}

/* libunwind needs more than there is; it gets a stack of ours. */
static void small_stacks_are_checked_too(void **state)
{
	static char memory[8 << 10];
	const stack_t other = {.ss_sp = memory, .ss_size = sizeof(memory)},
		      none = {.ss_flags = SS_DISABLE};
	uint64_t before = outcome_count(SELF_CHECK_EQUAL);
	pthread_attr_t attributes;
	size_t bytes = 12 << 10;
	pthread_t thread;

	(void)state;
	pthread_attr_init(&attributes);
	/* The smallest that there is room in for the thread-local data of this test. */
	do {
		bytes += 4 << 10;
		pthread_attr_setstacksize(&attributes, bytes);
	} while (pthread_create(&thread, &attributes, recurse_in_thread, NULL) == EINVAL);
	pthread_join(thread, NULL);
	assert_int_equal(outcome_count(SELF_CHECK_EQUAL) - before, 1);

	assert_int_equal(sigaltstack(&other, NULL), 0);
	sigaction(SIGUSR1,
		  &(struct sigaction){.sa_handler = look_in_handler, .sa_flags = SA_ONSTACK}, NULL);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_DFL);
	sigaltstack(&none, NULL);
	assert_int_equal(outcome_count(SELF_CHECK_EQUAL) - before, 2);
	assert_int_equal(outcome_count(SELF_CHECK_DIFFERENT), 0);
}

static void a_wrong_stack_is_a_difference(void **state)
{
	static mistake *const mistakes[] = {
		wrong_return_address,  missing_frame, doubled_frame,
		forgotten_signal,      missing_end,   frames_beyond_the_end,
		wrong_innermost_frame,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		uint64_t different = outcome_count(SELF_CHECK_DIFFERENT);
		uint64_t equal = outcome_count(SELF_CHECK_EQUAL);
		struct self_check_results results;
		uint32_t right;

		chosen_mistake = mistakes[i];
		/* From one place: an unrolled loop would be three. */
		for (volatile int times = 0; times < 3; times++)
			recurse(9);
		right = first_id;
		chosen_mistake = NULL;
		recurse(9);
		if (outcome_count(SELF_CHECK_DIFFERENT) != different + 3)
			fail_msg("mistake %zu was found %d times", i,
				 (int)(outcome_count(SELF_CHECK_DIFFERENT) - different));
		assert_int_equal(outcome_count(SELF_CHECK_EQUAL), equal + 1);
		results = results_now();
		assert_int_equal(results.difference_count, i + 1);
		assert_int_equal(results.differences[i].count, 3);
		assert_int_equal(results.differences[i].thread_id, gettid());
		/* libunwind's stack is the right one, node by node. */
		assert_int_not_equal(results.differences[i].ours, right);
		assert_int_equal(results.differences[i].libunwinds, right);
	}
}

static void a_stack_that_says_it_is_cut_is_none(void **state)
{
	uint64_t cut = outcome_count(SELF_CHECK_CUT);
	uint64_t different = outcome_count(SELF_CHECK_DIFFERENT);

	(void)state;
	chosen_mistake = honest_cut;
	recurse(9);
	assert_int_equal(outcome_count(SELF_CHECK_CUT), cut + 1);
	assert_int_equal(outcome_count(SELF_CHECK_DIFFERENT), different);
}

static void where_libunwind_gives_up_ours_may_go_on(void **state)
{
	uint64_t gave_up = outcome_count(SELF_CHECK_GAVE_UP);
	uint64_t different = outcome_count(SELF_CHECK_DIFFERENT);

	(void)state;
	for (int steps = 0; steps < 8; steps++) {
		steps_left = steps;
		recurse(9);
	}
	steps_left = -1;
	assert_int_equal(outcome_count(SELF_CHECK_GAVE_UP), gave_up + 8);
	assert_int_equal(outcome_count(SELF_CHECK_DIFFERENT), different);
	/* But not where it says that it was all. */
	last_word = ORACLE_END;
	steps_left = 5;
	recurse(9);
	last_word = ORACLE_LOST;
	assert_int_equal(outcome_count(SELF_CHECK_GAVE_UP), gave_up + 8);
	assert_int_equal(outcome_count(SELF_CHECK_DIFFERENT), different + 1);
}

static uint32_t wrong_bits;

static void other_mistake(struct stack_trace *trace)
{
	trace->frames[trace->count - 2].pc += wrong_bits;
}

static void what_there_is_no_room_for_is_counted(void **state)
{
	uint64_t different = outcome_count(SELF_CHECK_DIFFERENT);
	struct self_check_results results;

	(void)state;
	chosen_mistake = other_mistake;
	for (wrong_bits = 1; wrong_bits <= 2 * SELF_CHECK_DIFFERENCES_MAX; wrong_bits++)
		recurse(3);
	results = results_now();
	assert_int_equal(results.outcomes[SELF_CHECK_DIFFERENT] - different,
			 2 * SELF_CHECK_DIFFERENCES_MAX);
	assert_int_equal(results.difference_count, SELF_CHECK_DIFFERENCES_MAX);
}

static void compares_about_one_in_n(void **state)
{
	const uint32_t one_in = 25, captures = 20000;
	uint64_t before = outcome_count(SELF_CHECK_EQUAL), compared;

	(void)state;
	options.selfcheck_one_in = one_in;
	for (uint32_t i = 0; i < captures; i++)
		recurse(1);
	compared = outcome_count(SELF_CHECK_EQUAL) - before;
	print_message("          %d of %d, 1 in %d was asked for\n", (int)compared, (int)captures,
		      (int)one_in);
	assert_true(compared > captures / one_in / 2 && compared < 2 * captures / one_in);
	options.selfcheck_one_in = 0;
	recurse(1);
	assert_int_equal(outcome_count(SELF_CHECK_EQUAL) - before, compared);
}

static sigset_t seen_mask;
static bool was_asking;

static void look_at_mask(void)
{
	was_asking = self_check_is_asking;
	sigprocmask(SIG_SETMASK, NULL, &seen_mask);
	errno = 4711;
}

static void no_signal_is_handled_while_libunwind_is_asked(void **state)
{
	sigset_t before = {{0}}, after = {{0}};

	(void)state;
	sigprocmask(SIG_SETMASK, NULL, &before);
	during_step = look_at_mask;
	errno = 42;
	recurse(4);
	assert_int_equal(errno, 42);
	assert_true(was_asking);
	assert_false(self_check_is_asking);
	for (int number = 1; number < 32; number++)
		if (number != SIGKILL && number != SIGSTOP)
			assert_int_equal(sigismember(&seen_mask, number), 1);
	sigprocmask(SIG_SETMASK, NULL, &after);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void *look_once(void *unused)
{
	recurse(2);
	return unused;
}

/* A process that is forked while another thread is in libunwind. */
static void a_child_never_waits_for_locks_of_its_parent(void **state)
{
	struct timespec pause = {.tv_nsec = 1000000};
	struct self_check_results results;
	pthread_t thread;
	pid_t child;
	int status;

	(void)state;
	is_held = true;
	assert_int_equal(pthread_create(&thread, NULL, look_once, NULL), 0);
	for (int i = 0; waiting == 0 && i < 20000; i++)
		nanosleep(&pause, NULL);
	assert_int_equal(waiting, 1);
	child = fork();
	if (child == 0) {
		is_held = false;
		self_check_postfork_child();
		recurse(3);
		results = results_now();
		_exit(results.state != SELF_CHECK_OVER	   ? 1
		      : results.skipped != 1		   ? 2
		      : results.outcomes[SELF_CHECK_EQUAL] ? 3
							   : 0);
	}
	is_held = false;
	pthread_join(thread, NULL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	/* The parent goes on, and so does a child of one that was alone. */
	assert_int_equal(results_now().state, SELF_CHECK_AT_WORK);
	child = fork();
	if (child == 0) {
		self_check_postfork_child();
		recurse(3);
		results = results_now();
		_exit(results.state != SELF_CHECK_AT_WORK	? 1
		      : results.outcomes[SELF_CHECK_EQUAL] != 1 ? 2
		      : results.difference_count		? 3
								: 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

#define CROWD 40

/* More threads at once than there is room for. */
static void nobody_waits_for_a_turn(void **state)
{
	struct timespec pause = {.tv_nsec = 1000000};
	uint64_t equal = outcome_count(SELF_CHECK_EQUAL), skipped = results_now().skipped;
	pthread_t threads[CROWD];

	(void)state;
	is_held = true;
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look_once, NULL), 0);
	for (int i = 0; waiting + (results_now().skipped - skipped) < CROWD && i < 20000; i++)
		nanosleep(&pause, NULL);
	is_held = false;
	for (int i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(results_now().skipped - skipped, CROWD - 32);
	assert_int_equal(outcome_count(SELF_CHECK_EQUAL) - equal, 32);
}

/* What the word says is what the text of a stack is made from. */
static void check_stack(const struct profile *profile, uint32_t stack, uint64_t innermost)
{
	assert_true(stack > 0 && stack < profile->node_count);
	assert_int_equal(profile->nodes[stack].pc, innermost);
}

static void both_stacks_are_in_the_file(void **state)
{
	struct self_check_results results = results_now();
	char folder[] = "/tmp/seep-unit-XXXXXX";
	struct profile *profile;

	(void)state;
	assert_int_equal(results.difference_count, SELF_CHECK_DIFFERENCES_MAX);
	assert_non_null(mkdtemp(folder));
	snprintf(options.output, sizeof(options.output), "%s/file", folder);
	process_facts_read(0);
	assert_int_equal(snapshot_writer_start(), 0);
	assert_int_equal(snapshot_writer_take(SEEP_REASON_INTERVAL, NULL, true, NULL), 0);
	/* Nothing new: no second record. */
	uint64_t bytes = snapshot_file_bytes();
	assert_int_equal(snapshot_writer_take(SEEP_REASON_INTERVAL, NULL, true, NULL), 0);
	assert_true(snapshot_file_bytes() - bytes <
		    sizeof(struct seep_record_header) + sizeof(struct seep_snapshot) + 64);
	recurse(5);
	assert_int_equal(snapshot_writer_take(SEEP_REASON_FINAL, NULL, true, NULL), 0);
	profile = lib_written_read();
	snapshot_file_remove();
	rmdir(folder);

	const struct self_check *check = profile->self_check;
	assert_non_null(check);
	assert_int_equal(check->raw.one_in, 1);
	assert_int_equal(check->raw.flags, 0);
	assert_int_equal(check->raw.different, results.outcomes[SELF_CHECK_DIFFERENT]);
	assert_int_equal(check->raw.cut, results.outcomes[SELF_CHECK_CUT]);
	assert_int_equal(check->raw.libunwind_gave_up, results.outcomes[SELF_CHECK_GAVE_UP]);
	assert_int_equal(check->raw.skipped, results.skipped);
	assert_int_equal(check->raw.compared - check->raw.different - check->raw.cut -
				 check->raw.libunwind_gave_up,
			 results.outcomes[SELF_CHECK_EQUAL] + 1);
	assert_int_equal(check->difference_count, results.difference_count);
	for (uint32_t i = 0; i < results.difference_count; i++) {
		const struct self_check_difference *found = &results.differences[i];

		assert_int_equal(check->differences[i].count, found->count);
		assert_int_equal(check->differences[i].thread_id, found->thread_id);
		check_stack(profile, check->differences[i].ours, call_tree_node(found->ours).pc);
		check_stack(profile, check->differences[i].libunwinds,
			    call_tree_node(found->libunwinds).pc);
		assert_int_not_equal(check->differences[i].ours, check->differences[i].libunwinds);
	}
	profile_free(profile);
}

static int start_all(void **state)
{
	(void)state;
	lib_life_start();
	return 0;
}

int main(void)
{
#define CLAIM(claim) cmocka_unit_test_setup(claim, start)
	const struct CMUnitTest tests[] = {
		CLAIM(right_stacks_are_equal),
		CLAIM(small_stacks_are_checked_too),
		CLAIM(a_wrong_stack_is_a_difference),
		CLAIM(a_stack_that_says_it_is_cut_is_none),
		CLAIM(where_libunwind_gives_up_ours_may_go_on),
		CLAIM(no_signal_is_handled_while_libunwind_is_asked),
		CLAIM(a_child_never_waits_for_locks_of_its_parent),
		CLAIM(nobody_waits_for_a_turn),
		CLAIM(what_there_is_no_room_for_is_counted),
		CLAIM(both_stacks_are_in_the_file),
		CLAIM(compares_about_one_in_n),
	};

	return cmocka_run_group_tests(tests, start_all, NULL);
}
