/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock_doors: mlockall, which is meant for the program's memory and not for ours.
 *
 *   Runs in   the target, in every thread
 *   Locks     none of its own
 *   Memory    none of its own
 *   Calls     life_lock_memory
 *   Failure   as mlockall
 */
#include <errno.h>
#include <sys/mman.h>

#include "lib/base/life.h"
#include "lib/interpose/doors.h"

DOOR int mlockall(int flags)
{
	int error = life_lock_memory(flags);

	if (error == 0)
		return 0;
	errno = -error;
	return -1;
}
