/* SPDX-License-Identifier: Apache-2.0 */
/*
 * empty_twin: the doors of libseep.so with nothing behind them.
 *
 * What a program loses to this library it would lose to any that is preloaded: the call through
 * the dynamic linker's table and one more jump. It is the baseline of the benchmarks; the doors for
 * malloc's family and the C++ operators are those of lib/interpose/doors.h, and each only passes on.
 *
 *   Runs in   the target of a benchmark
 *   Locks     none; looking twice finds the same
 *   Memory    static
 *   Calls     dlsym, once per function
 *   Failure   a function that libc does not have is passed to malloc or free
 */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

#define DOOR __attribute__((visibility("default")))

static inline void *find(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

/* A pointer to the real function, which at first points to a stand-in that looks for it. */
#define PASS(result, name, parameters, arguments)                                                  \
	static result find_##name parameters;                                                      \
	static result(*real_##name) parameters = find_##name;                                      \
	static result find_##name parameters                                                       \
	{                                                                                          \
		real_##name = (result(*) parameters)find(#name);                                   \
		return real_##name arguments;                                                      \
	}                                                                                          \
	DOOR result name parameters;                                                               \
	result name parameters                                                                     \
	{                                                                                          \
		return real_##name arguments;                                                      \
	}

PASS(void *, malloc, (size_t bytes), (bytes))
PASS(void *, calloc, (size_t count, size_t bytes), (count, bytes))
PASS(void *, realloc, (void *ptr, size_t bytes), (ptr, bytes))
PASS(void *, reallocarray, (void *ptr, size_t count, size_t bytes), (ptr, count, bytes))
PASS(void, free, (void *ptr), (ptr))
PASS(void *, memalign, (size_t alignment, size_t bytes), (alignment, bytes))
PASS(void *, aligned_alloc, (size_t alignment, size_t bytes), (alignment, bytes))
PASS(int, posix_memalign, (void **ptr, size_t alignment, size_t bytes), (ptr, alignment, bytes))
PASS(void *, valloc, (size_t bytes), (bytes))
PASS(void *, pvalloc, (size_t bytes), (bytes))

/* glibc has none of these. */
DOOR void cfree(void *ptr);
DOOR void free_sized(void *ptr, size_t bytes);
DOOR void free_aligned_sized(void *ptr, size_t alignment, size_t bytes);

void cfree(void *ptr)
{
	free(ptr);
}

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

/* ---- C++: size, alignment and nothrow travel in registers and are passed on unseen ----------- */

typedef void *operator_new(size_t bytes, uintptr_t second, uintptr_t third);
typedef void operator_delete(void *ptr, uintptr_t second, uintptr_t third);

#define NEW_DOOR(number, mangled)                                                                  \
	static operator_new find_new_##number;                                                     \
	static operator_new *real_new_##number = find_new_##number;                                \
	static void *find_new_##number(size_t bytes, uintptr_t second, uintptr_t third)            \
	{                                                                                          \
		operator_new *found = (operator_new *)find(mangled);                               \
		if (found == NULL)                                                                 \
			return malloc(bytes);                                                      \
		real_new_##number = found;                                                         \
		return found(bytes, second, third);                                                \
	}                                                                                          \
	DOOR void *new_door_##number(size_t, uintptr_t, uintptr_t) __asm__(mangled);               \
	void *new_door_##number(size_t bytes, uintptr_t second, uintptr_t third)                   \
	{                                                                                          \
		return real_new_##number(bytes, second, third);                                    \
	}

#define DELETE_DOOR(number, mangled)                                                               \
	static operator_delete find_delete_##number;                                               \
	static operator_delete *real_delete_##number = find_delete_##number;                       \
	static void find_delete_##number(void *ptr, uintptr_t second, uintptr_t third)             \
	{                                                                                          \
		operator_delete *found = (operator_delete *)find(mangled);                         \
		if (found == NULL) {                                                               \
			free(ptr);                                                                 \
			return;                                                                    \
		}                                                                                  \
		real_delete_##number = found;                                                      \
		found(ptr, second, third);                                                         \
	}                                                                                          \
	DOOR void delete_door_##number(void *, uintptr_t, uintptr_t) __asm__(mangled);             \
	void delete_door_##number(void *ptr, uintptr_t second, uintptr_t third)                    \
	{                                                                                          \
		real_delete_##number(ptr, second, third);                                          \
	}

NEW_DOOR(1, "_Znwm")
NEW_DOOR(2, "_Znam")
NEW_DOOR(3, "_ZnwmRKSt9nothrow_t")
NEW_DOOR(4, "_ZnamRKSt9nothrow_t")
NEW_DOOR(5, "_ZnwmSt11align_val_t")
NEW_DOOR(6, "_ZnamSt11align_val_t")
NEW_DOOR(7, "_ZnwmSt11align_val_tRKSt9nothrow_t")
NEW_DOOR(8, "_ZnamSt11align_val_tRKSt9nothrow_t")
DELETE_DOOR(1, "_ZdlPv")
DELETE_DOOR(2, "_ZdaPv")
DELETE_DOOR(3, "_ZdlPvm")
DELETE_DOOR(4, "_ZdaPvm")
DELETE_DOOR(5, "_ZdlPvRKSt9nothrow_t")
DELETE_DOOR(6, "_ZdaPvRKSt9nothrow_t")
DELETE_DOOR(7, "_ZdlPvSt11align_val_t")
DELETE_DOOR(8, "_ZdaPvSt11align_val_t")
DELETE_DOOR(9, "_ZdlPvmSt11align_val_t")
DELETE_DOOR(10, "_ZdaPvmSt11align_val_t")
DELETE_DOOR(11, "_ZdlPvSt11align_val_tRKSt9nothrow_t")
DELETE_DOOR(12, "_ZdaPvSt11align_val_tRKSt9nothrow_t")
