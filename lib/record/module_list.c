/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module_list: every object that is or was loaded, and which addresses have changed hands.
 *
 * dlopen is not replaced: it looks at its caller's run path, which would then be ours. Instead the
 * list is brought up to date when the library starts, when a stack has a frame in code that no
 * known module covers (call_tree), around dlclose, where the order matters, and when the dynamic linker
 * gives back what it has kept of a module.
 *
 *   Runs in   the target: start, new stacks, dlclose; read by the helper without a lock
 *   Locks     LOCK_MODULES, only tried: a stack that does not get it works out what the list will say; a
 *             dlclose that does not get it for a second leaves the list uncertain until the next one.
 *             Not taken for a fork: what a thread was adding at that instant is not yet in the count
 *   Memory    region
 *   Calls     _dl_find_object; at start and around dlclose sched_yield, nanosleep and dl_iterate_phdr
 *             (takes a lock of the dynamic linker)
 *   Failure   an unknown module: its frames stay plain addresses
 */
#include "lib/record/module_list.h"

#include <link.h>

#include "lib/base/invariant.h"
#include "lib/base/lock.h"
#include "lib/base/region.h"
#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/record/epoch.h"
#include "lib/record/linked_object.h"
#include "lib/record/sampler.h"
#include "lib/record/unwind_rules.h"

#include "lib/base/poison.h"

#define MODULES_PER_CHUNK 256u
#define CHUNKS 256u
#define MODULES_MAX (CHUNKS * MODULES_PER_CHUNK)
#define TEXT_CHUNK_BYTES (64u << 10)

_Static_assert(MODULES_MAX <= MODULE_LIST_NO_MODULE, "each generation of a module is below");

static struct loaded_module *chunks[CHUNKS];
static _Atomic(uint32_t) module_count;
static struct lock modules_lock;
static _Atomic(uint32_t) version;
static unsigned long long known_adds, known_subs;
static char *texts;
static size_t texts_left;

_Atomic(uint32_t) module_list_unloads;
_Atomic(uint64_t) module_list_link_maps[(1u << MODULE_LIST_LINK_MAP_BITS) / 64];

uint32_t module_list_count(void)
{
	return atomic_load_explicit(&module_count, memory_order_acquire);
}

uint32_t module_list_version(void)
{
	return atomic_load_explicit(&version, memory_order_acquire);
}

static struct loaded_module *module_at(uint32_t index)
{
	return &chunks[index / MODULES_PER_CHUNK][index % MODULES_PER_CHUNK];
}

const struct loaded_module *module_list_at(uint32_t index)
{
	return module_at(index);
}

static bool covers(uint32_t index, uint64_t pc)
{
	const struct loaded_module *module = module_at(index);

	return pc >= module->start && pc < module->end &&
	       atomic_load_explicit(&module->unloaded_epoch, memory_order_relaxed) == 0;
}

/* Where the module of a page of code was found the last time, each page where its number leads. */
#define HINTS 256u
#define PAGE_BITS 12
static _Atomic(uint16_t) hints[HINTS];

_Static_assert(MODULES_MAX <= UINT16_MAX + 1u, "a hint is an index");

/* The one that covers the address, if it is known. */
static const struct loaded_module *find_loaded(uint64_t pc)
{
	_Atomic(uint16_t) *hint = &hints[(pc >> PAGE_BITS) % HINTS];
	uint32_t count = module_list_count();
	uint32_t last = atomic_load_explicit(hint, memory_order_relaxed);

	if (last < count && covers(last, pc))
		return module_at(last);
	for (uint32_t i = count; i-- > 0;)
		if (covers(i, pc)) {
			atomic_store_explicit(hint, (uint16_t)i, memory_order_relaxed);
			return module_at(i);
		}
	return NULL;
}

bool module_list_knows(uint64_t pc)
{
	return find_loaded(pc) != NULL;
}

static _Atomic(uint32_t) closing;  /* dlcloses at work or not looked at */
static _Atomic(uint32_t) finished; /* those of them that have returned */
static _Atomic(bool) is_unsure;	   /* one of those may have unloaded what was not in the list */

/* The number of unloads becomes `by` more, and the mark of dlcloses that are at work is set or taken
 * away. Who begins a dlclose has counted it before he comes here. Each call makes it another number: who
 * has just seen that no dlclose is at work, and is about to say so, has to look again. */
static void change_number(uint32_t by)
{
	uint32_t unloads = atomic_load(&module_list_unloads), next;

	do {
		next = (unloads & ~1u) + 2 * by + (atomic_load(&closing) != 0);
		if (next == unloads)
			next += 2;
		if (next >> 1 != unloads >> 1)
			unwind_rules_expire(next);
	} while (!atomic_compare_exchange_weak(&module_list_unloads, &unloads, next));
}

void module_list_count_unload(void)
{
	change_number(1);
}

/* The module has gone. */
static void unload(struct loaded_module *module)
{
	module->unloaded_epoch = epoch_now();
	module_list_count_unload();
}

static void verify_module(uint32_t index)
{
	const struct loaded_module *module = module_at(index);
	uint32_t unloaded = atomic_load(&module->unloaded_epoch);

	INVARIANT(module->start < module->end, module->start, module->end);
	INVARIANT(module->path != NULL, index, module->start);
	INVARIANT(module->loaded_epoch <= epoch_now(), module->loaded_epoch, epoch_now());
	INVARIANT(unloaded == 0 || unloaded >= module->loaded_epoch, unloaded,
		  module->loaded_epoch);
	INVARIANT(unloaded == 0 || atomic_load(&module_list_unloads) > 0, index, unloaded);
	for (uint32_t i = 0; i < index; i++) {
		const struct loaded_module *older = module_at(i);

		if (older->start >= module->end || module->start >= older->end)
			continue;
		INVARIANT(older->generation < module->generation, older->generation, index);
		INVARIANT(unloaded != 0 || atomic_load(&older->unloaded_epoch) != 0, i, index);
	}
}

void module_list_verify(void)
{
	if (!INVARIANTS_ARE_CHECKED || !lock_try(&modules_lock, LOCK_MODULES, sys_tid()))
		return;
	for (uint32_t i = 0; i < module_list_count(); i++)
		verify_module(i);
	lock_give(&modules_lock, LOCK_MODULES);
}

static const char *copy_text(const char *text)
{
	size_t bytes = text_bytes(text) + 1;
	char *copy;

	if (bytes > TEXT_CHUNK_BYTES)
		return "";
	if (bytes > texts_left) {
		texts = region_map(TEXT_CHUNK_BYTES, REGION_KEPT_ON_FORK);
		texts_left = texts == NULL ? 0 : TEXT_CHUNK_BYTES;
		if (texts == NULL)
			return "";
	}
	copy = texts;
	for (size_t i = 0; i < bytes; i++)
		copy[i] = text[i];
	texts += bytes;
	texts_left -= bytes;
	return copy;
}

struct refresh {
	bool is_first;
	bool has_changed;
	uint32_t number; /* of this look */
	uint32_t old_count;
};

/* True when another module lies in the same place, or did later. */
static bool is_overlapped(const struct loaded_module *old, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct loaded_module *other = module_at(i);

		if (other != old && other->start < old->end && old->start < other->end &&
		    (other->unloaded_epoch == 0 || other->generation > old->generation))
			return true;
	}
	return false;
}

/* A plug-in that comes back to where it was is the same module: its stacks are the same stacks. */
static bool is_back(const struct loaded_module *old, const struct loaded_module *module,
		    uint32_t count)
{
	return old->unloaded_epoch != 0 && old->load_bias == module->load_bias &&
	       old->start == module->start && old->end == module->end &&
	       old->dynamic == module->dynamic && linked_object_is_build(old, module) &&
	       text_equal(old->path, module->path) && !is_overlapped(old, count);
}

/* The generation of a module that is not in the list, or not as one that is loaded. Depends on nothing
 * but the module and those that were there, so it is the same before and after somebody adds it. Stores
 * in *back which one it is, if it was there before. */
static uint32_t generation_of(const struct loaded_module *module, uint32_t count,
			      struct loaded_module **back)
{
	uint32_t generation = 0;

	*back = NULL;
	for (uint32_t i = 0; i < count; i++) {
		struct loaded_module *old = module_at(i);

		if (is_back(old, module, count)) {
			*back = old;
			return old->generation;
		}
		if (old->start < module->end && module->start < old->end &&
		    old->generation >= generation)
			generation = old->generation + 1;
	}
	return generation;
}

static void watch(uint64_t link_map)
{
	uint32_t bit = module_list_link_map_bit(link_map);

	atomic_fetch_or(&module_list_link_maps[bit / 64], 1ull << bit % 64);
}

/* Makes sure that its end is noticed. It is in the list: see stop_watching. */
static void watch_module(const struct loaded_module *module)
{
	if (module->link_map == 0)
		return;
	watch(module->link_map);
	if (sampler_is_on)
		sampler_filter_add(module->link_map); /* never taken back: others come there */
}

/* Whether the link map of a module that is loaded has the bit of this address. */
static bool is_wanted(uint64_t addr)
{
	for (uint32_t i = module_list_count(); i-- > 0;)
		if (module_at(i)->unloaded_epoch == 0 &&
		    module_list_link_map_bit(module_at(i)->link_map) ==
			    module_list_link_map_bit(addr))
			return true;
	return false;
}

/* Or each free of what comes to lie there would go through the list. Who has added a module meanwhile
 * either was seen by the second look or sets his bit after it was taken away. */
static void stop_watching(uint64_t link_map)
{
	uint32_t bit = module_list_link_map_bit(link_map);

	if (is_wanted(link_map))
		return;
	atomic_fetch_and(&module_list_link_maps[bit / 64], ~(1ull << bit % 64));
	if (is_wanted(link_map))
		watch(link_map);
}

/* Without the lock, for the dynamic linker's are held: whoever has it does not touch a module that is gone
 * but to say the same of it. */
void module_list_forget_slow(uint64_t link_map)
{
	for (uint32_t i = module_list_count(); i-- > 0;) {
		struct loaded_module *module = module_at(i);

		if (module->link_map != link_map || module->unloaded_epoch != 0)
			continue;
		unload(module);
		atomic_fetch_add_explicit(&version, 1, memory_order_release);
	}
	stop_watching(link_map);
}

static void add_module(const struct dl_phdr_info *info, struct refresh *refresh)
{
	uint32_t index = atomic_load_explicit(&module_count, memory_order_relaxed);
	struct loaded_module *module, *back;

	if (index >= MODULES_MAX)
		return;
	if (index % MODULES_PER_CHUNK == 0 && chunks[index / MODULES_PER_CHUNK] == NULL) {
		chunks[index / MODULES_PER_CHUNK] =
			region_map(MODULES_PER_CHUNK * sizeof(*module), REGION_KEPT_ON_FORK);
		if (chunks[index / MODULES_PER_CHUNK] == NULL)
			return;
	}
	module = module_at(index);
	if (!linked_object_describe(module, info, refresh->is_first))
		return;
	refresh->has_changed = true;
	module->generation = generation_of(module, index, &back);
	if (back != NULL) {
		back->link_map = linked_object_link_map(back);
		back->tls_number = module->tls_number;
		back->is_listed = false;
		back->seen = refresh->number;
		back->unloaded_epoch = 0;
		watch_module(back);
	} else {
		/* Unloaded behind our back: what lies there now is newer. */
		for (uint32_t i = 0; i < index; i++)
			if (module_at(i)->unloaded_epoch == 0 &&
			    module_at(i)->start < module->end && module->start < module_at(i)->end)
				unload(module_at(i));
		module->link_map = linked_object_link_map(module);
		module->path = copy_text(module->path);
		module->loaded_epoch = epoch_now();
		atomic_store(&module_count, index + 1);
		watch_module(module);
		verify_module(index);
	}
	/* What was kept since the last one went was not kept for this one. */
	if (module->generation > 0 || back != NULL)
		module_list_count_unload();
}

/* dl_iterate_phdr goes through one namespace, but modules of others (dlmopen) are met in stacks as well.
 * To be called during its look: then nothing is unmapped, so what the dynamic linker knows is there. */
static void see_other_namespaces(const struct refresh *refresh)
{
	for (uint32_t i = 0; i < refresh->old_count; i++) {
		struct loaded_module *module = module_at(i);
		struct linked_object found;

		if (module->unloaded_epoch == 0 && !module->is_listed &&
		    linked_object_find(module->start, &found) &&
		    linked_object_is(module, &found.info))
			module->seen = refresh->number;
	}
}

static int visit(struct dl_phdr_info *info, size_t bytes, void *context)
{
	struct refresh *refresh = context;

	if (bytes >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof(info->dlpi_subs)) {
		if (refresh->is_first && info->dlpi_adds == known_adds &&
		    info->dlpi_subs == known_subs)
			return 1;
		known_adds = info->dlpi_adds;
		known_subs = info->dlpi_subs;
	}
	if (refresh->is_first)
		see_other_namespaces(refresh);
	for (uint32_t i = 0; i < refresh->old_count; i++) {
		struct loaded_module *module = module_at(i);

		if (module->unloaded_epoch == 0 && linked_object_is(module, info)) {
			module->is_listed = true;
			module->seen = refresh->number;
			if (module->tls_bytes > 0)
				module->tls_number = (uint32_t)info->dlpi_tls_modid;
			refresh->is_first = false;
			return 0;
		}
	}
	add_module(info, refresh);
	refresh->is_first = false;
	return 0;
}

static void refresh_locked(void)
{
	static uint32_t number;
	uint32_t unloads = atomic_load(&module_list_unloads);
	unsigned long long old_subs = known_subs;
	struct refresh refresh = {
		.is_first = true, .number = ++number, .old_count = module_list_count()};

	if (dl_iterate_phdr(visit, &refresh) != 0)
		return;
	for (uint32_t i = 0; i < refresh.old_count; i++) {
		struct loaded_module *module = module_at(i);

		if (module->unloaded_epoch == 0 && module->seen != refresh.number) {
			unload(module);
			refresh.has_changed = true;
		}
	}
	/* What went was not in the list, so nobody knows where it was. */
	if (known_subs != old_subs && atomic_load(&module_list_unloads) >> 1 == unloads >> 1)
		module_list_count_unload();
	if (refresh.has_changed)
		atomic_fetch_add_explicit(&version, 1, memory_order_release);
}

void module_list_refresh(void)
{
	if (!lock_try(&modules_lock, LOCK_MODULES, sys_tid()))
		return;
	refresh_locked();
	lock_give(&modules_lock, LOCK_MODULES);
}

/* Who has the lock has it for a short time, unless the machine is busy elsewhere. Nobody waits for ever:
 * it may be this thread, in a signal handler, or one that waits for a lock of the dynamic linker which
 * this thread has, in a callback of dl_iterate_phdr. */
#define LOCK_YIELDS 100
#define LOCK_SLEEPS 10000
#define LOCK_SLEEP_NS 100000

static bool take_patiently(void)
{
	const struct timespec sleep = {.tv_nsec = LOCK_SLEEP_NS};

	for (uint32_t i = 0; i < LOCK_YIELDS + LOCK_SLEEPS; i++) {
		if (lock_try(&modules_lock, LOCK_MODULES, sys_tid()))
			return true;
		if (i < LOCK_YIELDS)
			sys_call(SYS_sched_yield);
		else
			sys_call(SYS_nanosleep, &sleep, NULL);
	}
	return false;
}

bool module_list_begin_close(void)
{
	bool has_looked = take_patiently();

	/* What is unloaded must be known to be missed. */
	if (has_looked) {
		refresh_locked();
		lock_give(&modules_lock, LOCK_MODULES);
	}
	atomic_fetch_add(&closing, 1);
	change_number(0);
	return has_looked;
}

void module_list_end_close(bool has_looked)
{
	uint32_t count, left;

	if (!has_looked)
		atomic_store(&is_unsure, true);
	atomic_fetch_add(&finished, 1);
	if (!take_patiently())
		return;
	count = atomic_exchange(&finished, 0);
	refresh_locked();
	left = atomic_load(&closing);
	while (!atomic_compare_exchange_weak(&closing, &left, left > count ? left - count : 0))
		;
	change_number(atomic_exchange(&is_unsure, false));
	lock_give(&modules_lock, LOCK_MODULES);
}

/* The one in the list that the object is; null: it is not there, or not as one that is loaded. */
static const struct loaded_module *find_in_list(const struct linked_object *found)
{
	for (uint32_t i = module_list_count(); i-- > 0;)
		if (module_at(i)->unloaded_epoch == 0 &&
		    linked_object_is(module_at(i), &found->info))
			return module_at(i);
	return NULL;
}

static void note_object(const struct linked_object *found)
{
	struct refresh refresh = {.is_first = found->info.dlpi_name == NULL ||
					      found->info.dlpi_name[0] == 0};

	if (!lock_try(&modules_lock, LOCK_MODULES, sys_tid()))
		return;
	if (find_in_list(found) == NULL)
		add_module(&found->info, &refresh);
	if (refresh.has_changed)
		atomic_fetch_add_explicit(&version, 1, memory_order_release);
	lock_give(&modules_lock, LOCK_MODULES);
}

void module_list_note(uint64_t pc)
{
	struct linked_object found;

	if (linked_object_find(pc, &found))
		note_object(&found);
}

static const struct loaded_module *newest_at(uint64_t pc)
{
	for (uint32_t i = module_list_count(); i-- > 0;)
		if (pc >= module_at(i)->start && pc < module_at(i)->end)
			return module_at(i);
	return NULL;
}

/* Of what the dynamic linker has there. While somebody else is at the list it may not be in it yet: then
 * what its generation is going to be is its generation. */
static __attribute__((noinline)) uint32_t generation_by_linker(uint64_t pc)
{
	const struct loaded_module *known;
	struct loaded_module module, *back;
	struct linked_object found;
	uint32_t generation;

	if (!linked_object_find(pc, &found))
		return newest_at(pc) == NULL ? 0 : MODULE_LIST_NO_MODULE;
	note_object(&found);
	known = find_in_list(&found);
	if (known != NULL)
		return known->generation;
	if (!linked_object_describe(&module, &found.info, false))
		return 0;
	generation = generation_of(&module, module_list_count(), &back);
	/* Or has it been added meanwhile, and was in its own way? */
	known = find_in_list(&found);
	return known != NULL ? known->generation : generation;
}

uint32_t module_list_generation_slow(uint64_t pc)
{
	/* In this order: who makes it certain has changed the list before. */
	bool is_certain = module_list_is_certain(atomic_load(&module_list_unloads));
	const struct loaded_module *module = is_certain ? find_loaded(pc) : NULL;

	return module != NULL ? module->generation : generation_by_linker(pc);
}

void module_list_leave(uint32_t tid)
{
	if (lock_is_held_by(&modules_lock, tid))
		lock_give(&modules_lock, LOCK_MODULES);
}

void module_list_postfork_child(void)
{
	lock_reset(&modules_lock, LOCK_MODULES);
	/* Those of other threads are at work in the parent only; one's own may end here, uncounted. */
	atomic_store(&closing, 0);
	atomic_store(&finished, 0);
	if (!module_list_is_certain(atomic_load(&module_list_unloads)))
		change_number(0);
}
