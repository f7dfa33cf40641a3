/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jump_doors: longjmp and its names, by which a signal handler may leave what it has interrupted for good.
 *
 * Where that is the library, in the middle of an allocation, nobody would take the mark away that the
 * thread is inside, nor give back what it holds. A handler that throws, or sets a context, is not seen
 * here: its thread's stacks are not known from then on.
 *
 *   Runs in   the target, in every thread and in signal handlers
 *   Locks     none
 *   Memory    none
 *   Calls     the real functions
 *   Failure   as the real functions
 */
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/interpose/doors.h"
#include "lib/interpose/real_functions.h"
#include "lib/record/recorder.h"

#include "lib/base/poison.h"

/* The stack pointer in a buffer of glibc's, which mixes it with a secret of the thread:
 * sysdeps/x86_64/__longjmp.S and sysdeps/unix/sysv/linux/x86_64/pointer_guard.h. 0: not known. */
static uint64_t sp_in(const struct __jmp_buf_tag *buffer)
{
#if defined(__x86_64__)
	uint64_t sp = (uint64_t)buffer->__jmpbuf[6];

	__asm__("ror $0x11, %0\n\txor %%fs:0x30, %0" : "+r"(sp));
	return sp;
#else
	(void)buffer;
	return 0;
#endif
}

#define JUMP_DOOR(name)                                                                            \
	DOOR __attribute__((noreturn)) void name(struct __jmp_buf_tag buffer[1], int value);       \
	void name(struct __jmp_buf_tag buffer[1], int value)                                       \
	{                                                                                          \
		if (real.name == NULL)                                                             \
			real_functions_find();                                                     \
		recorder_leave(sp_in(buffer));                                                     \
		real.name(buffer, value);                                                          \
		__builtin_unreachable();                                                           \
	}

JUMP_DOOR(longjmp)
JUMP_DOOR(_longjmp)
JUMP_DOOR(siglongjmp)
JUMP_DOOR(__longjmp_chk)
