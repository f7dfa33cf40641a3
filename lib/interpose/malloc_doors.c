/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malloc_doors: malloc and its family.
 *
 * A door calls the real function and tells the recorder, in the order that recorder.h gives. What
 * it returns, and errno, are the real function's.
 *
 *   Runs in   the target, in every thread, before constructors and after destructors
 *   Locks     none of its own
 *   Memory    none of its own
 *   Calls     the real functions; the recorder
 *   Failure   as the real functions
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "lib/interpose/bootstrap_heap.h"
#include "lib/interpose/doors.h"
#include "lib/interpose/real_functions.h"
#include "lib/record/recorder.h"

/* Without headers that would declare them with attributes which gcc then believes. */
DOOR void *malloc(size_t bytes);
DOOR void *calloc(size_t count, size_t bytes);
DOOR void *realloc(void *ptr, size_t bytes);
DOOR void *reallocarray(void *ptr, size_t count, size_t bytes);
DOOR void free(void *ptr);
DOOR void cfree(void *ptr);
DOOR void *memalign(size_t alignment, size_t bytes);
DOOR void *aligned_alloc(size_t alignment, size_t bytes);
DOOR int posix_memalign(void **ptr, size_t alignment, size_t bytes);
DOOR void *valloc(size_t bytes);
DOOR void *pvalloc(size_t bytes);
DOOR void free_sized(void *ptr, size_t bytes);
DOOR void free_aligned_sized(void *ptr, size_t alignment, size_t bytes);

static inline void *note(void *ptr, size_t bytes, enum block_kind kind, struct caller caller)
{
	if (__builtin_expect(ptr != NULL && !bootstrap_heap_owns(ptr), 1))
		recorder_add(ptr, bytes, kind, caller);
	return ptr;
}

void *malloc(size_t bytes)
{
	struct caller caller = CALLER_HERE();

	return note(real.malloc(bytes), bytes, BLOCK_MALLOC, caller);
}

void *calloc(size_t count, size_t bytes)
{
	struct caller caller = CALLER_HERE();
	void *ptr = real.calloc(count, bytes);

	/* The product did not overflow, or there would be no block. */
	return note(ptr, count * bytes, BLOCK_MALLOC, caller);
}

/* A pointer that was not recorded. True when there is nothing left to do. */
static __attribute__((noinline)) bool free_unknown_slow(void *ptr)
{
	if (bootstrap_heap_owns(ptr))
		return true;
	/* An operator delete has already told the recorder. */
	if (recorder_was_expected(ptr))
		recorder_expect_free(NULL);
	else
		recorder_count_unknown_free();
	return false;
}

void free(void *ptr)
{
	if (__builtin_expect(ptr != NULL && !recorder_remove(ptr), 0) && free_unknown_slow(ptr))
		return;
	real.free(ptr);
}

static void *reallocate(void *ptr, size_t bytes, struct caller caller)
{
	struct live_block old;
	bool was_known;
	void *result;

	if (ptr == NULL)
		return note(real.realloc(NULL, bytes), bytes, BLOCK_MALLOC, caller);
	if (bootstrap_heap_owns(ptr)) {
		size_t old_bytes = bootstrap_heap_bytes_at(ptr);

		result = note(real.malloc(bytes), bytes, BLOCK_MALLOC, caller);
		if (result != NULL)
			memcpy(result, ptr, old_bytes < bytes ? old_bytes : bytes);
		return result;
	}
	was_known = recorder_take(ptr, &old);
	result = real.realloc(ptr, bytes);
	if (result == NULL && bytes != 0) {
		/* It failed: the old block is still there. */
		if (was_known)
			recorder_put_back(ptr, &old);
		return NULL;
	}
	if (was_known)
		recorder_taken_is_freed(&old);
	else
		recorder_count_unknown_free();
	/* glibc frees on realloc(ptr, 0) and returns null; others return a small block. */
	return note(result, bytes, BLOCK_MALLOC, caller);
}

void *realloc(void *ptr, size_t bytes)
{
	struct caller caller = CALLER_HERE();

	return reallocate(ptr, bytes, caller);
}

void *reallocarray(void *ptr, size_t count, size_t bytes)
{
	struct caller caller = CALLER_HERE();
	size_t total;

	if (__builtin_mul_overflow(count, bytes, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	return reallocate(ptr, total, caller);
}

void cfree(void *ptr)
{
	free(ptr);
}

/* glibc has no such functions yet; C23 says that they behave as free. */
void free_sized(void *ptr, size_t bytes)
{
	(void)bytes;
	free(ptr);
}

void free_aligned_sized(void *ptr, size_t alignment, size_t bytes)
{
	(void)alignment;
	(void)bytes;
	free(ptr);
}

void *memalign(size_t alignment, size_t bytes)
{
	struct caller caller = CALLER_HERE();

	if (real.memalign == NULL && !real_functions_find())
		return NULL;
	return note(real.memalign(alignment, bytes), bytes, BLOCK_ALIGNED, caller);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
	struct caller caller = CALLER_HERE();

	if (real.aligned_alloc == NULL && !real_functions_find())
		return NULL;
	return note(real.aligned_alloc(alignment, bytes), bytes, BLOCK_ALIGNED, caller);
}

int posix_memalign(void **ptr, size_t alignment, size_t bytes)
{
	struct caller caller = CALLER_HERE();
	int result;

	if (real.posix_memalign == NULL && !real_functions_find())
		return ENOMEM;
	result = real.posix_memalign(ptr, alignment, bytes);
	if (result == 0)
		note(*ptr, bytes, BLOCK_ALIGNED, caller);
	return result;
}

void *valloc(size_t bytes)
{
	struct caller caller = CALLER_HERE();

	if (real.valloc == NULL && !real_functions_find())
		return NULL;
	return note(real.valloc(bytes), bytes, BLOCK_ALIGNED, caller);
}

void *pvalloc(size_t bytes)
{
	struct caller caller = CALLER_HERE();

	if (real.pvalloc == NULL && !real_functions_find())
		return NULL;
	return note(real.pvalloc(bytes), bytes, BLOCK_ALIGNED, caller);
}
