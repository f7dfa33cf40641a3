/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_lock: all memory of the process locked but ours, as mlockall does it without us.
 *
 * Our tables are reserved for all that may come, and sparse. Locked they would be there as a whole: 40
 * MiB from the start and a quarter of the heap behind it, and a limit that the program keeps would be
 * passed. So all is locked as far as it is touched (which makes nothing), ours is unlocked again, and
 * then each mapping of the program is locked as it wishes.
 *
 *   Runs in   the target, inside mlockall
 *   Locks     LOCK_SNAPSHOT, for process_mappings
 *   Memory    4 KiB of stack
 *   Calls     mlockall, mlock2, prlimit64; what region and process_mappings call
 *   Failure   as mlockall; where /proc is missing pages come when they are touched, and stay then
 */
#include "lib/snapshot/memory_lock.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "lib/base/region.h"
#include "lib/base/syscalls.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/process_mappings.h"
#include "lib/snapshot/snapshot_writer.h"

#include "lib/base/poison.h"

/* Neighbours of ours that are ours too are one mapping to the kernel. */
static bool is_ours(uint64_t addr)
{
	uintptr_t start;
	size_t bytes;

	for (size_t i = 0; region_at(i, &start, &bytes); i++)
		if (addr >= start && addr - start < bytes)
			return true;
	return false;
}

/* What cannot be locked mlockall passes over, too. */
static bool lock_others(const struct process_mapping *mapping, void *flags)
{
	if (!is_ours(mapping->start))
		sys_call(SYS_mlock2, mapping->start, mapping->end - mapping->start,
			 (*(int *)flags & MCL_ONFAULT) != 0 ? MLOCK_ONFAULT : 0);
	return true;
}

/* Whether it is our own memory that is too much for the limit. */
static bool fits_without_us(void)
{
	struct rlimit limit;

	return sys_call(SYS_prlimit64, 0, RLIMIT_MEMLOCK, 0, &limit) == 0 &&
	       process_memory_read().vm_bytes <= limit.rlim_cur + region_mapped_bytes();
}

static int lock_what_exists(int flags)
{
	int error = (int)sys_call(SYS_mlockall, flags | MCL_ONFAULT);

	if (error == -ENOMEM && fits_without_us())
		error = 0;
	if (error != 0)
		return error;
	region_unlock_all();
	if (snapshot_writer_hold()) {
		process_mappings_walk("/proc/self/maps", lock_others, &flags);
		snapshot_writer_let_go();
	}
	return 0;
}

int memory_lock_all(int flags)
{
	static _Atomic(bool) is_future_locked;
	int error = 0;

	/* Before Linux 4.4 there is no MCL_ONFAULT, and what is no flag at all is the kernel's to refuse. */
	if ((flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) != 0 ||
	    (flags & (MCL_CURRENT | MCL_FUTURE)) == 0)
		return (int)sys_call(SYS_mlockall, flags);
	/* Before it is so; a call that fails changes nothing. */
	region_expect_locking((flags & MCL_FUTURE) != 0);
	if ((flags & MCL_CURRENT) != 0)
		error = lock_what_exists(flags);
	if (error == 0 && (flags & MCL_FUTURE) != 0)
		error = (int)sys_call(SYS_mlockall, flags & ~MCL_CURRENT);
	if (error == 0)
		atomic_store(&is_future_locked, (flags & MCL_FUTURE) != 0);
	else
		region_expect_locking(atomic_load(&is_future_locked));
	return error;
}
