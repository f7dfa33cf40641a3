/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_clock: CLOCK_MONOTONIC, made as good as its name.
 *
 * A process that is restored from a checkpoint has the clock of another machine, or of the same one after a
 * start; and where that is behind, no snapshot would be due for days, and none of them in order. Forward
 * it may jump as it likes, as after a suspend that it counts.
 *
 *   Runs in   whoever takes a snapshot or waits for one to be due
 *   Locks     none
 *   Memory    static
 *   Calls     clock_gettime
 *   Failure   none
 */
#include "lib/base/run_clock.h"

#include <stdatomic.h>
#include <time.h>

#include "lib/base/syscalls.h"

#include "lib/base/poison.h"

/* Who is interrupted between the clock and the comparison is behind, too, but not by so much. */
#define STEP_NS 1000000000u

static _Atomic(uint64_t) newest_ns, lead_ns;

uint64_t run_clock_ns(void)
{
	uint64_t lead = atomic_load(&lead_ns);
	uint64_t now = sys_clock_ns(CLOCK_MONOTONIC) + lead, newest = atomic_load(&newest_ns);

	if (now + STEP_NS < newest) {
		/* Where another thread was first it has found the same. */
		atomic_compare_exchange_strong(&lead_ns, &lead, lead + newest - now);
		return newest;
	}
	if (now > newest)
		atomic_store(&newest_ns, now);
	return now;
}
