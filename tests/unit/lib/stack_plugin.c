/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_plugin: one of several libraries of the same layout, in which the same program counters have
 * other frames.
 *
 * Two functions, one calling the other and that one a callback. Compiled once for each GENERATION, and
 * all their addresses are the same in each; how their frames are made and how large they are is not. Some
 * generations differ from another one only in how much of the same room belongs to which frame, so the
 * callback is called in the same state; and in the place from which the outer function calls, so that
 * what the other one has left on the stack is wrong.
 */

/* How many bytes the outer and the inner frame have, and how. */
#if GENERATION == 1
#define OUTER BY_SP(96)
#define INNER BY_SP(160)
#elif GENERATION == 2
#define OUTER BY_SP(160)
#define INNER BY_SP(96)
#elif GENERATION == 3
#define OUTER BY_BP(96)
#define INNER BY_SP(160)
#elif GENERATION == 4
#define OUTER BY_BP(160)
#define INNER BY_SP(96)
#elif GENERATION == 5
#define OUTER WITHOUT_BP(88)
#define INNER BY_SP(160)
#elif GENERATION == 6
#define OUTER BY_SP(80)
#define INNER WITHOUT_BP(168)
#elif GENERATION == 7
#define OUTER REALIGNED(40)
#define INNER BY_SP(96)
#elif GENERATION == 8
#define OUTER BY_SP(70000)
#define INNER BY_BP(96)
#else
#error "eight generations"
#endif

#if GENERATION % 2 == 0
#define OTHER_PLACE ".skip 16, 0x90\n"
#else
#define OTHER_PLACE ""
#endif

/* The CFA goes by rsp. */
#define BY_SP(bytes)                                                                               \
	"	push %rbx\n.cfi_def_cfa_offset 16\n.cfi_offset rbx, -16\n"                               \
	"	sub $" #bytes ", %rsp\n.cfi_adjust_cfa_offset " #bytes "\n",                       \
		"	add $" #bytes ", %rsp\n.cfi_adjust_cfa_offset -" #bytes "\n"               \
		"	pop %rbx\n.cfi_def_cfa_offset 8\n"
/* It goes by rbp. */
#define BY_BP(bytes)                                                                               \
	"	push %rbp\n.cfi_def_cfa_offset 16\n.cfi_offset rbp, -16\n"                               \
	"	mov %rsp, %rbp\n.cfi_def_cfa_register rbp\n"                                             \
	"	sub $" #bytes ", %rsp\n",                                                          \
		"	leave\n.cfi_def_cfa rsp, 8\n"
/* rbp is saved and holds something else. */
#define WITHOUT_BP(bytes)                                                                          \
	"	push %rbx\n.cfi_def_cfa_offset 16\n.cfi_offset rbx, -16\n"                               \
	"	push %rbp\n.cfi_def_cfa_offset 24\n.cfi_offset rbp, -24\n"                               \
	"	xor %ebp, %ebp\n"                                                                        \
	"	sub $" #bytes ", %rsp\n.cfi_adjust_cfa_offset " #bytes "\n",                       \
		"	add $" #bytes ", %rsp\n.cfi_adjust_cfa_offset -" #bytes "\n"               \
		"	pop %rbp\n.cfi_restore rbp\n.cfi_def_cfa_offset 16\n"                            \
		"	pop %rbx\n.cfi_def_cfa_offset 8\n"
/* The caller's stack pointer is in memory, as gcc does it (DRAP): CFA = *(rbp - 8), rbp at *rbp. */
#define REALIGNED(bytes)                                                                           \
	"	lea 8(%rsp), %r10\n.cfi_def_cfa r10, 0\n"                                                \
	"	and $-64, %rsp\n"                                                                        \
	"	push -8(%r10)\n"                                                                         \
	"	push %rbp\n.cfi_escape 0x10,6,2,0x76,0\n"                                                \
	"	mov %rsp, %rbp\n"                                                                        \
	"	push %r10\n.cfi_escape 0xf,3,0x76,0x78,6\n"                                              \
	"	sub $" #bytes ", %rsp\n",                                                          \
		"	mov -8(%rbp), %r10\n.cfi_def_cfa r10, 0\n"                                       \
		"	leave\n"                                                                         \
		"	lea -8(%r10), %rsp\n.cfi_def_cfa rsp, 8\n"

/* A function whose body begins, and which ends, at the same place whatever its frame is. */
#define FUNCTION(name, frame, entry, body) FUNCTION_OF(name, frame, entry, body)
#define FUNCTION_OF(name, prologue, epilogue, entry, body)                                         \
	__asm__(".text\n"                                                                          \
		".globl " name ", " name "_returns\n"                                              \
		".type " name ", @function\n"                                                      \
		".p2align 6\n" name ":\n"                                                          \
		".cfi_startproc\n" entry prologue ".org " name " + 64, 0x90\n" body name           \
		"_returns:\n" epilogue "	ret\n"                                                    \
		".org " name " + 128, 0x90\n"                                                      \
		".cfi_endproc\n"                                                                   \
		".size " name ", .-" name "\n")

/* plugin_inner(callback, context) */
FUNCTION("plugin_inner", INNER, "",
	 "	mov %rdi, %rax\n	mov %rsi, %rdi\n	call *%rax\n");
/* plugin_outer(callback, context): stores its return address in the first word of the context. */
FUNCTION("plugin_outer", OUTER, "	mov (%rsp), %rax\n	mov %rax, (%rsi)\n",
	 OTHER_PLACE "	call plugin_inner\n");
