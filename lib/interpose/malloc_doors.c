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
#include "lib/interpose/malloc_doors.h"
#include "lib/interpose/real_functions.h"
#include "lib/record/live_table.h"
#include "lib/record/recorder.h"
#include "lib/record/sampler.h"
#include "lib/record/stray_free.h"

/* In a process that samples malloc and free are a dozen instructions; it is measured when these lie in
 * two lines of the processor's caches. */
#define AT_LINE __attribute__((aligned(64)))

/* Without headers that would declare them with attributes which gcc then believes. */
DOOR AT_LINE void *malloc(size_t bytes);
DOOR void *calloc(size_t count, size_t bytes);
DOOR void *realloc(void *ptr, size_t bytes);
DOOR void *reallocarray(void *ptr, size_t count, size_t bytes);
DOOR AT_LINE void free(void *ptr);
DOOR void cfree(void *ptr);
DOOR void *memalign(size_t alignment, size_t bytes);
DOOR void *aligned_alloc(size_t alignment, size_t bytes);
DOOR int posix_memalign(void **ptr, size_t alignment, size_t bytes);
DOOR void *valloc(size_t bytes);
DOOR void *pvalloc(size_t bytes);
DOOR void free_sized(void *ptr, size_t bytes);
DOOR void free_aligned_sized(void *ptr, size_t alignment, size_t bytes);

/*
 * The doors that every program goes through all the time only choose, and jump on, so that their frame
 * is still the program's call of them: the exact half, or, in a process that samples, the real function
 * itself or the half that asks whether it is this block's turn. Where a compiler makes calls of these jumps
 * (gcc below -O2) stacks begin with the door's frame; whoever shows them leaves out all of libseep's.
 */

static inline void *note_exact(void *ptr, size_t bytes, enum block_kind kind, struct caller caller)
{
	if (__builtin_expect(ptr != NULL && !bootstrap_heap_owns(ptr), 1))
		recorder_add(ptr, bytes, kind, caller);
	return ptr;
}

/* `is_taken` is what sampler_takes_slow has said of the block. */
static void *note_drawn(void *ptr, size_t bytes, enum block_kind kind, bool is_taken,
			struct caller caller)
{
	if (ptr == NULL || bootstrap_heap_owns(ptr))
		return ptr;
	if (is_taken)
		recorder_add_sample(ptr, bytes, kind, caller);
	else if (sampler_here.watcher != 0)
		recorder_pass_block(ptr, bytes);
	return ptr;
}

static inline void *note(void *ptr, size_t bytes, enum block_kind kind, struct caller caller)
{
	if (!sampler_is_on)
		return note_exact(ptr, bytes, kind, caller);
	if (sampler_passes(bytes))
		return ptr;
	return note_drawn(ptr, bytes, kind, sampler_takes_slow(bytes), caller);
}

static __attribute__((noinline)) void *malloc_exact(size_t bytes)
{
	void *ptr = real.malloc(bytes);

	return note_exact(ptr, bytes, BLOCK_MALLOC, CALLER_HERE());
}

static __attribute__((noinline)) void *malloc_drawn_slow(size_t bytes)
{
	bool is_taken = sampler_takes_slow(bytes);
	void *ptr = real.malloc(bytes);

	return note_drawn(ptr, bytes, BLOCK_MALLOC, is_taken, CALLER_HERE());
}

void *malloc(size_t bytes)
{
	if (__builtin_expect(!sampler_is_on, 0))
		return malloc_exact(bytes);
	if (sampler_passes(bytes))
		return real.malloc(bytes);
	return malloc_drawn_slow(bytes);
}

static __attribute__((noinline)) void *calloc_exact(size_t count, size_t bytes)
{
	void *ptr = real.calloc(count, bytes);

	/* The product did not overflow, or there would be no block. */
	return note_exact(ptr, count * bytes, BLOCK_MALLOC, CALLER_HERE());
}

static __attribute__((noinline)) void *calloc_drawn_slow(size_t count, size_t bytes)
{
	bool is_taken = sampler_takes_slow(count * bytes);
	void *ptr = real.calloc(count, bytes);

	return note_drawn(ptr, count * bytes, BLOCK_MALLOC, is_taken, CALLER_HERE());
}

void *calloc(size_t count, size_t bytes)
{
	if (__builtin_expect(!sampler_is_on, 0))
		return calloc_exact(count, bytes);
	if (sampler_passes(count * bytes))
		return real.calloc(count, bytes);
	return calloc_drawn_slow(count, bytes);
}

/* Nobody has allocated it as far as we know; perhaps free ends the program for it. */
static __attribute__((noinline)) void free_unknown_slow(void *ptr)
{
	struct stray_free *stray = recorder_begin_unknown_free(ptr, CALLER_HERE());

	real.free(ptr);
	if (stray != NULL)
		stray_free_end(stray);
}

/* A pointer that was not recorded, or one of which it is asked who frees it: then `removed` is the stack
 * that allocated it, see recorder_remove. */
static __attribute__((noinline)) void free_exact_slow(void *ptr, uint32_t removed)
{
	if (removed != RECORDER_UNKNOWN) {
		recorder_ask_free(removed, CALLER_HERE());
	} else if (bootstrap_heap_owns(ptr)) {
		return;
	} else if (recorder_was_expected(ptr)) {
		/* An operator delete has already told the recorder. */
		recorder_expect_free(NULL);
	} else {
		free_unknown_slow(ptr);
		return;
	}
	real.free(ptr);
}

/* What the filter lets through: a sample, or a block whose address has the hash of one. */
static __attribute__((noinline)) void free_found_slow(void *ptr)
{
	if (bootstrap_heap_owns(ptr))
		return;
	if (ptr != NULL)
		recorder_remove_sample(ptr, CALLER_HERE());
	real.free(ptr);
}

void free(void *ptr)
{
	const uint8_t *filter = sampler_filter_used;

	if (__builtin_expect(filter != NULL, 1)) {
		if (__builtin_expect(filter[sampler_filter_place((uintptr_t)ptr)] != 0, 0))
			free_found_slow(ptr);
		else
			real.free(ptr);
		return;
	}
	if (__builtin_expect(ptr != NULL, 1)) {
		uint32_t removed = recorder_remove(ptr);

		if (__builtin_expect(removed != RECORDER_REMOVED, 0)) {
			free_exact_slow(ptr, removed);
			return;
		}
	}
	real.free(ptr);
}

/* Into the program's own memory, what it got while we were looking for the real functions. */
static void *move_from_bootstrap(void *ptr, size_t bytes, struct caller caller)
{
	size_t old_bytes = bootstrap_heap_bytes_at(ptr);
	void *result = note(real.malloc(bytes), bytes, BLOCK_MALLOC, caller);

	if (result != NULL)
		memcpy(result, ptr, old_bytes < bytes ? old_bytes : bytes);
	return result;
}

static inline void *reallocate_exact(malloc_doors_realloc *real_realloc, void *ptr, size_t bytes,
				     struct caller caller)
{
	struct live_block old;
	bool was_known;
	void *result;

	if (ptr == NULL)
		return note_exact(real_realloc(NULL, bytes), bytes, BLOCK_MALLOC, caller);
	if (bootstrap_heap_owns(ptr))
		return move_from_bootstrap(ptr, bytes, caller);
	was_known = recorder_take(ptr, &old);
	result = real_realloc(ptr, bytes);
	if (result == NULL && bytes != 0) {
		/* It failed: the old block is still there. */
		if (was_known)
			recorder_put_back(ptr, &old);
		return NULL;
	}
	if (!was_known)
		recorder_count_unknown_free();
	else if (result == NULL)
		recorder_taken_is_freed(&old, caller);
	/* glibc frees on realloc(ptr, 0) and returns null; others return a small block. */
	note_exact(result, bytes, BLOCK_MALLOC, caller);
	/* Not before it is in the table: a scan waits for moves to end. */
	if (was_known && result != NULL)
		recorder_taken_is_moved(&old);
	return result;
}

/* The same, where the old block may be a sample, and the new one is drawn like any other. */
static inline void *reallocate_drawn(malloc_doors_realloc *real_realloc, void *ptr, size_t bytes,
				     struct caller caller)
{
	bool was_known = false, is_taken;
	struct live_block old;
	void *result;

	if (bootstrap_heap_owns(ptr))
		return move_from_bootstrap(ptr, bytes, caller);
	is_taken = sampler_takes_slow(bytes);
	if (ptr != NULL && sampler_may_have(ptr))
		was_known = recorder_take(ptr, &old);
	result = real_realloc(ptr, bytes);
	if (result == NULL && bytes != 0) {
		if (was_known)
			recorder_put_back(ptr, &old);
		return NULL;
	}
	if (was_known && result != NULL)
		recorder_taken_sample_is_moved(ptr, &old);
	else if (was_known)
		recorder_taken_sample_is_freed(ptr, &old, caller);
	return note_drawn(result, bytes, BLOCK_MALLOC, is_taken, caller);
}

static __attribute__((noinline)) void *realloc_exact(void *ptr, size_t bytes)
{
	return reallocate_exact(real.realloc, ptr, bytes, CALLER_HERE());
}

static __attribute__((noinline)) void *realloc_drawn_slow(void *ptr, size_t bytes)
{
	return reallocate_drawn(real.realloc, ptr, bytes, CALLER_HERE());
}

void *realloc(void *ptr, size_t bytes)
{
	if (__builtin_expect(!sampler_is_on, 0))
		return realloc_exact(ptr, bytes);
	if (!sampler_may_have(ptr) && sampler_passes(bytes))
		return real.realloc(ptr, bytes);
	return realloc_drawn_slow(ptr, bytes);
}

/*
 * What these are made of may be the program's own and know nothing of the next one's blocks: not every
 * malloc brings them. So they take what everybody gets who says realloc or free, as libc's do, and not what
 * stands in this file, which a compiler might put in their place.
 */
extern void *realloc_of_program(void *ptr, size_t bytes) __asm__("realloc");
extern void free_of_program(void *ptr) __asm__("free");

void *reallocarray(void *ptr, size_t count, size_t bytes)
{
	size_t total;

	if (__builtin_mul_overflow(count, bytes, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc_of_program(ptr, total);
}

/* Since 2.26 libc has it for old programs only, and a library may have a function of its own that is called so. */
void cfree(void *ptr)
{
	typedef void function_of_ptr(void *);
	static _Atomic(uintptr_t) namesake;
	static _Atomic(bool) is_looked_for;

	if (live_table_has((uintptr_t)ptr)) {
		free_of_program(ptr);
		return;
	}
	if (!atomic_load(&is_looked_for)) {
		real_functions_find();
		atomic_store(&namesake, (uintptr_t)real_functions_find_namesake("cfree"));
		atomic_store(&is_looked_for, true);
	}
	if (atomic_load(&namesake) != 0)
		((function_of_ptr *)atomic_load(&namesake))(ptr);
	else
		free_of_program(ptr);
}

/* glibc has no such functions yet; C23 says that they behave as free. */
void free_sized(void *ptr, size_t bytes)
{
	(void)bytes;
	free_of_program(ptr);
}

void free_aligned_sized(void *ptr, size_t alignment, size_t bytes)
{
	(void)alignment;
	(void)bytes;
	free_of_program(ptr);
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

void *malloc_doors_note(void *ptr, size_t bytes, enum block_kind kind, struct caller caller)
{
	return note(ptr, bytes, kind, caller);
}

void malloc_doors_forget(void *ptr, struct caller caller)
{
	uint32_t removed;

	if (sampler_is_on) {
		if (sampler_may_have(ptr))
			recorder_remove_sample(ptr, caller);
		return;
	}
	removed = recorder_remove(ptr);
	if (removed == RECORDER_UNKNOWN)
		recorder_count_unknown_free();
	else if (removed != RECORDER_REMOVED)
		recorder_ask_free(removed, caller);
}

void *malloc_doors_reallocate(malloc_doors_realloc *real_realloc, void *ptr, size_t bytes,
			      struct caller caller)
{
	return sampler_is_on ? reallocate_drawn(real_realloc, ptr, bytes, caller)
			     : reallocate_exact(real_realloc, ptr, bytes, caller);
}
