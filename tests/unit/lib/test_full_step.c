/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_full_step: a walk with all registers finds the frames, and the registers, that libunwind
 * finds.
 *
 * The frames are nested at random: functions in assembly that keep their CFA in every register that
 * a call keeps, or in memory, that save registers where only an expression says, or run on another
 * stack; and C functions that use those registers for their own. What is looked at from a handler
 * with the processor's trap flag is every instruction of them, and of a lazily bound call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <inttypes.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <wchar.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include "lib/record/full_step.h"
#include "lib/record/stack_capture.h"
#include "seep/snapshot_format.h"
#include "tests/support/lib_life.h"
#include "tests/support/lib_random.h"
#include "tests/support/lib_stack.h"

#define MISTAKES_SHOWN 5
#define DEPTH_MAX 512

/* ---- frames ------------------------------------------------------------------------------------
 *
 * Each calls next(0) from a frame with `bytes` (a multiple of 16) of room.
 */
typedef void called(uint64_t unused);
typedef void odd_frame(called *next, uint64_t unused, uint64_t bytes);

/* CFA by a register that a call keeps. */
#define BY_REGISTER(name)                                                                          \
	"odd_by_" name ":\n"                                                                       \
	".cfi_startproc\n"                                                                         \
	"	push %" name "\n"                                                                  \
	".cfi_adjust_cfa_offset 8\n"                                                               \
	".cfi_rel_offset %" name ", 0\n"                                                           \
	"	mov %rsp, %" name "\n"                                                             \
	".cfi_def_cfa_register %" name "\n"                                                        \
	"	sub %rdx, %rsp\n"                                                                        \
	"	mov %rdi, %rax\n"                                                                        \
	"	mov %rsi, %rdi\n"                                                                        \
	"	call *%rax\n"                                                                            \
	"	mov %" name ", %rsp\n"                                                             \
	".cfi_def_cfa_register %rsp\n"                                                             \
	"	pop %" name "\n"                                                                   \
	".cfi_adjust_cfa_offset -8\n"                                                              \
	".cfi_restore %" name "\n"                                                                 \
	"	ret\n"                                                                                   \
	".cfi_endproc\n"

odd_frame odd_by_rbx, odd_by_r12, odd_by_r13, odd_by_r14, odd_by_r15, odd_by_memory,
	odd_saves_by_expression, odd_fills_all, odd_knows_rbp, odd_on_other_stack, odd_loses_rbx,
	odd_by_volatile, odd_ends_in_call, odd_is_over_aligned;
called odd_loses_rbx_and_looks, odd_is_over_aligned_and_looks;
extern called *look_inside;

__asm__(".text\n" BY_REGISTER("rbx") BY_REGISTER("r12") BY_REGISTER("r13") BY_REGISTER("r14")
		BY_REGISTER("r15")
	/* The CFA is a word on the stack + 8, as in OpenSSL's assembly, which has it in rax before
	 * and in rsi behind. */
	"odd_by_memory:\n"
	".cfi_startproc\n"
	"	mov %rsp, %rax\n"
	".cfi_def_cfa_register %rax\n"
	"	push %rbx\n"
	".cfi_offset %rbx, -16\n"
	"	push %rbp\n"
	".cfi_offset %rbp, -24\n"
	"	sub %rdx, %rsp\n"
	"	sub $40, %rsp\n"
	"	mov %rax, 8(%rsp)\n"
	".cfi_escape 0x0f, 5, 0x77, 8, 0x06, 0x23, 8\n"
	"	mov $0x1111, %ebx\n"
	"	lea 24(%rsp), %rbp\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	call *%rax\n"
	"	mov 8(%rsp), %rsi\n"
	".cfi_def_cfa %rsi, 8\n"
	"	mov -16(%rsi), %rbp\n"
	".cfi_restore %rbp\n"
	"	mov -8(%rsi), %rbx\n"
	".cfi_restore %rbx\n"
	"	mov %rsi, %rsp\n"
	".cfi_def_cfa_register %rsp\n"
	"	ret\n"
	".cfi_endproc\n"
	/* rbx and r12 at rsp + n, r13 changed by 64, r14 in r15. */
	"odd_saves_by_expression:\n"
	".cfi_startproc\n"
	"	push %rbp\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset %rbp, -16\n"
	"	mov %rsp, %rbp\n"
	".cfi_def_cfa_register %rbp\n"
	"	sub %rdx, %rsp\n"
	"	sub $32, %rsp\n"
	"	mov %rbx, 8(%rsp)\n"
	".cfi_escape 0x10, 3, 2, 0x77, 8\n"
	"	mov $0x2222, %ebx\n"
	"	mov %r12, 16(%rsp)\n"
	".cfi_escape 0x10, 12, 2, 0x77, 16\n"
	"	mov $0x3333, %r12d\n"
	"	add $64, %r13\n"
	".cfi_escape 0x16, 13, 2, 0x7d, 0x40\n"
	"	mov %r15, 24(%rsp)\n"
	".cfi_escape 0x10, 15, 2, 0x77, 24\n"
	"	mov %r14, %r15\n"
	".cfi_register %r14, %r15\n"
	"	mov $0x4444, %r14d\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	call *%rax\n"
	"	mov %r15, %r14\n"
	".cfi_restore %r14\n"
	"	mov 24(%rsp), %r15\n"
	".cfi_restore %r15\n"
	"	sub $64, %r13\n"
	".cfi_restore %r13\n"
	"	mov 16(%rsp), %r12\n"
	".cfi_restore %r12\n"
	"	mov 8(%rsp), %rbx\n"
	".cfi_restore %rbx\n"
	"	leave\n"
	".cfi_def_cfa %rsp, 8\n"
	".cfi_restore %rbp\n"
	"	ret\n"
	".cfi_endproc\n"
	/* All in use for something else. */
	"odd_fills_all:\n"
	".cfi_startproc\n"
	"	push %rbx\n"
	".cfi_adjust_cfa_offset 8\n"
	".cfi_rel_offset %rbx, 0\n"
	"	push %rbp\n"
	".cfi_adjust_cfa_offset 8\n"
	".cfi_rel_offset %rbp, 0\n"
	"	push %r12\n"
	".cfi_adjust_cfa_offset 8\n"
	".cfi_rel_offset %r12, 0\n"
	"	push %r13\n"
	".cfi_adjust_cfa_offset 8\n"
	".cfi_rel_offset %r13, 0\n"
	"	push %r14\n"
	".cfi_adjust_cfa_offset 8\n"
	".cfi_rel_offset %r14, 0\n"
	"	push %r15\n"
	".cfi_adjust_cfa_offset 8\n"
	".cfi_rel_offset %r15, 0\n"
	"	push %rax\n"
	".cfi_adjust_cfa_offset 8\n"
	"	mov $11, %ebx\n"
	"	mov $-22, %rbp\n"
	"	mov %rsp, %r12\n"
	"	mov $44, %r13d\n"
	"	xor %r14d, %r14d\n"
	"	mov $-1, %r15\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	call *%rax\n"
	"	pop %rax\n"
	".cfi_adjust_cfa_offset -8\n"
	"	pop %r15\n"
	".cfi_adjust_cfa_offset -8\n"
	".cfi_restore %r15\n"
	"	pop %r14\n"
	".cfi_adjust_cfa_offset -8\n"
	".cfi_restore %r14\n"
	"	pop %r13\n"
	".cfi_adjust_cfa_offset -8\n"
	".cfi_restore %r13\n"
	"	pop %r12\n"
	".cfi_adjust_cfa_offset -8\n"
	".cfi_restore %r12\n"
	"	pop %rbp\n"
	".cfi_adjust_cfa_offset -8\n"
	".cfi_restore %rbp\n"
	"	pop %rbx\n"
	".cfi_adjust_cfa_offset -8\n"
	".cfi_restore %rbx\n"
	"	ret\n"
	".cfi_endproc\n"
	/* The inner one knows what rbp was, so it is not saved. */
	"odd_knows_rbp:\n"
	".cfi_startproc\n"
	"	push %rbp\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset %rbp, -16\n"
	"	lea 16(%rsp), %rbp\n"
	".cfi_def_cfa %rbp, 0\n"
	"	call 1f\n"
	"	pop %rbp\n"
	".cfi_def_cfa %rsp, 8\n"
	".cfi_restore %rbp\n"
	"	ret\n"
	".cfi_endproc\n"
	"1:\n"
	".cfi_startproc\n"
	"	push %r12\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset %r12, -16\n"
	"	mov %rsp, %r12\n"
	".cfi_def_cfa_register %r12\n"
	".cfi_escape 0x15, 6, 0x7e\n" /* val_offset_sf: rbp is CFA + 16 */
	"	mov $0x5555, %ebp\n"
	"	sub %rdx, %rsp\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	call *%rax\n"
	"	lea 32(%r12), %rbp\n"
	"	mov %r12, %rsp\n"
	".cfi_def_cfa_register %rsp\n"
	"	pop %r12\n"
	".cfi_def_cfa_offset 8\n"
	".cfi_restore %r12\n"
	"	ret\n"
	".cfi_endproc\n"
	/* `bytes` is the top of another stack. */
	"odd_on_other_stack:\n"
	".cfi_startproc\n"
	"	push %rbx\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset %rbx, -16\n"
	"	mov %rsp, %rbx\n"
	".cfi_def_cfa_register %rbx\n"
	"	mov %rdx, %rsp\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	call *%rax\n"
	"	mov %rbx, %rsp\n"
	".cfi_def_cfa_register %rsp\n"
	"	pop %rbx\n"
	".cfi_def_cfa_offset 8\n"
	".cfi_restore %rbx\n"
	"	ret\n"
	".cfi_endproc\n"
	/* Says that it does not know what rbx was, although it has not touched it. */
	"odd_loses_rbx:\n"
	".cfi_startproc\n"
	".cfi_undefined %rbx\n"
	"	push %rbx\n"
	".cfi_def_cfa_offset 16\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	call *%rax\n"
	"	pop %rbx\n"
	".cfi_def_cfa_offset 8\n"
	"	ret\n"
	".cfi_endproc\n"
	/* The same for a caller that has given no `next`. */
	"odd_loses_rbx_and_looks:\n"
	"	mov look_inside(%rip), %rdi\n"
	"	jmp odd_loses_rbx\n"
	/* As gcc makes them (DRAP): rbp and rbx are said to be at rbp + n up to the last
	 * instruction. */
	"odd_is_over_aligned:\n"
	".cfi_startproc\n"
	"	lea 8(%rsp), %r10\n"
	".cfi_def_cfa %r10, 0\n"
	"	and $-64, %rsp\n"
	"	push -8(%r10)\n"
	"	push %rbp\n"
	"	mov %rsp, %rbp\n"
	".cfi_escape 0x10, 6, 2, 0x76, 0\n"
	"	push %r10\n"
	".cfi_escape 0x0f, 3, 0x76, 0x78, 0x06\n"
	"	push %rbx\n"
	".cfi_escape 0x10, 3, 2, 0x76, 0x70\n"
	"	mov $0x6666, %ebx\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	call *%rax\n"
	"	pop %rbx\n"
	"	pop %r10\n"
	".cfi_def_cfa %r10, 0\n"
	"	pop %rbp\n"
	"	lea -8(%r10), %rsp\n"
	".cfi_def_cfa %rsp, 8\n"
	"	ret\n"
	".cfi_endproc\n"
	"odd_is_over_aligned_and_looks:\n"
	"	mov look_inside(%rip), %rdi\n"
	"	jmp odd_is_over_aligned\n"
	/* Nothing of it is behind the call, which does not return. */
	"odd_ends_in_call:\n"
	".cfi_startproc\n"
	"	push %rbx\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset %rbx, -16\n"
	"	mov %rsp, %rbx\n"
	".cfi_def_cfa_register %rbx\n"
	"	sub %rdx, %rsp\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	call *%rax\n"
	".cfi_endproc\n"
	/* CFA by a register that the call changes: it can be followed from a signal handler only.
	 * */
	"odd_by_volatile:\n"
	".cfi_startproc\n"
	"	mov %rsp, %r11\n"
	".cfi_def_cfa_register %r11\n"
	"	sub %rdx, %rsp\n"
	"	push %r11\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	call *%rax\n"
	"	pop %r11\n"
	"	mov %r11, %rsp\n"
	".cfi_def_cfa_register %rsp\n"
	"	ret\n"
	".cfi_endproc\n");

/* ---- looking ---- */

static struct lib_random source;
static volatile sig_atomic_t is_oracle_at_work;

static struct {
	uint64_t looks, captures, frames, registers, cut, mistakes;
	uint64_t odd; /* looks at an instruction with an odd rule */
} found;

static uint64_t choose(uint64_t limit)
{
	return lib_random_below(&source, limit);
}

static const struct {
	uint8_t number;
	unw_regnum_t theirs;
} compared[] = {{CFI_RBX, UNW_X86_64_RBX}, {CFI_RBP, UNW_X86_64_RBP}, {CFI_R12, UNW_X86_64_R12},
		{CFI_R13, UNW_X86_64_R13}, {CFI_R14, UNW_X86_64_R14}, {CFI_R15, UNW_X86_64_R15}};

static void complain(const char *what, uint32_t depth, uint64_t ours, uint64_t theirs)
{
	if (found.mistakes++ < MISTAKES_SHOWN)
		fprintf(stderr, "  %s of frame %u: ours %#" PRIx64 ", libunwind's %#" PRIx64 "\n",
			what, depth, ours, theirs);
}

static bool is_same_frame(const struct full_walk *walk, const struct full_frame *frame,
			  unw_cursor_t *cursor, uint32_t depth)
{
	unw_word_t pc, sp, value;

	if (unw_get_reg(cursor, UNW_REG_IP, &pc) < 0 || unw_get_reg(cursor, UNW_REG_SP, &sp) < 0)
		abort();
	if (pc != frame->pc)
		complain("pc", depth, frame->pc, pc);
	if (sp != frame->sp)
		complain("sp", depth, frame->sp, sp);
	if ((unw_is_signal_frame(cursor) > 0) != frame->is_interrupted)
		complain("signal", depth, frame->is_interrupted, !frame->is_interrupted);
	for (uint32_t i = 0; depth > 0 && i < sizeof(compared) / sizeof(compared[0]); i++) {
		if (!cfi_registers_know(&walk->registers, compared[i].number))
			continue;
		found.registers++;
		if (unw_get_reg(cursor, compared[i].theirs, &value) < 0 ||
		    value != walk->registers.values[compared[i].number])
			complain(unw_regname(compared[i].theirs), depth,
				 walk->registers.values[compared[i].number], value);
	}
	return pc == frame->pc && sp == frame->sp;
}

/* Every frame with a full step, as far as that leads. */
static void compare_walk(struct caller caller, unw_cursor_t *cursor)
{
	struct full_frame frame = {.pc = caller.pc, .sp = caller.sp, .bp = caller.bp};
	struct full_walk walk = {0};
	bool is_ours = true;
	int is_theirs = 1;

	found.looks++;
	for (uint32_t depth = 0; is_same_frame(&walk, &frame, cursor, depth); depth++) {
		found.frames++;
		is_ours = full_step(&walk, &frame);
		is_oracle_at_work = 1;
		is_theirs = unw_step(cursor);
		is_oracle_at_work = 0;
		if (!is_ours || is_theirs <= 0)
			break;
	}
	if (is_ours && is_theirs <= 0)
		complain("end", 0, frame.pc, 0);
	found.cut += !is_ours && is_theirs > 0;
}

static struct stack_trace *trace; /* each capture re-uses the one before */
static uint64_t ours[2 * DEPTH_MAX + 1], theirs[2 * DEPTH_MAX];

/* What is captured, in the form of lib_stack_capture. `count` frames are theirs. */
static void compare_capture(struct caller caller, uint32_t count)
{
	bool is_cut;
	uint32_t our_count = lib_stack_capture(trace, caller, ours, DEPTH_MAX, &is_cut);

	found.captures++;
	found.cut += is_cut;
	if (!is_cut && our_count == count && memcmp(ours, theirs, count * sizeof(ours[0])) == 0)
		return;
	if (found.mistakes++ >= MISTAKES_SHOWN)
		return;
	for (uint32_t i = 0; i < our_count || i < count; i++)
		fprintf(stderr, "  %16" PRIx64 " %16" PRIx64 "\n", i < our_count ? ours[i] : 0,
			i < count ? theirs[i] : 0);
}

static uint32_t list_theirs(unw_cursor_t *cursor)
{
	unw_word_t pc;
	uint32_t count = 0;

	is_oracle_at_work = 1;
	do {
		if (unw_get_reg(cursor, UNW_REG_IP, &pc) < 0 || pc == 0)
			break;
		if (unw_is_signal_frame(cursor) > 0)
			theirs[count++] = SEEP_PC_SIGNAL;
		theirs[count++] = pc;
	} while (unw_step(cursor) > 0);
	is_oracle_at_work = 0;
	return count;
}

/* From the frame of the caller of whoever made this context. */
static void compare_both(struct caller caller, unw_context_t *context)
{
	unw_cursor_t cursor;

	if (unw_init_local(&cursor, context) != 0 || unw_step(&cursor) <= 0)
		abort();
	compare_walk(caller, &cursor);
	if (unw_init_local(&cursor, context) != 0 || unw_step(&cursor) <= 0)
		abort();
	compare_capture(caller, list_theirs(&cursor));
}

static __attribute__((noinline)) void look(void)
{
	struct caller caller = CALLER_HERE();
	unw_context_t context;

	unw_getcontext(&context);
	compare_both(caller, &context);
}

/* ---- nesting ---- */

static uint32_t frames_left;
static uint8_t other_stack[256 << 10] __attribute__((aligned(16)));
static uint64_t other_stack_used;
static volatile uint64_t sink;
static void (*at_the_inside)(void);

static void descend(uint64_t unused);

/* Compiled code that has `count` values of its own over the call. */
#define C_FRAME(count)                                                                             \
	static __attribute__((noinline)) void keeps_##count##_values(void)                         \
	{                                                                                          \
		uint64_t values[count];                                                            \
                                                                                                   \
		for (int i = 0; i < count; i++)                                                    \
			values[i] = lib_random_next(&source);                                      \
		descend(values[0] & 1);                                                            \
		for (int i = 0; i < count; i++)                                                    \
			sink += values[i];                                                         \
	}
C_FRAME(1)
C_FRAME(2)
C_FRAME(3)
C_FRAME(4)
C_FRAME(6)

static __attribute__((noinline)) void keeps_a_frame_pointer(void)
{
	volatile uint8_t *room = __builtin_alloca(16 + choose(200));

	room[0] = 1;
	descend(0);
	sink += room[0];
}

static void run_on_other_stack(void)
{
	uint64_t top = (uint64_t)other_stack + sizeof(other_stack) - other_stack_used;

	if (other_stack_used > sizeof(other_stack) / 2)
		return;
	other_stack_used += sizeof(other_stack) / 4;
	odd_on_other_stack(descend, 0, top);
	other_stack_used -= sizeof(other_stack) / 4;
}

static __attribute__((noinline)) void descend(uint64_t unused)
{
	static odd_frame *const odd[] = {
		odd_by_rbx, odd_by_r12,	   odd_by_r13,	  odd_by_r14,
		odd_by_r15, odd_by_memory, odd_fills_all, odd_saves_by_expression};
	static void (*const plain[])(void) = {
		keeps_1_values, keeps_2_values,	       keeps_3_values,	  keeps_4_values,
		keeps_6_values, keeps_a_frame_pointer, run_on_other_stack};

	if (frames_left == 0) {
		at_the_inside();
		sink += unused;
		return;
	}
	frames_left--;
	if (choose(2))
		odd[choose(sizeof(odd) / sizeof(odd[0]))](descend, 0, 16 * choose(9));
	else
		plain[choose(sizeof(plain) / sizeof(plain[0]))]();
	sink += unused;
}

static void nest(uint32_t depth)
{
	frames_left = depth;
	other_stack_used = 0;
	descend(0);
	frames_left = 0;
}

static void report(const char *what)
{
	print_message("          %s: %" PRIu64 " walks of %" PRIu64 " frames, %" PRIu64
		      " registers compared, from %" PRIu64 " odd instructions, %" PRIu64
		      " not followed, %" PRIu64 " different\n",
		      what, found.looks, found.frames, found.registers, found.odd, found.cut,
		      found.mistakes);
}

static void finds_every_frame_and_register_of_random_nestings(void **state)
{
	(void)state;
	memset(&found, 0, sizeof(found));
	at_the_inside = look;
	for (uint32_t i = 0; i < 20000; i++)
		nest((uint32_t)choose(24));
	report("nestings");
	assert_int_equal(found.mistakes, 0);
	assert_int_equal(found.cut, 0);
	assert_true(found.registers > found.frames);
}

/* ---- every instruction ---- */

static volatile sig_atomic_t is_stepping;
static uint64_t steps_left, oracle_crashes;
static sigjmp_buf oracle_crash;

#define TRAP_FLAG 0x100

/* After each instruction: the stack of the interrupted code, as it would be seen from a handler. */
static void look_at_instruction(int number, siginfo_t *info, void *interrupted)
{
	struct caller caller = CALLER_HERE();
	ucontext_t *context = interrupted;
	unw_context_t here;

	(void)number;
	(void)info;
	if (!is_stepping || --steps_left == 0) {
		context->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
		is_stepping = 0;
		return;
	}
	/* libunwind reads wherever it is led. */
	if (sigsetjmp(oracle_crash, 1) != 0) {
		oracle_crashes++;
		return;
	}
	if (cfi_rule((uint64_t)context->uc_mcontext.gregs[REG_RIP]).kind == UNWIND_ODD)
		found.odd++;
	unw_getcontext(&here);
	compare_both(caller, &here);
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

static void use_stepping(void)
{
	static char handler_stack[256 << 10];
	const stack_t handlers = {.ss_sp = handler_stack, .ss_size = sizeof(handler_stack)};
	struct sigaction action = {.sa_sigaction = look_at_instruction,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK};

	sigaltstack(&handlers, NULL);
	sigaction(SIGTRAP, &action, NULL);
	sigaction(SIGSEGV,
		  &(struct sigaction){.sa_handler = catch_oracle,
				      .sa_flags = SA_ONSTACK | SA_NODEFER},
		  NULL);
}

static void start_stepping(uint64_t steps)
{
	steps_left = steps;
	is_stepping = 1;
	__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" : : : "memory", "cc");
}

static void stop_stepping(void)
{
	is_stepping = 0;
}

static void do_nothing(void)
{
}

static void finds_every_frame_from_every_instruction(void **state)
{
	(void)state;
	memset(&found, 0, sizeof(found));
	oracle_crashes = 0;
	use_stepping();
	at_the_inside = do_nothing;
	for (int i = 0; i < 40; i++) {
		start_stepping(3000);
		nest(12);
		stop_stepping();
	}
	report("every instruction");
	assert_true(found.odd > 300);
	assert_int_equal(found.mistakes, 0);
	assert_int_equal(oracle_crashes, 0);
	assert_int_equal(found.cut, 0);
	assert_true(found.looks > 10000);
}

/* Functions that this program calls once: the call goes through the procedure linkage table, the
 * dynamic linker's _dl_runtime_resolve, which keeps its CFA in rbx, and its search of symbols. */
static void bind_three_functions(void)
{
	static wchar_t wide[] = L"a b";

	sink += (uint64_t)a64l("abc");
	sink += wcscspn(wide, L" ");
	sink += (uint64_t)l64a(4711)[0];
}

static bool is_bound_at_start(void)
{
	for (const ElfW(Dyn) *entry = _DYNAMIC; entry->d_tag != DT_NULL; entry++)
		if (entry->d_tag == DT_BIND_NOW ||
		    (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_BIND_NOW)) ||
		    (entry->d_tag == DT_FLAGS_1 && (entry->d_un.d_val & DF_1_NOW)))
			return true;
	return getenv("LD_BIND_NOW") != NULL;
}

static void finds_every_frame_of_lazy_binding(void **state)
{
	uint64_t first;

	(void)state;
	if (is_bound_at_start()) {
		print_message(
			"          LD_BIND_NOW or the linker binds this program at its start\n");
		skip();
	}
	memset(&found, 0, sizeof(found));
	oracle_crashes = 0;
	use_stepping();
	start_stepping(100000);
	bind_three_functions();
	stop_stepping();
	first = found.looks;
	report("lazy binding");
	assert_true(found.odd > 20);
	assert_int_equal(found.mistakes, 0);
	assert_int_equal(oracle_crashes, 0);
	assert_int_equal(found.cut, 0);
	/* Now they are bound. */
	start_stepping(100000);
	bind_three_functions();
	stop_stepping();
	assert_true(first > 1000 + 2 * (found.looks - first));
}

/* Its assembly keeps the CFA in rax, in rsi, in r11 and in words on the stack. The library may be
 * missing; its functions are called as they have been for twenty years. */
static struct {
	int (*set_key)(const uint8_t *key, int bits, void *made);
	void (*encrypt)(const uint8_t *in, uint8_t *out, size_t bytes, const void *key, uint8_t *iv,
			int is_encryption);
	void *(*new_number)(void);
	void *(*set_number)(const uint8_t *bytes, int count, void *number);
	void *(*new_context)(void);
	void (*free_number)(void *number);
	void (*free_context)(void *context);
	int (*power)(void *result, const void *a, const void *p, const void *m, void *context,
		     void *mont);
	uint8_t *(*digest)(const uint8_t *bytes, size_t count, uint8_t *result);
} crypto;

static bool open_crypto(void)
{
	void *library = dlopen("libcrypto.so.3", RTLD_LAZY);

	if (library == NULL)
		return false;
	*(void **)&crypto.set_key = dlsym(library, "AES_set_encrypt_key");
	*(void **)&crypto.encrypt = dlsym(library, "AES_cbc_encrypt");
	*(void **)&crypto.new_number = dlsym(library, "BN_new");
	*(void **)&crypto.set_number = dlsym(library, "BN_bin2bn");
	*(void **)&crypto.new_context = dlsym(library, "BN_CTX_new");
	*(void **)&crypto.free_number = dlsym(library, "BN_free");
	*(void **)&crypto.free_context = dlsym(library, "BN_CTX_free");
	*(void **)&crypto.power = dlsym(library, "BN_mod_exp_mont_consttime");
	*(void **)&crypto.digest = dlsym(library, "SHA512");
	return crypto.set_key && crypto.encrypt && crypto.new_number && crypto.set_number &&
	       crypto.new_context && crypto.free_number && crypto.free_context && crypto.power &&
	       crypto.digest;
}

static void finds_every_frame_of_openssl(void **state)
{
	static uint8_t key[512], bytes[512], iv[16], result[512];
	void *a, *p, *m, *r, *context;

	(void)state;
	if (!open_crypto()) {
		print_message("          libcrypto.so.3 is not installed\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37 + 1);
	crypto.set_key(bytes, 128, key);
	a = crypto.set_number(bytes, 64, NULL);
	p = crypto.set_number(bytes + 64, 2, NULL);
	m = crypto.set_number(bytes + 128, 64, NULL);
	r = crypto.new_number();
	context = crypto.new_context();
	memset(&found, 0, sizeof(found));
	oracle_crashes = 0;
	use_stepping();
	start_stepping(6000);
	crypto.encrypt(bytes, result, sizeof(result), key, iv, 1);
	stop_stepping();
	start_stepping(6000);
	crypto.digest(bytes, sizeof(bytes), result);
	stop_stepping();
	start_stepping(30000);
	crypto.power(r, a, p, m, context, NULL);
	stop_stepping();
	crypto.free_context(context);
	crypto.free_number(r);
	crypto.free_number(m);
	crypto.free_number(p);
	crypto.free_number(a);
	report("openssl");
	assert_true(found.odd > 20);
	assert_int_equal(found.mistakes, 0);
	assert_int_equal(oracle_crashes, 0);
	assert_int_equal(found.cut, 0);
}

/* ---- re-use ---- */

static void look_from_there(uint64_t unused)
{
	look();
	sink += unused;
}

static void go_to_other_stack(uint64_t unused)
{
	odd_on_other_stack(look_from_there, 0, (uint64_t)other_stack + sizeof(other_stack));
	sink += unused;
}

static __attribute__((noinline)) void go_there(uint32_t left)
{
	volatile uint8_t *room;

	/* So that rbp is the same each time. */
	odd_fills_all(go_to_other_stack, 0, 0);
	/* What that call has left on the stack stays there. */
	room = __builtin_alloca(1024);
	room[0] = 1;
	if (left > 0)
		go_there(left - 1);
	sink += room[0];
}

/*
 * On the other stack everything is as it was at the last capture, and the frames that were outside
 * of it then are still there, unchanged: only rbx, which the frames inside have saved, tells where
 * the stack goes on.
 */
static void does_not_reuse_what_only_a_saved_register_tells(void **state)
{
	(void)state;
	memset(&found, 0, sizeof(found));
	go_there(100);
	report("another stack");
	assert_int_equal(found.captures, 101);
	assert_int_equal(found.mistakes, 0);
	assert_int_equal(found.cut, 0);
}

/* ---- calls that do not return ---- */

static jmp_buf back;

static void look_and_jump_back(uint64_t unused)
{
	look();
	sink += unused;
	longjmp(back, 1);
}

static void takes_the_rule_of_the_call_not_of_what_follows_it(void **state)
{
	(void)state;
	memset(&found, 0, sizeof(found));
	for (volatile uint64_t i = 0; i < 10; i++)
		if (setjmp(back) == 0)
			odd_ends_in_call(look_and_jump_back, 0, 16 * i);
	report("last instruction");
	assert_int_equal(found.captures, 10);
	assert_int_equal(found.mistakes, 0);
	assert_int_equal(found.cut, 0);
}

/* ---- what libunwind cannot tell ---- */

static struct full_frame reached;

/* Steps to the frame with `sp`, which does not exist twice. */
static bool walk_to(struct caller caller, uint64_t sp)
{
	struct full_walk walk = {0};

	reached = (struct full_frame){.pc = caller.pc, .sp = caller.sp, .bp = caller.bp};
	for (int left = 100; reached.sp != sp; left--)
		if (left == 0 || !full_step(&walk, &reached))
			return false;
	return true;
}

static uint64_t wanted_sp, wanted_bp;
static bool is_reached;

static __attribute__((noinline)) void look_for_frame(uint64_t unused)
{
	struct caller caller = CALLER_HERE();

	is_reached = walk_to(caller, wanted_sp);
	sink += unused;
}

static void look_through_rbx(uint64_t unused)
{
	odd_by_rbx(look_for_frame, unused, 32);
	sink += unused;
}

called *look_inside = look_for_frame;

static void look_through_known_rbp(uint64_t unused)
{
	odd_knows_rbp(look_through_rbx, unused, 64);
	sink += unused;
}

static __attribute__((noinline)) void note_own_frame(void)
{
	struct caller caller = CALLER_HERE();

	wanted_sp = caller.sp;
}

/* The frame of this function, through `inner`. */
static __attribute__((noinline)) bool is_found_through(odd_frame *frame, called *inner)
{
	is_reached = false;
	note_own_frame();
	wanted_bp = (uint64_t)__builtin_frame_address(0);
	frame(inner, 0, 48);
	return is_reached && reached.bp == wanted_bp;
}

/* DW_CFA_val_offset: "the value is the CFA + n". libunwind 1.6.2 takes it for "unchanged". */
static void follows_values_that_are_known_offsets(void **state)
{
	(void)state;
	assert_true(is_found_through(odd_knows_rbp, look_for_frame));
	assert_true(is_found_through(odd_by_r12, look_through_known_rbp));
	assert_true(is_found_through(odd_knows_rbp, look_through_known_rbp));
}

/* Not even when the register happens to be the right one. */
static void does_not_follow_what_a_frame_has_lost(void **state)
{
	(void)state;
	assert_false(is_found_through(odd_by_rbx, odd_loses_rbx_and_looks));
	assert_true(is_found_through(odd_by_r12, odd_loses_rbx_and_looks));
	assert_false(is_found_through(odd_by_volatile, look_for_frame));
	assert_false(is_found_through(odd_by_volatile, look_through_rbx));
}

/* ---- room ---- */

static uint64_t captured_at, capture_count;

static __attribute__((noinline)) void capture_only(uint64_t unused)
{
	struct caller caller = CALLER_HERE();

	captured_at = caller.sp;
	stack_capture(trace, caller, DEPTH_MAX);
	capture_count = trace->is_cut ? 0 : trace->count;
	sink += unused;
}

static void capture_by_memory(uint64_t unused)
{
	odd_by_memory(capture_only, unused, 32);
	sink += unused;
}

/* A signal handler or a thread may have little room: all of malloc is to take 1 KiB of it. */
static void takes_little_stack(void **state)
{
	uint64_t most = 0;

	(void)state;
	trace->count = 0;
	for (int i = 0; i < 3; i++) {
		uint64_t untouched = 0;

		memset(other_stack, 0xa5, sizeof(other_stack));
		odd_on_other_stack(capture_by_memory, 0,
				   (uint64_t)other_stack + sizeof(other_stack));
		while (other_stack[untouched] == 0xa5)
			untouched++;
		assert_true(capture_count > 5);
		if (captured_at - (uint64_t)&other_stack[untouched] > most)
			most = captured_at - (uint64_t)&other_stack[untouched];
	}
	print_message("          %" PRIu64 " bytes\n", most);
	assert_true(most > 100);
#ifdef __OPTIMIZE__
	assert_true(most <= 900);
#endif
}

/* ---- what gcc gets wrong ---- */

static uint64_t instructions, reached_from;

static void look_for_frame_from_instruction(int number, siginfo_t *info, void *interrupted)
{
	struct caller caller = CALLER_HERE();
	ucontext_t *context = interrupted;
	uint64_t pc = (uint64_t)context->uc_mcontext.gregs[REG_RIP];

	(void)number;
	(void)info;
	if (!is_stepping)
		context->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
	if (!is_stepping || pc < (uint64_t)odd_is_over_aligned ||
	    pc >= (uint64_t)odd_is_over_aligned_and_looks)
		return;
	instructions++;
	reached_from += walk_to(caller, wanted_sp) && reached.bp == wanted_bp;
}

static void inside_of_over_aligned(uint64_t unused)
{
	sink += unused;
}

/*
 * The last two instructions have all registers restored, and are described as if they had not.
 * libunwind takes the caller's rbp for this frame's there.
 */
static void follows_over_aligned_frames_to_their_last_instruction(void **state)
{
	(void)state;
	use_stepping();
	sigaction(SIGTRAP,
		  &(struct sigaction){.sa_sigaction = look_for_frame_from_instruction,
				      .sa_flags = SA_SIGINFO | SA_ONSTACK},
		  NULL);
	look_inside = inside_of_over_aligned;
	instructions = reached_from = 0;
	note_own_frame();
	wanted_bp = (uint64_t)__builtin_frame_address(0);
	start_stepping(1);
	odd_by_rbx(odd_is_over_aligned_and_looks, 0, 48);
	stop_stepping();
	look_inside = look_for_frame;
	assert_int_equal(instructions, 16);
	assert_int_equal(reached_from, 16);
}

static int start(void **state)
{
	(void)state;
	source = lib_random_start();
	lib_life_start();
	trace = calloc(1, sizeof(*trace));
	unw_set_caching_policy(unw_local_addr_space, UNW_CACHE_PER_THREAD);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_every_frame_and_register_of_random_nestings),
		cmocka_unit_test(finds_every_frame_from_every_instruction),
		cmocka_unit_test(finds_every_frame_of_lazy_binding),
		cmocka_unit_test(finds_every_frame_of_openssl),
		cmocka_unit_test(does_not_reuse_what_only_a_saved_register_tells),
		cmocka_unit_test(takes_the_rule_of_the_call_not_of_what_follows_it),
		cmocka_unit_test(follows_values_that_are_known_offsets),
		cmocka_unit_test(does_not_follow_what_a_frame_has_lost),
		cmocka_unit_test(takes_little_stack),
		cmocka_unit_test(follows_over_aligned_frames_to_their_last_instruction),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
