/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own_breaks: what somebody other than libc's malloc has taken from the program break.
 *
 *   Runs in   the target, in sbrk and brk; read in the copy of the process that a scan works in
 *   Locks     none: two threads that move the break at once do not know what they get anyway
 *   Memory    static, 1 KiB
 *   Calls     nothing
 *   Failure   there are too many: the count says so
 */
#include "lib/record/own_breaks.h"

#include <stdatomic.h>

#include "lib/base/poison.h"

static struct {
	_Atomic(uint64_t) start, end;
} parts[OWN_BREAKS_MAX];
static _Atomic(uint32_t) count;

static void add(uint64_t start, uint64_t end)
{
	uint32_t last = atomic_load(&count);

	if (last > 0 && last <= OWN_BREAKS_MAX && atomic_load(&parts[last - 1].end) == start &&
	    atomic_load(&parts[last - 1].start) < start) {
		atomic_store(&parts[last - 1].end, end);
		return;
	}
	if (last < OWN_BREAKS_MAX) {
		atomic_store(&parts[last].start, start);
		atomic_store(&parts[last].end, end);
	}
	if (last <= OWN_BREAKS_MAX)
		atomic_store(&count, last + 1);
}

/* All above has gone. */
static void cut(uint64_t end)
{
	uint32_t number = atomic_load(&count);

	for (uint32_t i = 0; i < number && i < OWN_BREAKS_MAX; i++) {
		if (atomic_load(&parts[i].end) > end)
			atomic_store(&parts[i].end, end);
		if (atomic_load(&parts[i].start) > end)
			atomic_store(&parts[i].start, end);
	}
	while (number > 0 && number <= OWN_BREAKS_MAX &&
	       atomic_load(&parts[number - 1].start) == atomic_load(&parts[number - 1].end))
		number--;
	atomic_store(&count, number);
}

void own_breaks_note(uint64_t before, uint64_t after)
{
	if (after > before)
		add(before, after);
	else if (after < before)
		cut(after);
}

uint32_t own_breaks_count(void)
{
	return atomic_load(&count);
}

void own_breaks_at(uint32_t number, uint64_t *start, uint64_t *end)
{
	*start = atomic_load(&parts[number].start);
	*end = atomic_load(&parts[number].end);
}
