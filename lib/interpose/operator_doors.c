/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operator_doors: C++ operators new and delete.
 *
 * Those of the standard libraries end in malloc and free, whose doors record the block: here they are
 * only passed on. Others may (allocators that bring their own operators) or may not (pools), or now
 * this way and now that, so after each call it is seen whether a door of malloc has recorded the
 * block. So a block is recorded once, whichever way it went.
 *
 * The real operator is the next in the search order. In a program that has none there, a plug-in
 * brought its own libstdc++: then it is looked up from the caller's object.
 *
 *   Runs in   the target, in every thread
 *   Locks     none of its own
 *   Memory    static
 *   Calls     dlsym once per operator; dlopen(RTLD_NOLOAD) and dlsym per plug-in after each
 *             unload; the real operators, whose exceptions pass through
 *   Failure   without any real operator: malloc and free
 */
#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/interpose/doors.h"
#include "lib/interpose/real_functions.h"
#include "lib/record/module_list.h"
#include "lib/record/recorder.h"
#include "lib/record/sampler.h"

typedef void *operator_new(size_t bytes, uintptr_t second, uintptr_t third);
typedef void operator_delete(void *ptr, uintptr_t second, uintptr_t third);

/* An operator as one object of a program without a global one reaches it: a plug-in with its own
 * libstdc++. Each such object may have another. Written by one thread at a time, while `sequence` is
 * odd; who reads it meanwhile looks the operator up himself. */
struct plugin_operator {
	_Atomic(uint32_t) sequence;
	_Atomic(uint32_t) unloads;    /* module_list_unloads when it was found: the link map may be
				      another's later */
	_Atomic(const void *) object; /* its link map; null: empty */
	_Atomic(void *) function;
};

#define PLUGINS_MAX 64u
#define PLACES_MAX 8u /* where an object may be */

/* What is known of one operator. */
struct operator_cache {
	const char *name;
	_Atomic(bool) is_searched;
	void *global;		  /* the next in the search order, null in a program without C++ */
	_Atomic(void *) standard; /* the same where it is a standard library's; otherwise null */
	struct plugin_operator plugins[PLUGINS_MAX];
};

static bool is_ours(const void *function)
{
	struct dl_find_object ours, theirs;

	return function != NULL && _dl_find_object((void *)&is_ours, &ours) == 0 &&
	       _dl_find_object((void *)function, &theirs) == 0 &&
	       ours.dlfo_link_map == theirs.dlfo_link_map;
}

static void *find_from(const char *name, const char *path)
{
	void *object = dlopen(path, RTLD_LAZY | RTLD_NOLOAD), *found;

	if (object == NULL)
		return NULL;
	found = dlsym(object, name);
	dlclose(object);
	/* An object that has none of its own may find ours. */
	return is_ours(found) ? NULL : found;
}

static struct plugin_operator *place_of(struct operator_cache *cache, const void *object,
					uint32_t n)
{
	uint64_t hash = ((uint64_t)object >> 4) * 0x9e3779b97f4a7c15ull;

	return &cache->plugins[((hash >> 32) + n) % PLUGINS_MAX];
}

static bool read_plugin(struct plugin_operator *entry, const void *object, uint32_t unloads,
			void **function)
{
	uint32_t before = atomic_load_explicit(&entry->sequence, memory_order_acquire);
	bool is_it = atomic_load_explicit(&entry->object, memory_order_relaxed) == object &&
		     atomic_load_explicit(&entry->unloads, memory_order_relaxed) == unloads;

	*function = atomic_load_explicit(&entry->function, memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	return is_it && before % 2 == 0 &&
	       atomic_load_explicit(&entry->sequence, memory_order_relaxed) == before;
}

/* Takes an empty place, or one that an unload has made worthless, or somebody else's. */
static void remember_plugin(struct operator_cache *cache, const void *object, uint32_t unloads,
			    void *function)
{
	struct plugin_operator *entry = place_of(cache, object, 0);
	uint32_t sequence;

	for (uint32_t n = 0; n < PLACES_MAX; n++) {
		struct plugin_operator *other = place_of(cache, object, n);

		if (atomic_load(&other->object) == NULL ||
		    atomic_load(&other->unloads) != unloads) {
			entry = other;
			break;
		}
	}
	sequence = atomic_load_explicit(&entry->sequence, memory_order_relaxed);
	if (sequence % 2 != 0 ||
	    !atomic_compare_exchange_strong(&entry->sequence, &sequence, sequence + 1))
		return;
	atomic_store(&entry->object, object);
	atomic_store(&entry->unloads, unloads);
	atomic_store(&entry->function, function);
	atomic_store(&entry->sequence, sequence + 2);
}

static void *plugin_operator_slow(struct operator_cache *cache, uint64_t caller_pc)
{
	uint32_t unloads = atomic_load(&module_list_unloads);
	struct dl_find_object object;
	void *function;

	if (_dl_find_object((void *)caller_pc, &object) != 0)
		return NULL;
	for (uint32_t n = 0; n < PLACES_MAX; n++)
		if (read_plugin(place_of(cache, object.dlfo_link_map, n), object.dlfo_link_map,
				unloads, &function))
			return function;
	function = find_from(cache->name, object.dlfo_link_map->l_name);
	remember_plugin(cache, object.dlfo_link_map, unloads, function);
	return function;
}

/* True for a function of libstdc++ (gcc) or libc++ (LLVM). */
static bool is_standard(const void *function)
{
	static const char *const names[] = {"libstdc++.so", "libc++.so", "libc++abi.so"};
	struct dl_find_object object;
	const char *name;

	if (function == NULL || _dl_find_object((void *)function, &object) != 0)
		return false;
	name = text_file_name(object.dlfo_link_map->l_name);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(name, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static void search(struct operator_cache *cache)
{
	cache->global = dlsym(RTLD_NEXT, cache->name);
	atomic_store(&cache->standard, is_standard(cache->global) ? cache->global : NULL);
	atomic_store_explicit(&cache->is_searched, true, memory_order_release);
}

static inline void *other_operator(struct operator_cache *cache, uint64_t caller_pc)
{
	return cache->global != NULL ? cache->global : plugin_operator_slow(cache, caller_pc);
}

/* In a process that samples: what is allocated inside is watched, so that the block is drawn once. */
static void *call_new_drawn(operator_new *function, struct caller caller, size_t bytes,
			    uintptr_t second, uintptr_t third)
{
	struct sampler_watch watch = sampler_watch((uintptr_t)__builtin_frame_address(0));
	void *ptr;
	bool is_drawn;

	recorder_expect_add();
	ptr = function != NULL ? function(bytes, second, third) : real.malloc(bytes);
	is_drawn = ptr == NULL || recorder_has_just_added(ptr, bytes);
	sampler_unwatch(watch);
	if (!is_drawn && sampler_takes_slow(bytes))
		recorder_add_sample(ptr, bytes, BLOCK_NEW, caller);
	return ptr;
}

static __attribute__((noinline)) void *call_new_slow(struct operator_cache *cache,
						     struct caller caller, size_t bytes,
						     uintptr_t second, uintptr_t third)
{
	void *function = other_operator(cache, caller.pc), *ptr;

	if (sampler_is_on)
		return call_new_drawn((operator_new *)function, caller, bytes, second, third);
	recorder_expect_add();
	ptr = function != NULL ? ((operator_new *)function)(bytes, second, third)
			       : real.malloc(bytes);
	if (ptr != NULL && !recorder_has_just_added(ptr, bytes))
		recorder_add(ptr, bytes, BLOCK_NEW, caller);
	return ptr;
}

/* Jumped to by the doors, see there: its caller is the program. */
static __attribute__((noinline)) void call_delete_slow(struct operator_cache *cache, void *ptr,
						       uintptr_t second, uintptr_t third)
{
	const struct caller caller = CALLER_HERE();
	void *function = other_operator(cache, caller.pc);
	const void *expected_before = recorder_expect_free(NULL);
	uint32_t removed;

	/* Forget it before anybody else may own the address; a free inside is then expected. */
	if (ptr != NULL && sampler_is_on) {
		if (sampler_may_have(ptr))
			recorder_remove_sample(ptr, caller);
	} else if (ptr != NULL && (removed = recorder_remove(ptr)) != RECORDER_UNKNOWN) {
		if (removed != RECORDER_REMOVED)
			recorder_ask_free(removed, caller);
		recorder_expect_free(ptr);
	}
	if (function != NULL)
		((operator_delete *)function)(ptr, second, third);
	else
		real.free(ptr);
	/* As it was, should this be a signal handler that interrupted another delete. */
	recorder_expect_free(expected_before);
}

/* A standard operator is jumped to, not called: there is no frame of ours between it and the program's,
 * not even the first time. */
#define IS_SEARCHED(cache) atomic_load_explicit(&cache.is_searched, memory_order_acquire)
#define STANDARD(cache) atomic_load_explicit(&cache.standard, memory_order_acquire)

#define NEW_DOOR(number, mangled)                                                                  \
	DOOR void *new_door_##number(size_t, uintptr_t, uintptr_t) __asm__(mangled);               \
	static struct operator_cache new_cache_##number = {.name = mangled};                       \
	static __attribute__((noinline)) void *new_first_##number(size_t bytes, uintptr_t second,  \
								  uintptr_t third)                 \
	{                                                                                          \
		search(&new_cache_##number);                                                       \
		return new_door_##number(bytes, second, third);                                    \
	}                                                                                          \
	void *new_door_##number(size_t bytes, uintptr_t second, uintptr_t third)                   \
	{                                                                                          \
		operator_new *standard = (operator_new *)STANDARD(new_cache_##number);             \
		struct caller caller;                                                              \
		if (__builtin_expect(standard != NULL, 1))                                         \
			return standard(bytes, second, third);                                     \
		if (!IS_SEARCHED(new_cache_##number))                                              \
			return new_first_##number(bytes, second, third);                           \
		caller = CALLER_HERE();                                                            \
		return call_new_slow(&new_cache_##number, caller, bytes, second, third);           \
	}

#define DELETE_DOOR(number, mangled)                                                               \
	DOOR void delete_door_##number(void *, uintptr_t, uintptr_t) __asm__(mangled);             \
	static struct operator_cache delete_cache_##number = {.name = mangled};                    \
	static __attribute__((noinline)) void delete_first_##number(void *ptr, uintptr_t second,   \
								    uintptr_t third)               \
	{                                                                                          \
		search(&delete_cache_##number);                                                    \
		delete_door_##number(ptr, second, third);                                          \
	}                                                                                          \
	void delete_door_##number(void *ptr, uintptr_t second, uintptr_t third)                    \
	{                                                                                          \
		operator_delete *standard = (operator_delete *)STANDARD(delete_cache_##number);    \
		if (__builtin_expect(standard != NULL, 1))                                         \
			standard(ptr, second, third);                                              \
		else if (!IS_SEARCHED(delete_cache_##number))                                      \
			delete_first_##number(ptr, second, third);                                 \
		else                                                                               \
			call_delete_slow(&delete_cache_##number, ptr, second, third);              \
	}

/* The forms differ in their second and third argument (size, alignment, nothrow), which all travel
 * in registers; an argument that a form does not have is passed on and not looked at. */
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
