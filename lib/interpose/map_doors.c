/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_doors: mmap and its relatives, as sites of their own kind with --track=mmap.
 *
 * Only what the program itself calls: the mappings inside libc (arenas of malloc, thread stacks) do
 * not come through here, so nothing is counted twice.
 *
 *   Runs in   the target, in every thread
 *   Locks     none of its own
 *   Memory    none of its own
 *   Calls     the real functions; the recorder
 *   Failure   as the real functions
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/options.h"
#include "lib/interpose/doors.h"
#include "lib/interpose/real_functions.h"
#include "lib/record/own_breaks.h"
#include "lib/record/recorder.h"
#include "seep/snapshot_format.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4 /* Linux 5.7 */
#endif

#define PAGE_ROUND(bytes) (((bytes) + 4095u) & ~(size_t)4095u)

DOOR void *mmap(void *start, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	struct caller caller = CALLER_HERE();
	void *result;

	if (real.mmap == NULL)
		real_functions_find();
	result = real.mmap(start, bytes, protection, flags, fd, offset);
	if (options.tracks_mmap && result != MAP_FAILED)
		recorder_add_mapping(result, PAGE_ROUND(bytes), SEEP_PC_MMAP, caller);
	return result;
}

#undef mmap64
DOOR void *mmap64(void *start, size_t bytes, int protection, int flags, int fd, off64_t offset)
	__attribute__((alias("mmap")));

DOOR int munmap(void *start, size_t bytes)
{
	if (real.munmap == NULL)
		real_functions_find();
	/* Forget first: another thread may be given the addresses at once. A failing munmap of a
	 * good range does not happen; one of a bad range had nothing recorded. */
	if (options.tracks_mmap && (uintptr_t)start % 4096 == 0 && bytes != 0)
		recorder_remove_mapping(start, PAGE_ROUND(bytes));
	return real.munmap(start, bytes);
}

DOOR void *mremap(void *start, size_t old_bytes, size_t bytes, int flags, ...)
{
	struct caller caller = CALLER_HERE();
	void *wanted = NULL, *result;
	va_list arguments;
	bool is_left; /* the old mapping stays where it is */

	if (real.mremap == NULL)
		real_functions_find();
	if (flags & MREMAP_FIXED) {
		va_start(arguments, flags);
		wanted = va_arg(arguments, void *);
		va_end(arguments);
	}
	if (!options.tracks_mmap)
		return real.mremap(start, old_bytes, bytes, flags, wanted);
	/* Forget first, as munmap does: the old place may be another thread's at once. */
	is_left = old_bytes == 0 || (flags & MREMAP_DONTUNMAP) != 0;
	if (!is_left)
		recorder_remove_mapping(start, PAGE_ROUND(old_bytes));
	result = real.mremap(start, old_bytes, bytes, flags, wanted);
	if (result != MAP_FAILED)
		recorder_add_mapping(result, PAGE_ROUND(bytes), SEEP_PC_MMAP, caller);
	else if (!is_left)
		recorder_add_mapping(start, PAGE_ROUND(old_bytes), SEEP_PC_MMAP, caller);
	return result;
}

static void note_break(char *before, char *after, struct caller caller)
{
	own_breaks_note((uint64_t)before, (uint64_t)after);
	if (!options.tracks_mmap)
		return;
	if (after > before)
		recorder_add_mapping(before, (size_t)(after - before), SEEP_PC_BRK, caller);
	else if (after < before)
		recorder_remove_mapping(after, (size_t)(before - after));
}

DOOR int brk(void *end)
{
	struct caller caller = CALLER_HERE();
	char *before;
	int result;

	if (real.brk == NULL)
		real_functions_find();
	before = real.sbrk(0);
	result = real.brk(end);
	if (result == 0)
		note_break(before, end, caller);
	return result;
}

DOOR void *sbrk(intptr_t increment)
{
	struct caller caller = CALLER_HERE();
	char *before;

	if (real.sbrk == NULL)
		real_functions_find();
	before = real.sbrk(increment);
	if (before != (void *)-1)
		note_break(before, before + increment, caller);
	return before;
}
