/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw_task: a thread or process made by the system call alone, on a stack of its own.
 *
 *   Runs in   the target; the helper
 *   Locks     none
 *   Memory    the stack that the caller has made
 *   Calls     clone; exit, when `entry` returns
 *   Failure   a negative errno value
 */
#include "lib/base/raw_task.h"

#include <errno.h>

#include "lib/base/syscalls.h"

#include "lib/base/poison.h"

long raw_task_start(unsigned long flags, void *stack_end, void (*entry)(void))
{
	long result;

#if defined(__x86_64__)
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "call *%[entry]\n\t"
			 "mov %[end], %%eax\n\t"
			 "xor %%edi, %%edi\n\t"
			 "syscall\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(result)
			 : "a"(SYS_clone), "D"(flags), "S"(stack_end), "d"(0L), "r"(r10),
			   "r"(r8), [entry] "r"(entry), [end] "i"(SYS_exit)
			 : "rcx", "r11", "memory");
#else
	result = -ENOSYS;
	(void)flags;
	(void)stack_end;
	(void)entry;
#endif
	return result;
}
