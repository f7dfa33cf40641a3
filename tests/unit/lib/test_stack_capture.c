/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_stack_capture: our stacks are libunwind's, frame by frame.
 *
 * Captures come from a maze of code (stack_maze.cc), in every build of it; from every single
 * instruction of some ways through it, with the processor's trap flag; from threads, signal
 * handlers and recursions deeper than what is kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include "lib/base/options.h"
#include "lib/record/stack_capture.h"
#include "seep/snapshot_format.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_random.h"
#include "tests/support/lib_stack.h"
#include "tests/unit/lib/stack_maze.h"

#define DEPTH_MAX OPTIONS_STACK_DEPTH_MAX
#define MISTAKES_SHOWN 3

static uint32_t depth = DEPTH_MAX;
static struct lib_random source;

static struct {
	uint64_t captures, frames, cut, mistakes;
} found;

struct stack {
	uint64_t frames[2 * DEPTH_MAX + 1];
	uint32_t count;
	bool is_cut;
};

static void show(const char *whose, const struct stack *stack)
{
	fprintf(stderr, "  %s:", whose);
	for (uint32_t i = 0; i < stack->count; i++)
		fprintf(stderr, " %" PRIx64, stack->frames[i]);
	fprintf(stderr, "%s\n", stack->is_cut ? " (cut)" : "");
}

/* The rest of the oracle's stack, our way: marks for signals, which count for nothing, and the mark
 * of a cut. libunwind says "is a signal frame" of the frame that was interrupted. */
static void walk_by_libunwind(unw_cursor_t *cursor, struct stack *stack)
{
	uint32_t left = depth;
	unw_word_t pc;

	stack->is_cut = false;
	do {
		if (unw_get_reg(cursor, UNW_REG_IP, &pc) < 0 || pc == 0)
			return;
		if (left-- == 0) {
			stack->is_cut = true;
			stack->frames[stack->count++] = SEEP_PC_CUT;
			return;
		}
		if (unw_is_signal_frame(cursor) > 0)
			stack->frames[stack->count++] = SEEP_PC_SIGNAL;
		stack->frames[stack->count++] = pc;
	} while (unw_step(cursor) > 0);
}

/* `may_be_cut`: at an arbitrary instruction our capture may say that it does not know the rest,
 * but what it says before must be right. */
static void compare(const struct stack *ours, const struct stack *theirs, bool may_be_cut)
{
	uint32_t count = ours->count;
	bool is_same;

	found.captures++;
	found.frames += ours->count;
	if (may_be_cut && ours->is_cut && !theirs->is_cut) {
		found.cut++;
		count--;
	}
	is_same = (count == theirs->count || count < ours->count) && count <= theirs->count &&
		  memcmp(ours->frames, theirs->frames, count * sizeof(uint64_t)) == 0;
	if (is_same || found.mistakes++ >= MISTAKES_SHOWN)
		return;
	show("ours", ours);
	show("libunwind's", theirs);
}

static __attribute__((noinline)) void look(void)
{
	static __thread struct stack ours, theirs;
	static __thread struct stack_trace trace; /* each capture re-uses the one before */
	struct caller caller = CALLER_HERE();
	unw_context_t context;
	unw_cursor_t cursor;

	ours.count = lib_stack_capture(&trace, caller, ours.frames, depth, &ours.is_cut);
	theirs.count = 0;
	unw_getcontext(&context);
	if (unw_init_local(&cursor, &context) != 0 || unw_step(&cursor) <= 0)
		abort();
	walk_by_libunwind(&cursor, &theirs);
	compare(&ours, &theirs, false);
}

static uint32_t choose(uint32_t limit)
{
	return (uint32_t)lib_random_below(&source, limit);
}

static void look_in_handler(int number)
{
	(void)number;
	look();
}

static void interrupt(void)
{
	raise(choose(2) ? SIGUSR1 : SIGUSR2);
}

static const struct stack_maze maze = {.choose = choose, .look = look, .interrupt = interrupt};

#define X(way) extern stack_maze_way stack_maze_##way;
MAZE_WAYS
#undef X

static const struct {
	const char *name;
	stack_maze_way *go;
} ways[] = {
#define X(way) {#way, stack_maze_##way},
	MAZE_WAYS
#undef X
};

#define WAY_COUNT (sizeof(ways) / sizeof(ways[0]))

static void use_handlers(void)
{
	static char other_stack[64 << 10];
	const stack_t other = {.ss_sp = other_stack, .ss_size = sizeof(other_stack)};
	struct sigaction action = {.sa_handler = look_in_handler};

	sigaltstack(&other, NULL);
	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags = SA_ONSTACK;
	sigaction(SIGUSR2, &action, NULL);
}

static void report(const char *what)
{
	print_message("          %s: %" PRIu64 " captures of %" PRIu64 " frames, %" PRIu64
		      " not followed to the end, %" PRIu64 " different\n",
		      what, found.captures, found.frames, found.cut, found.mistakes);
}

static void equals_libunwind_in_every_build_of_the_maze(void **state)
{
	(void)state;
	source = lib_random_start();
	use_handlers();
	depth = DEPTH_MAX;
	memset(&found, 0, sizeof(found));
	for (uint32_t way = 0; way < WAY_COUNT; way++) {
		uint64_t before = found.captures, mistakes = found.mistakes;

		for (int i = 0; found.captures < before + 120000 / WAY_COUNT; i++)
			ways[way].go(&maze, 3 + i % 9);
		if (found.mistakes > mistakes)
			print_error("  %s: %" PRIu64 " mistakes\n", ways[way].name,
				    found.mistakes - mistakes);
	}
	report("maze");
	assert_int_equal(found.mistakes, 0);
	assert_true(found.captures >= 100000);
}

static void keeps_the_innermost_frames_of_a_deep_stack(void **state)
{
	static const uint32_t depths[] = {1, 2, 3, 5, 8, 13, 64};

	(void)state;
	source = lib_random_start();
	use_handlers();
	memset(&found, 0, sizeof(found));
	for (uint32_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
		depth = depths[i];
		for (uint32_t way = 0; way < WAY_COUNT; way++)
			ways[way].go(&maze, 12);
	}
	depth = DEPTH_MAX;
	report("cut at a depth");
	assert_int_equal(found.mistakes, 0);
}

static __attribute__((noinline)) uint64_t recurse(uint32_t left)
{
	volatile uint64_t local = left;

	if (left == 0)
		look();
	else
		local += recurse(left - 1);
	return local;
}

static void cuts_where_the_stack_is_deeper_than_is_kept(void **state)
{
	(void)state;
	memset(&found, 0, sizeof(found));
	for (uint32_t left = DEPTH_MAX - 40; left < DEPTH_MAX + 40; left++)
		recurse(left);
	recurse(20000);
	report("recursion");
	assert_int_equal(found.mistakes, 0);
}

/* ---- every instruction ------------------------------------------------------------------------
 */

static volatile sig_atomic_t is_stepping;
static uint64_t steps, steps_left;
static struct stack_trace step_trace;
static struct stack step_ours, step_theirs;
static sigjmp_buf oracle_crash;
static volatile sig_atomic_t is_oracle_at_work;
static uint64_t oracle_crashes;

#define TRAP_FLAG 0x100

/* glibc says of all of swapcontext that the return address is on top of the stack, also while it
 * exchanges the stacks; whoever believes that walks into the void. */
static bool is_misdescribed(uint64_t pc)
{
	return pc >= (uint64_t)swapcontext && pc < (uint64_t)swapcontext + 512;
}

/* After each instruction: the stack of the interrupted code, as it would be seen from a handler. */
static void look_at_instruction(int number, siginfo_t *info, void *interrupted)
{
	ucontext_t *context = interrupted;
	unw_cursor_t cursor;
	struct caller caller;

	(void)number;
	(void)info;
	steps++;
	if (!is_stepping || --steps_left == 0) {
		context->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
		is_stepping = 0;
		return;
	}
	if (is_misdescribed((uint64_t)context->uc_mcontext.gregs[REG_RIP]))
		return;
	/* From our own frame, whose caller is the signal frame. */
	caller = CALLER_HERE();
	step_ours.count =
		lib_stack_capture(&step_trace, caller, step_ours.frames, depth, &step_ours.is_cut);
	step_theirs.count = 0;
	{
		unw_context_t here;

		unw_getcontext(&here);
		if (unw_init_local(&cursor, &here) != 0 || unw_step(&cursor) <= 0)
			abort();
	}
	/* libunwind 1.6.2 itself reads wild addresses in the prologue of some over-aligned frames. */
	if (sigsetjmp(oracle_crash, 1) != 0) {
		oracle_crashes++;
		return;
	}
	is_oracle_at_work = 1;
	walk_by_libunwind(&cursor, &step_theirs);
	is_oracle_at_work = 0;
	compare(&step_ours, &step_theirs, true);
}

/* A crash of ours is a crash. */
static void catch_oracle(int number)
{
	if (!is_oracle_at_work) {
		signal(number, SIG_DFL);
		return;
	}
	is_oracle_at_work = 0;
	siglongjmp(oracle_crash, 1);
}

static void do_nothing(void)
{
}

static void start_stepping(void)
{
	is_stepping = 1;
	__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" : : : "memory", "cc");
}

static void stop_stepping(void)
{
	is_stepping = 0;
}

static void use_stepping(void)
{
	static char other_stack[256 << 10];
	const stack_t other = {.ss_sp = other_stack, .ss_size = sizeof(other_stack)};
	struct sigaction action = {.sa_sigaction = look_at_instruction,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK};

	sigaltstack(&other, NULL);
	sigaction(SIGTRAP, &action, NULL);
	sigaction(SIGSEGV,
		  &(struct sigaction){.sa_handler = catch_oracle,
				      .sa_flags = SA_ONSTACK | SA_NODEFER},
		  NULL);
}

static const struct stack_maze silent_maze = {
	.choose = choose, .look = do_nothing, .interrupt = do_nothing};

static void equals_libunwind_at_every_instruction(void **state)
{
	(void)state;
	source = lib_random_start();
	use_stepping();
	depth = DEPTH_MAX;
	memset(&found, 0, sizeof(found));
	steps = 0;
	for (uint32_t way = 0; way < WAY_COUNT; way++) {
		uint64_t mistakes = found.mistakes;

		for (uint32_t i = 0; i < 2; i++) {
			steps_left = 3000;
			start_stepping();
			ways[way].go(&silent_maze, 4);
			stop_stepping();
		}
		if (found.mistakes > mistakes)
			print_error("  %s: %" PRIu64 " mistakes\n", ways[way].name,
				    found.mistakes - mistakes);
	}
	report("every instruction");
	print_message("          libunwind crashed %" PRIu64 " times\n", oracle_crashes);
	signal(SIGSEGV, SIG_DFL);
	assert_int_equal(found.mistakes, 0);
	assert_true(found.captures > 20000);
}

/* ---- where there is nothing to go by ----------------------------------------------------------
 */

typedef void called(void);

/* push %rbp; mov %rsp,%rbp; call *%rdi; pop %rbp; ret: in memory that no module covers. */
static const uint8_t with_frame_pointer[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
/* sub $8,%rsp; xor %ebp,%ebp; call *%rdi …: rbp saved elsewhere, so nothing leads on. */
static const uint8_t without_frame_pointer[] = {0x55, 0x31, 0xed, 0xff, 0xd7, 0x5d, 0xc3};

static struct stack taken;

static __attribute__((noinline)) void take(void)
{
	static struct stack_trace trace;
	struct caller caller = CALLER_HERE();

	taken.count = lib_stack_capture(&trace, caller, taken.frames, depth, &taken.is_cut);
}

static bool is_in(uint64_t pc, const void *start, size_t bytes)
{
	return pc >= (uint64_t)start && pc <= (uint64_t)start + bytes;
}

static void follows_frame_pointers_through_code_without_unwind_data(void **state)
{
	uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(code, MAP_FAILED);
	memcpy(code, with_frame_pointer, sizeof(with_frame_pointer));
	((void (*)(called *))code)(take);
	assert_true(is_in(taken.frames[0], code, 4096));
	assert_false(taken.is_cut);
	assert_true(taken.count > 3);
	/* The next one is this function, and so on to the end. */
	assert_true(is_in(taken.frames[1],
			  (const void *)follows_frame_pointers_through_code_without_unwind_data,
			  4096));

	memcpy(code, without_frame_pointer, sizeof(without_frame_pointer));
	((void (*)(called *))code)(take);
	assert_true(is_in(taken.frames[0], code, 4096));
	assert_true(taken.is_cut);
	assert_int_equal(taken.count, 2);
	assert_int_equal(taken.frames[1], SEEP_PC_CUT);
	munmap(code, 4096);
}

/* Whatever the frame pointer holds: no word is read that may not be there. */
static void does_not_trust_a_wild_frame_pointer(void **state)
{
	uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t here = (uint64_t)__builtin_frame_address(0);
	uint64_t frames[8];
	const uint64_t pointers[] = {0,	       1,	  8,	      here - 1024,     here + 1,
				     here + 4, ~0ull - 7, 1ull << 63, here + (1 << 19)};
	bool is_cut;

	(void)state;
	for (uint32_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
		struct caller caller = {
			.pc = (uint64_t)code + 16, .sp = here - 512, .bp = pointers[i]};
		struct stack_trace trace = {0};
		uint32_t count = lib_stack_capture(&trace, caller, frames, 4, &is_cut);

		assert_true(count >= 2 && count <= 5);
		assert_true(is_cut);
		assert_int_equal(frames[count - 1], SEEP_PC_CUT);
	}
	munmap(code, 4096);
}

static void *look_from_thread(void *unused)
{
	for (uint32_t i = 0; i < 50; i++)
		recurse(i);
	return unused;
}

static void ends_where_a_thread_begins(void **state)
{
	pthread_t thread;

	(void)state;
	memset(&found, 0, sizeof(found));
	pthread_create(&thread, NULL, look_from_thread, NULL);
	pthread_join(thread, NULL);
	report("thread");
	assert_int_equal(found.captures, 50);
	assert_int_equal(found.mistakes, 0);
}

static int compare_words(const void *a, const void *b)
{
	look();
	return *(const int *)a - *(const int *)b;
}

/* Callbacks from libc, whose code we did not compile. */
static void goes_through_libc(void **state)
{
	int words[100];

	(void)state;
	memset(&found, 0, sizeof(found));
	for (int i = 0; i < 100; i++)
		words[i] = (i * 37) % 100;
	qsort(words, 100, sizeof(int), compare_words);
	report("qsort");
	assert_true(found.captures > 100);
	assert_int_equal(found.mistakes, 0);
}

static void leaves_errno_alone(void **state)
{
	(void)state;
	errno = 4711;
	take();
	assert_int_equal(errno, 4711);
}

static int start(void **state)
{
	(void)state;
	lib_life_start();
	unw_set_caching_policy(unw_local_addr_space, UNW_CACHE_PER_THREAD);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equals_libunwind_in_every_build_of_the_maze),
		cmocka_unit_test(keeps_the_innermost_frames_of_a_deep_stack),
		cmocka_unit_test(cuts_where_the_stack_is_deeper_than_is_kept),
		cmocka_unit_test(goes_through_libc),
		cmocka_unit_test(ends_where_a_thread_begins),
		cmocka_unit_test(follows_frame_pointers_through_code_without_unwind_data),
		cmocka_unit_test(does_not_trust_a_wild_frame_pointer),
		cmocka_unit_test(leaves_errno_alone),
		cmocka_unit_test(equals_libunwind_at_every_instruction),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
