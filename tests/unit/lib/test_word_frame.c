/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_word_frame: whose frame a word of a stack lies in, asked from within the innermost function.
 *
 * Each function has words of its own and tells where it returns to; a return address into a function is
 * what its callee was told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <alloca.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "lib/scan/word_frame.h"
#include "tests/support/lib_life.h"

#define APART __attribute__((noinline, noipa))
#define WORDS 8

static struct word_frame_thread here;
static volatile int times = 1;

/* A word of a function's frame, and a return address into that function. */
struct known_word {
	uint64_t address, pc;
};

static struct known_word known[8];
static size_t known_count;
static uint64_t asked[8]; /* what was said of them, for the thread cannot assert */

static void know(const volatile uint64_t *word)
{
	known[known_count++].address = (uint64_t)word;
}

/* The one that knew last is called from there. */
static void know_caller(const void *return_address)
{
	if (known_count > 0)
		known[known_count - 1].pc = (uint64_t)return_address;
}

static void find_stack(void)
{
	pthread_attr_t attributes;
	void *start;
	size_t bytes;

	memset(&here, 0, sizeof(here));
	known_count = 0;
	assert_int_equal(pthread_getattr_np(pthread_self(), &attributes), 0);
	pthread_attr_getstack(&attributes, &start, &bytes);
	pthread_attr_destroy(&attributes);
	here.start = (uint64_t)start;
	here.end = here.start + bytes;
}

static void stand_at(const ucontext_t *context)
{
	here.pc = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
	here.sp = (uint64_t)context->uc_mcontext.gregs[REG_RSP];
	here.bp = (uint64_t)context->uc_mcontext.gregs[REG_RBP];
}

/* The innermost function: here it is asked, while all frames are there. */
static APART uint64_t ask(void)
{
	volatile uint64_t own[WORDS] = {1};
	ucontext_t context;

	know_caller(__builtin_return_address(0));
	getcontext(&context);
	stand_at(&context);
	for (size_t i = 0; i < known_count; i++)
		asked[i] = word_frame_pc(&here, known[i].address);
	/* Its own, where it stands and not where it returns to. */
	assert_int_equal(word_frame_pc(&here, (uint64_t)&own[3]), here.pc + 1);
	return own[0];
}

static void check(size_t count)
{
	assert_int_equal(known_count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(asked[i], known[i].pc);
}

/* ---- calls ---- */

static APART uint64_t by_stack_pointer(void)
{
	volatile uint64_t own[WORDS] = {2};

	know_caller(__builtin_return_address(0));
	know(&own[0]);
	return ask() + own[0];
}

static APART uint64_t of_variable_size(size_t count)
{
	volatile uint64_t *own = alloca(count * sizeof(*own));

	own[count - 1] = 3;
	know_caller(__builtin_return_address(0));
	know(&own[count - 1]);
	return by_stack_pointer() + own[count - 1];
}

static APART uint64_t aligned(void)
{
	volatile uint64_t own[WORDS] __attribute__((aligned(256)));

	own[0] = 4;
	know_caller(__builtin_return_address(0));
	know(&own[0]);
	return of_variable_size(100 * (size_t)times) + own[0];
}

static APART uint64_t outermost(void)
{
	volatile uint64_t own[WORDS] = {5};

	know_caller(__builtin_return_address(0));
	know(&own[WORDS - 1]);
	return aligned() + own[0];
}

static void names_the_function_of_each_word(void **state)
{
	(void)state;
	find_stack();
	assert_int_equal(outermost(), 1 + 2 + 3 + 4 + 5);
	check(4);
}

static void knows_the_red_zone(void **state)
{
	(void)state;
	find_stack();
	outermost();
	assert_int_equal(word_frame_pc(&here, here.sp - 16), here.pc + 1);
}

static int compare(const void *left, const void *right)
{
	if (times-- == 1)
		by_stack_pointer();
	return *(const int *)left - *(const int *)right;
}

extern char __executable_start, etext;

/* No word of a frame of the C library's is said to be its own. */
static APART uint64_t ask_of_all(void)
{
	ucontext_t context;

	know_caller(__builtin_return_address(0));
	getcontext(&context);
	stand_at(&context);
	for (uint64_t address = here.sp; address <= known[0].address; address += 8) {
		uint64_t pc = word_frame_pc(&here, address);

		assert_true(pc > (uint64_t)&__executable_start && pc < (uint64_t)&etext);
	}
	return 1;
}

static int ask_while_comparing(const void *left, const void *right)
{
	if (times-- == 1)
		ask_of_all();
	return *(const int *)left - *(const int *)right;
}

static void a_frame_of_the_c_library_is_of_who_called_it(void **state)
{
	int numbers[] = {3, 1, 2};
	volatile uint64_t own[WORDS] = {6};

	(void)state;
	find_stack();
	know(&own[2]);
	times = 1;
	qsort(numbers, 3, sizeof(int), ask_while_comparing);
	assert_int_not_equal(times, 1);
	times = 1;
}

/* Through the C library, whose code nobody compiled with frame pointers. */
static void goes_through_the_c_library(void **state)
{
	int numbers[] = {3, 1, 2};
	volatile uint64_t own[WORDS] = {6};

	(void)state;
	find_stack();
	know(&own[2]);
	times = 1;
	qsort(numbers, 3, sizeof(int), compare);
	times = 1;
	assert_int_equal(known_count, 2);
	assert_int_equal(asked[1], known[1].pc);
	/* Somewhere in the function, for nobody was told where. */
	uint64_t start = (uint64_t)goes_through_the_c_library;
	assert_true(asked[0] > start && asked[0] < start + 4096);
}

/* ---- registers ---- */

#define MAGIC 0x5eed5eed5eed5eedull

static uint64_t saved_in_frame_of;

/* Where the one word with this value lies between here and the outermost one that is known. */
static APART uint64_t ask_of_magic(void)
{
	ucontext_t context;

	getcontext(&context);
	stand_at(&context);
	for (uint64_t address = here.sp; address < known[0].address; address += 8)
		if (*(volatile uint64_t *)address == MAGIC &&
		    (address < (uint64_t)&context || address >= (uint64_t)(&context + 1)))
			saved_in_frame_of = word_frame_pc(&here, address);
	return 0;
}

static APART uint64_t saves_a_register(void)
{
	know_caller(__builtin_return_address(0));
	__asm__ volatile("xor %%ebx, %%ebx" : : : "rbx");
	return ask_of_magic() + (uint64_t)times;
}

static APART uint64_t has_in_a_register(void)
{
	volatile uint64_t own[WORDS] = {9};
	register uint64_t magic __asm__("rbx") = MAGIC;

	know(&own[0]);
	__asm__ volatile("" : "+r"(magic));
	own[1] = saves_a_register();
	__asm__ volatile("" : "+r"(magic));
	return own[0];
}

static void a_saved_register_is_of_who_had_it(void **state)
{
	(void)state;
	find_stack();
	saved_in_frame_of = 0;
	has_in_a_register();
	assert_int_equal(known_count, 1);
	assert_int_equal(saved_in_frame_of, known[0].pc);
}

/* ---- signals ---- */

static void on_signal(int number)
{
	volatile uint64_t own[WORDS] = {7};

	(void)number;
	know(&own[0]);
	ask();
}

static APART uint64_t interrupted(void)
{
	volatile uint64_t own[WORDS] = {8};

	know(&own[0]);
	raise(SIGUSR1);
	return own[0];
}

static void goes_through_a_signal_frame(void **state)
{
	struct sigaction action = {.sa_handler = on_signal};

	(void)state;
	find_stack();
	sigaction(SIGUSR1, &action, NULL);
	interrupted();
	assert_int_equal(known_count, 2);
	assert_int_equal(asked[1], known[1].pc);
	assert_true(asked[0] > (uint64_t)interrupted && asked[0] < (uint64_t)interrupted + 4096);
}

/* ---- threads ---- */

static void *in_thread(void *unused)
{
	find_stack();
	outermost();
	return unused;
}

static void names_them_in_a_thread(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, in_thread, NULL), 0);
	pthread_join(thread, NULL);
	check(4);
}

/* ---- what cannot be told ---- */

static void says_nothing_where_it_does_not_know(void **state)
{
	(void)state;
	find_stack();
	outermost();
	struct word_frame_thread thread = here;
	uint64_t address = known[0].address;

	thread.pc = 0;
	assert_int_equal(word_frame_pc(&thread, address), 0);
	/* No code. */
	thread.pc = (uint64_t)&thread;
	assert_int_equal(word_frame_pc(&thread, address), 0);
	thread = here;
	thread.end = thread.sp + 8;
	assert_int_equal(word_frame_pc(&thread, address), 0);
	/* Above all frames. */
	assert_int_equal(word_frame_pc(&here, here.end + 4096), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_the_function_of_each_word),
		cmocka_unit_test(knows_the_red_zone),
		cmocka_unit_test(goes_through_the_c_library),
		cmocka_unit_test(a_frame_of_the_c_library_is_of_who_called_it),
		cmocka_unit_test(a_saved_register_is_of_who_had_it),
		cmocka_unit_test(goes_through_a_signal_frame),
		cmocka_unit_test(names_them_in_a_thread),
		cmocka_unit_test(says_nothing_where_it_does_not_know),
	};

	lib_life_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
