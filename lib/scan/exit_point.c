/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exit_point: what still counts of a thread that has called exit.
 *
 * The last scan is made while the thread waits in a handler, in frames of ours that lie on those of exit, which
 * lie where those of main were a moment ago. Between what they have written stand main's variables,
 * and hold what main has lost. None of it is the program's any more: what counts is the stack of exit's
 * caller, and the registers that a call keeps, as unwinding gives them back.
 *
 *   Runs in   the target, in a handler that exit calls
 *   Locks     none
 *   Memory    the caller's; ~700 bytes of stack
 *   Calls     see record/full_step.c
 *   Failure   false: then all of the stack counts, also what is stale
 */
#include "lib/scan/exit_point.h"

#include <asm/prctl.h>

#include "lib/base/syscalls.h"
#include "lib/record/full_step.h"

#include "lib/base/poison.h"

/* The order of struct waiting_thread. */
static const uint8_t kept[] = {CFI_RBX, CFI_RBP, CFI_R12, CFI_R13, CFI_R14, CFI_R15};

bool exit_point_find(const uint64_t *frame, uintptr_t exit_addr, struct waiting_thread *point)
{
	struct full_walk walk = {.from_sp = 0};
	struct full_frame at = {.pc = frame[1], .sp = (uint64_t)(frame + 2), .bp = frame[0]};

	*point = (struct waiting_thread){.tid = 0};
	/* From the function of libc that calls handlers to exit, and from there to its caller. */
	if (!full_step(&walk, &at) || !full_step(&walk, &at) || walk.room.entry.start != exit_addr)
		return false;
	for (uint32_t i = 0; i < sizeof(kept); i++) {
		if (!cfi_registers_know(&walk.registers, kept[i]))
			return false;
		point->words[i] = walk.registers.values[kept[i]];
	}
	point->sp = at.sp;
	sys_call(SYS_arch_prctl, ARCH_GET_FS, &point->fs_base);
	point->has_called_exit = true;
	point->tid = sys_tid();
	return true;
}
