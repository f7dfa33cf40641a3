/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_stack_reuse: the last trace is not re-used where it is tempting and wrong.
 *
 * Each test makes two stacks whose innermost frames are in the same state, at the same address, and
 * which differ in one word further out; what the first one left behind is still in memory. The maze meets
 * such pairs by chance, these tests make sure of it and count them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <alloca.h>
#include <cmocka.h>
#include <inttypes.h>
#include <signal.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "tests/support/lib_life.h"
#include "tests/unit/lib/stack_oracle.h"

/* A function that stays one, whatever the compiler knows about it. */
#if __has_attribute(noipa)
#define FUNCTION static __attribute__((noipa))
#else
#define FUNCTION static __attribute__((noinline))
#endif

#define ENTER() uint32_t mark = stack_shadow_enter(__builtin_return_address(0), STACK_CALL)
#define LEAVE() stack_shadow_leave(mark)

/* Looks that came from the same state as the look before, and in which the last trace was met at once. */
static uint64_t temptations;
static struct caller caller_before;
static volatile int place; /* written between calls, so that they remain different ones */

#define LOOK()                                                                                     \
	do {                                                                                       \
		stack_oracle_look(STACK_ORACLE_NO_BUILD, STACK_CALL);                              \
		temptations +=                                                                     \
			memcmp(&caller_before, &stack_oracle_caller, sizeof(caller_before)) == 0;  \
		caller_before = stack_oracle_caller;                                               \
	} while (0)

static void begin(void)
{
	stack_oracle_start();
	temptations = 0;
	memset(&caller_before, 0, sizeof(caller_before));
}

static void finish(const char *what)
{
	stack_oracle_report(what, NULL, 0);
	print_message("          %" PRIu64 " from the same state as the one before\n", temptations);
	assert_int_equal(stack_oracle_found.mistakes, 0);
	assert_int_equal(stack_oracle_found.shadows, stack_oracle_found.captures);
}

/* ---- a return address ---- */

/* Not an argument: it would be in rbp, and the state another one. */
static volatile uint32_t other_at;

typedef void chain(uint32_t left);
FUNCTION void link_of_chain(uint32_t left);
FUNCTION void other_link_of_chain(uint32_t left);

/* Two functions with one body, so with frames of one size. The mark is in memory: it depends on how deep
 * the stack is, and in a register it would be saved in every frame. */
#define LINK(name, number)                                                                         \
	FUNCTION void name(uint32_t left)                                                          \
	{                                                                                          \
		volatile ENTER();                                                                  \
		if (left == 0) {                                                                   \
			LOOK();                                                                    \
		} else {                                                                           \
			chain *next = left == other_at ? other_link_of_chain : link_of_chain;      \
                                                                                                   \
			next(left - 1);                                                            \
			place = number;                                                            \
		}                                                                                  \
		LEAVE();                                                                           \
	}
LINK(link_of_chain, 1)
LINK(other_link_of_chain, 2)

static void finds_another_return_address_at_any_depth(void **state)
{
	const uint32_t depth = 60;
	struct stack_shadow *shadow = stack_shadow_here();

	(void)state;
	begin();
	stack_oracle_note_base(shadow);
	stack_shadow_enter(__builtin_return_address(0), STACK_CALL);
	for (volatile uint32_t i = 0; i < 3 * depth; i++) {
		other_at = 2 + i / 3 + i % 3 * depth;
		link_of_chain(depth);
	}
	shadow->count = 0;
	finish("a return address");
	assert_int_equal(temptations, 3 * depth - 1);
}

/* ---- the end of a stack ---- */

#define MEMORY_BYTES (1ul << 20)
#define PAGE 4096ul

static ucontext_t here, there;
static uint32_t depth_there;

FUNCTION void go_along_chain(void)
{
	ENTER();
	link_of_chain(depth_there);
	LEAVE();
	stack_shadow_use(NULL);
	swapcontext(&there, &here);
}

/* The chain on a stack of its own. Returns where the look came from. */
static uint64_t run_on_stack(char *start, char *end, uint32_t depth, struct stack_shadow *shadow)
{
	struct stack_shadow *own = stack_shadow_here();

	depth_there = depth;
	getcontext(&there);
	there.uc_stack.ss_sp = start;
	there.uc_stack.ss_size = (size_t)(end - start);
	there.uc_link = NULL;
	/* Behind the bottom libunwind guesses, and reads where rbp points. */
	there.uc_mcontext.gregs[REG_RBP] = 0;
	makecontext(&there, go_along_chain, 0);
	stack_shadow_clear(shadow);
	stack_shadow_use(shadow);
	swapcontext(&here, &there);
	stack_shadow_use(own);
	return stack_oracle_caller.sp;
}

/* What is behind the end of the second stack cannot be read. */
static void reads_nothing_beyond_a_stack_that_ends_earlier(void **state)
{
	char *start = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	char *end = start + MEMORY_BYTES;
	struct stack_shadow *shadow = stack_shadow_make();
	uint64_t frame_bytes, wanted = 0;

	(void)state;
	assert_ptr_not_equal(start, MAP_FAILED);
	begin();
	other_at = 0;
	frame_bytes = run_on_stack(start, end, 1, shadow) - run_on_stack(start, end, 2, shadow);
	for (uint64_t shorter = PAGE; shorter < 400 * frame_bytes; shorter += PAGE) {
		if (shorter % frame_bytes != 0)
			continue;
		run_on_stack(start, end, 400, shadow);
		mprotect(end - shorter, shorter, PROT_NONE);
		run_on_stack(start, end - shorter, 400 - (uint32_t)(shorter / frame_bytes), shadow);
		mprotect(end - shorter, shorter, PROT_READ | PROT_WRITE);
		wanted++;
	}
	munmap(start, MEMORY_BYTES);
	finish("a stack that ends earlier");
	assert_true(wanted > 0);
	assert_int_equal(temptations, 2 * wanted - 1);
}

static jmp_buf back;

/* Begins a stack with a function that returns to nowhere. */
FUNCTION void begin_stack(void *end, void (*function)(void))
{
	__asm__ volatile("mov %0, %%rsp\n\txor %%ebp, %%ebp\n\tpush $0\n\tjmp *%1"
			 :
			 : "r"(end), "r"(function)
			 : "memory");
	__builtin_unreachable();
}

FUNCTION void look_at_end(void)
{
	if (__builtin_return_address(0) != NULL)
		stack_shadow_enter(__builtin_return_address(0), STACK_CALL);
	LOOK();
	longjmp(back, 1);
}

FUNCTION void call_look_at_end(void)
{
	look_at_end();
	place = 3;
}

static uint64_t look_on_stack(char *end, void (*function)(void), struct stack_shadow *shadow)
{
	struct stack_shadow *own = stack_shadow_here();

	stack_shadow_clear(shadow);
	stack_shadow_use(shadow);
	if (setjmp(back) == 0)
		begin_stack(end, function);
	stack_shadow_use(own);
	return stack_oracle_caller.sp;
}

/* The outermost function is called where it was the outermost one, and the other way round: the word
 * that differs is the one that ended the stack. */
static void finds_that_a_stack_goes_on_where_it_ended(void **state)
{
	static alignas(16) char memory[64 << 10];
	char *end = memory + sizeof(memory) - 4096;
	struct stack_shadow *shadow = stack_shadow_make();
	uint64_t nearer;

	(void)state;
	begin();
	nearer = look_on_stack(end, look_at_end, shadow) -
		 look_on_stack(end, call_look_at_end, shadow);
	for (volatile int i = 0; i < 4; i++) {
		look_on_stack(end, look_at_end, shadow);
		look_on_stack(end + nearer, call_look_at_end, shadow);
	}
	finish("an outermost frame");
	assert_int_equal(temptations, 7);
}

/* ---- a saved frame pointer ---- */

/* Looks from a frame that has saved its caller's rbp and holds something else in it. */
void look_without_pointer(void);
__asm__(".text\n"
	".type look_without_pointer, @function\n"
	"look_without_pointer:\n"
	".cfi_startproc\n"
	"	push %rbp\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset rbp, -16\n"
	"	xor %ebp, %ebp\n"
	"	lea 8(%rsp), %rdi\n"
	"	call look_below\n"
	"	pop %rbp\n"
	".cfi_def_cfa_offset 8\n"
	"	ret\n"
	".cfi_endproc\n"
	".size look_without_pointer, .-look_without_pointer\n");

__attribute__((used)) FUNCTION void
look_below(const void *const *return_address) __asm__("look_below");
FUNCTION void look_below(const void *const *return_address)
{
	uint32_t outer = stack_shadow_enter(*return_address, STACK_CALL);
	ENTER();

	LOOK();
	LEAVE();
	stack_shadow_leave(outer);
}

/* Looks from a frame that leaves rbp to its caller, which needs it. */
void look_with_pointer(void);
__asm__(".text\n"
	".type look_with_pointer, @function\n"
	"look_with_pointer:\n"
	".cfi_startproc\n"
	"	sub $24, %rsp\n"
	".cfi_def_cfa_offset 32\n"
	"	mov 24(%rsp), %rdi\n"
	"	xor %esi, %esi\n"
	"	call stack_shadow_enter\n"
	"	mov %eax, 8(%rsp)\n"
	"	xor %edi, %edi\n"
	"	xor %esi, %esi\n"
	"	call stack_oracle_look\n"
	"	mov 8(%rsp), %edi\n"
	"	call stack_shadow_leave\n"
	"	add $24, %rsp\n"
	".cfi_def_cfa_offset 8\n"
	"	ret\n"
	".cfi_endproc\n"
	".size look_with_pointer, .-look_with_pointer\n");

static bool is_pointer_saved;

FUNCTION void go_lower(size_t bytes)
{
	ENTER();
	volatile char *room = alloca(bytes);

	room[0] = 1;
	if (is_pointer_saved)
		look_without_pointer();
	else
		look_with_pointer();
	place = room[0];
	LEAVE();
}

/* The look is at the same address whatever `higher` is; the frame in between is not. */
FUNCTION void go_lower_from_two_places(size_t higher, bool is_second)
{
	ENTER();
	volatile char *room = alloca(64 + higher);

	room[0] = 1;
	if (is_second) {
		go_lower(1024 - higher);
		place = 4;
	} else {
		go_lower(1024 - higher);
		place = 5;
	}
	place = room[0];
	LEAVE();
}

static void finds_another_saved_frame_pointer(void **state)
{
	struct stack_shadow *shadow = stack_shadow_here();
	const uint32_t count = 50;

	(void)state;
	begin();
	stack_oracle_note_base(shadow);
	stack_shadow_enter(__builtin_return_address(0), STACK_CALL);
	is_pointer_saved = true;
	for (volatile uint32_t i = 0; i < count; i++)
		go_lower_from_two_places(16 * (i * 7 % 60), i % 2);
	shadow->count = 0;
	finish("a saved frame pointer");
	assert_int_equal(temptations, count - 1);
}

/* The frame pointer itself, where nothing is saved: then the state is not the same, and looks it. */
static void finds_another_frame_pointer(void **state)
{
	struct stack_shadow *shadow = stack_shadow_here();
	struct caller before = {0};
	const uint32_t count = 50;

	(void)state;
	begin();
	stack_oracle_note_base(shadow);
	stack_shadow_enter(__builtin_return_address(0), STACK_CALL);
	is_pointer_saved = false;
	for (volatile uint32_t i = 0; i < count; i++) {
		go_lower_from_two_places(16 * (i * 7 % 60), i % 2);
		temptations += stack_oracle_caller.pc == before.pc &&
			       stack_oracle_caller.sp == before.sp &&
			       stack_oracle_caller.bp != before.bp;
		before = stack_oracle_caller;
	}
	shadow->count = 0;
	finish("a frame pointer");
	assert_int_equal(temptations, count - 1);
}

/* ---- a realigned frame ---- */

/* With room of variable size gcc reaches the frame's own caller through a saved pointer (DRAP). */
FUNCTION void look_realigned(size_t bytes)
{
	ENTER();
	alignas(1024) volatile char room[1024];
	volatile char *more = alloca(bytes);

	room[bytes] = more[0] = 1;
	LOOK();
	place = room[bytes] + more[0];
	LEAVE();
}

FUNCTION void realign_from_two_places(size_t lower, bool is_second)
{
	ENTER();
	volatile char *room = alloca(64 + lower);

	room[0] = 1;
	if (is_second) {
		look_realigned(100);
		place = 8;
	} else {
		look_realigned(100);
		place = 9;
	}
	place = room[0];
	LEAVE();
}

static void finds_another_frame_before_a_realigned_one(void **state)
{
	struct stack_shadow *shadow = stack_shadow_here();

	(void)state;
	begin();
	stack_oracle_note_base(shadow);
	stack_shadow_enter(__builtin_return_address(0), STACK_CALL);
	for (volatile uint32_t i = 0; i < 200; i++)
		realign_from_two_places(16 * i, i % 2);
	shadow->count = 0;
	finish("a realigned frame");
#ifndef __clang__
	assert_true(temptations > 100);
#endif
}

/* ---- a signal ---- */

/* On a stack of its own, so its frame is always at the same address. */
static void handle(int number, siginfo_t *info, void *interrupted)
{
	ucontext_t *context = interrupted;
	uint32_t gap =
		stack_shadow_gap(STACK_SHADOW_TRAP, (void *)context->uc_mcontext.gregs[REG_RIP],
				 STACK_HANDLER_ELSEWHERE);
	ENTER();

	(void)number;
	(void)info;
	LOOK();
	context->uc_mcontext.gregs[REG_RIP] += 2; /* ud2 */
	LEAVE();
	stack_shadow_leave(gap);
}

FUNCTION void be_interrupted(bool is_second)
{
	ENTER();
	if (is_second) {
		__asm__ volatile("ud2");
		place = 6;
	} else {
		__asm__ volatile("ud2");
		place = 7;
	}
	LEAVE();
}

FUNCTION void be_interrupted_lower(size_t lower, bool is_second)
{
	ENTER();
	volatile char *room = alloca(64 + lower);

	room[0] = 1;
	be_interrupted(is_second);
	place = room[0];
	LEAVE();
}

static void finds_other_registers_behind_a_signal(void **state)
{
	static char other_stack[64 << 10];
	const stack_t other = {.ss_sp = other_stack, .ss_size = sizeof(other_stack)};
	const struct sigaction action = {.sa_sigaction = handle,
					 .sa_flags = SA_SIGINFO | SA_ONSTACK};
	struct stack_shadow *shadow = stack_shadow_here();
	const uint32_t count = 60;

	(void)state;
	sigaltstack(&other, NULL);
	sigaction(SIGILL, &action, NULL);
	begin();
	stack_oracle_note_base(shadow);
	stack_shadow_enter(__builtin_return_address(0), STACK_CALL);
	for (volatile uint32_t i = 0; i < count; i++)
		be_interrupted_lower(16 * (i / 6), i % 2 || i % 3 == 0);
	shadow->count = 0;
	finish("a signal");
	assert_int_equal(temptations, count - 1);
}

static int start(void **state)
{
	(void)state;
	lib_life_start();
	stack_shadow_use(stack_shadow_make());
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_another_return_address_at_any_depth),
		cmocka_unit_test(reads_nothing_beyond_a_stack_that_ends_earlier),
		cmocka_unit_test(finds_that_a_stack_goes_on_where_it_ended),
		cmocka_unit_test(finds_another_saved_frame_pointer),
		cmocka_unit_test(finds_another_frame_pointer),
		cmocka_unit_test(finds_another_frame_before_a_realigned_one),
		cmocka_unit_test(finds_other_registers_behind_a_signal),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
