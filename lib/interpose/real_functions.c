/* SPDX-License-Identifier: Apache-2.0 */
/*
 * real_functions: the functions behind the doors, as the program would have reached them without
 * us.
 *
 * The next definition in the search order, not libc's: with another preloaded allocator behind us
 * it is that one's. Looking allocates on some systems, so the allocating members first point to
 * stand-ins: they look, and what dlsym asks for meanwhile comes from the bootstrap heap.
 *
 *   Runs in   the target, at the first call of a door, perhaps before any constructor
 *   Locks     none; finding twice finds the same
 *   Memory    static
 *   Calls     dlsym, dlerror, _dl_find_object
 *   Failure   a function that is missing stays null; none of the table is, in glibc
 */
#include "lib/interpose/real_functions.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/syscalls.h"
#include "lib/interpose/bootstrap_heap.h"
#include "lib/record/live_table.h"
#include "lib/record/stray_free.h"

/* The thread that is looking; a tid and no TLS flag: this may run before TLS is worth trusting. gcc
 * knows that dlsym calls nothing of this file and would delete a plain flag around it. */
static _Atomic(uint32_t) finder;
static _Atomic(bool) is_found;

static void *first_malloc(size_t bytes)
{
	return real_functions_find() ? real.malloc(bytes) : bootstrap_heap_take(bytes);
}

static void first_free(void *ptr)
{
	if (!bootstrap_heap_owns(ptr) && real_functions_find())
		real.free(ptr);
}

static void *first_calloc(size_t count, size_t bytes)
{
	size_t total;

	if (real_functions_find())
		return real.calloc(count, bytes);
	if (__builtin_mul_overflow(count, bytes, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	return bootstrap_heap_take(total);
}

static void *first_realloc(void *ptr, size_t bytes)
{
	void *larger;

	if (real_functions_find())
		return real.realloc(ptr, bytes);
	larger = bootstrap_heap_take(bytes);
	if (larger != NULL && ptr != NULL) {
		size_t old_bytes = bootstrap_heap_bytes_at(ptr);

		memcpy(larger, ptr, old_bytes < bytes ? old_bytes : bytes);
	}
	return larger;
}

struct real_functions real = {
	.malloc = first_malloc,
	.free = first_free,
	.calloc = first_calloc,
	.realloc = first_realloc,
};

bool real_functions_are_behind_another(void)
{
	struct dl_find_object first, own;
	void *found = dlsym(RTLD_DEFAULT, "malloc");

	return found != NULL && _dl_find_object(found, &first) == 0 &&
	       _dl_find_object((void *)(uintptr_t)real_functions_find, &own) == 0 &&
	       first.dlfo_link_map != own.dlfo_link_map;
}

static bool are_of_one_object(const void *function, const void *other)
{
	struct dl_find_object its, others;

	return _dl_find_object((void *)function, &its) == 0 &&
	       _dl_find_object((void *)other, &others) == 0 &&
	       its.dlfo_link_map == others.dlfo_link_map;
}

/* Not told by __libc_malloc: tcmalloc and mimalloc define that name, too. */
static bool is_of_libc(const void *function)
{
	return are_of_one_object(function, (const void *)(uintptr_t)on_exit);
}

void *real_functions_find_namesake(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (found == NULL)
		dlerror();
	return found != NULL && !are_of_one_object(found, (const void *)(uintptr_t)real.free)
		       ? found
		       : NULL;
}

/* Private to libc, and perhaps gone one day; then dlsym notes an error, which is nobody's. */
static void find_abort_message(void)
{
	stray_free_abort_message = dlsym(RTLD_NEXT, "__abort_msg");
	if (stray_free_abort_message == NULL)
		dlerror();
}

bool real_functions_find(void)
{
	struct real_functions found;
	uint32_t me = sys_tid();

	if (atomic_load_explicit(&is_found, memory_order_acquire))
		return true;
	if (atomic_load_explicit(&finder, memory_order_relaxed) == me)
		return false;
	/* Two threads before the constructor are next to impossible; both would find the same, the
	 * second one's dlsym would merely allocate from the real malloc. */
	atomic_store(&finder, me);
#define FIND(name, result, parameters) *(void **)&found.name = dlsym(RTLD_NEXT, #name);
	REAL_FUNCTIONS(FIND)
	real = found;
	live_table_has_neighbours = !is_of_libc((const void *)(uintptr_t)found.malloc);
	if (!live_table_has_neighbours)
		find_abort_message();
	atomic_store_explicit(&is_found, true, memory_order_release);
	atomic_store(&finder, 0);
	return true;
}
