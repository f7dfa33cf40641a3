/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signal_doors: memory that the program gives to the kernel, for the stacks of its signal handlers.
 *
 * Many keep no pointer to it, and the kernel does not show it in /proc. So we keep one, where a scan
 * finds it like the program's own: in thread-local memory, as long as the thread has that stack, and in
 * a forked child, too.
 *
 *   Runs in   the target, in every thread and in signal handlers
 *   Locks     none
 *   Memory    a word of thread-local memory
 *   Calls     the real function
 *   Failure   as the real function
 */
#include <signal.h>
#include <stddef.h>

#include "lib/interpose/doors.h"
#include "lib/interpose/real_functions.h"

#include "lib/base/poison.h"

/* Read by scans alone. */
static __thread void *volatile signal_stack __attribute__((tls_model("initial-exec")));

DOOR int sigaltstack(const stack_t *new, stack_t *old)
{
	int result;

	if (real.sigaltstack == NULL)
		real_functions_find();
	result = real.sigaltstack(new, old);
	if (result == 0 && new != NULL)
		signal_stack = (new->ss_flags &SS_DISABLE) != 0 ? NULL : new->ss_sp;
	return result;
}
