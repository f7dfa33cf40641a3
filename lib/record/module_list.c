/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module_list: every object that is or was loaded, and which addresses have changed hands.
 *
 * dlopen is not replaced: it looks at its caller's run path, which would then be ours. Instead the
 * list is brought up to date when the library starts, when a stack has a frame in code that no
 * known module covers (call_tree), and around dlclose, where the order matters.
 *
 *   Runs in   the target: start, new stacks, dlclose; read by the helper without a lock
 *   Locks     LOCK_MODULES, only tried: a dlclose that does not get it leaves the list uncertain until
 *             the next one. Not taken for a fork: what a thread was adding at that instant is not yet
 *             in the count
 *   Memory    region
 *   Calls     _dl_find_object; sched_yield; dl_iterate_phdr (takes a lock of the dynamic linker) at
 *             start and around dlclose
 *   Failure   an unknown module: its frames stay plain addresses
 */
#include "lib/record/module_list.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <string.h>

#include "lib/base/invariant.h"
#include "lib/base/lock.h"
#include "lib/base/region.h"
#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/record/epoch.h"
#include "lib/record/unwind_rules.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

#define MODULES_PER_CHUNK 256u
#define CHUNKS 256u
#define TEXT_CHUNK_BYTES (64u << 10)
#define FIRST_PAGE_BYTES 4096u

static struct loaded_module *chunks[CHUNKS];
static _Atomic(uint32_t) module_count;
static struct lock modules_lock;
static _Atomic(uint32_t) version;
static unsigned long long known_adds, known_subs;
static char *texts;
static size_t texts_left;

_Atomic(uint32_t) module_list_unloads;
_Atomic(uint64_t) module_list_moved_start = UINT64_MAX, module_list_moved_end;

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

uint32_t module_list_generation_slow(uint64_t pc)
{
	uint32_t count;

	if (!module_list_is_certain(atomic_load(&module_list_unloads)) || !module_list_knows(pc))
		module_list_note(pc);
	count = module_list_count();

	/* The newest module at this address has the highest generation; after an unload without
	 * a successor, it is one more than the last one's. */
	for (uint32_t i = count; i-- > 0;) {
		const struct loaded_module *module = module_at(i);

		if (pc >= module->start && pc < module->end)
			return module->generation +
			       (atomic_load_explicit(&module->unloaded_epoch,
						     memory_order_relaxed) != 0);
	}
	return 0;
}

static bool covers(uint32_t index, uint64_t pc)
{
	const struct loaded_module *module = module_at(index);

	return pc >= module->start && pc < module->end &&
	       atomic_load_explicit(&module->unloaded_epoch, memory_order_relaxed) == 0;
}

bool module_list_knows(uint64_t pc)
{
	static _Atomic(uint32_t) last; /* mostly the same one again */
	uint32_t count = module_list_count();
	uint32_t hint = atomic_load_explicit(&last, memory_order_relaxed);

	if (hint < count && covers(hint, pc))
		return true;
	for (uint32_t i = count; i-- > 0;)
		if (covers(i, pc)) {
			atomic_store_explicit(&last, i, memory_order_relaxed);
			return true;
		}
	return false;
}

static _Atomic(uint32_t) closing;  /* dlcloses at work or not looked at */
static _Atomic(uint32_t) finished; /* those of them that have returned */
static _Atomic(bool) is_unsure;	   /* one of those may have unloaded what was not in the list */

/* The number of unloads becomes `by` more, and the mark of dlcloses that are at work is set or taken
 * away. Who begins a dlclose has counted it before he comes here. */
static void change_number(uint32_t by)
{
	uint32_t unloads = atomic_load(&module_list_unloads), next;

	do {
		next = (unloads & ~1u) + 2 * by + (atomic_load(&closing) != 0);
		if (by != 0)
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
	if (module->start < module_list_moved_start)
		module_list_moved_start = module->start;
	if (module->end > module_list_moved_end)
		module_list_moved_end = module->end;
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
	INVARIANT(unloaded == 0 || (module->start >= atomic_load(&module_list_moved_start) &&
				    module->end <= atomic_load(&module_list_moved_end)),
		  module->start, module->end);
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
	if (!INVARIANTS_ARE_CHECKED || !lock_try(&modules_lock, LOCK_MODULES))
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

static void read_build_id(struct loaded_module *module, const struct dl_phdr_info *info,
			  const ElfW(Phdr) * segment)
{
	const char *note = (const char *)(info->dlpi_addr + segment->p_vaddr);
	const char *end = note + segment->p_memsz;

	while (note + sizeof(ElfW(Nhdr)) <= end) {
		const ElfW(Nhdr) *header = (const ElfW(Nhdr) *)note;
		const char *name = note + sizeof(*header);
		const char *value = name + ((header->n_namesz + 3u) & ~3u);

		note = value + ((header->n_descsz + 3u) & ~3u);
		if (header->n_type != NT_GNU_BUILD_ID || header->n_namesz != 4 || note > end ||
		    !text_equal(name, "GNU") || header->n_descsz > MODULE_BUILD_ID_MAX)
			continue;
		module->build_id_bytes = (uint16_t)header->n_descsz;
		for (uint32_t i = 0; i < header->n_descsz; i++)
			module->build_id[i] = (uint8_t)value[i];
		return;
	}
}

static bool describe(struct loaded_module *module, const struct dl_phdr_info *info, bool is_first)
{
	uintptr_t here = (uintptr_t)&module_list_refresh;
	static char exe[PATH_MAX]; /* protected by the lock */

	*module = (struct loaded_module){.load_bias = info->dlpi_addr, .start = UINT64_MAX};
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uint64_t start = info->dlpi_addr + segment->p_vaddr;

		if (segment->p_type == PT_LOAD && segment->p_memsz > 0) {
			if (start < module->start)
				module->start = start;
			if (start + segment->p_memsz > module->end)
				module->end = start + segment->p_memsz;
		} else if (segment->p_type == PT_DYNAMIC) {
			module->dynamic = start;
		} else if (segment->p_type == PT_NOTE && module->build_id_bytes == 0) {
			read_build_id(module, info, segment);
		}
	}
	if (module->end == 0)
		return false;
	if (here >= module->start && here < module->end)
		module->flags |= SEEP_MODULE_IS_LIBSEEP;
	module->path = info->dlpi_name;
	if (info->dlpi_name == NULL || info->dlpi_name[0] == 0) {
		long bytes;

		if (!is_first)
			return false;
		module->flags |= SEEP_MODULE_IS_EXECUTABLE;
		bytes = sys_call(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", exe, sizeof(exe) - 1);
		exe[bytes > 0 ? bytes : 0] = 0;
		module->path = exe;
	} else if (text_equal(info->dlpi_name, "linux-vdso.so.1")) {
		module->flags |= SEEP_MODULE_IS_VDSO;
	}
	module->path = copy_text(module->path);
	return true;
}

static bool is_same(const struct loaded_module *module, const struct dl_phdr_info *info)
{
	if (module->load_bias != info->dlpi_addr)
		return false;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type == PT_DYNAMIC)
			return module->dynamic == info->dlpi_addr + segment->p_vaddr &&
			       (info->dlpi_name == NULL || info->dlpi_name[0] == 0 ||
				text_equal(module->path, info->dlpi_name));
	}
	return true;
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
static bool is_back(const struct loaded_module *module, uint32_t count, uint32_t number)
{
	for (uint32_t i = 0; i < count; i++) {
		struct loaded_module *old = module_at(i);

		if (old->unloaded_epoch != 0 && old->load_bias == module->load_bias &&
		    old->start == module->start && old->end == module->end &&
		    old->dynamic == module->dynamic && module->build_id_bytes > 0 &&
		    old->build_id_bytes == module->build_id_bytes &&
		    memcmp(old->build_id, module->build_id, module->build_id_bytes) == 0 &&
		    text_equal(old->path, module->path) && !is_overlapped(old, count)) {
			old->unloaded_epoch = 0;
			old->seen = number;
			return true;
		}
	}
	return false;
}

static void add_module(const struct dl_phdr_info *info, struct refresh *refresh)
{
	uint32_t index = atomic_load_explicit(&module_count, memory_order_relaxed);
	struct loaded_module *module;
	uint32_t generation = 0;

	if (index >= CHUNKS * MODULES_PER_CHUNK)
		return;
	if (index % MODULES_PER_CHUNK == 0 && chunks[index / MODULES_PER_CHUNK] == NULL) {
		chunks[index / MODULES_PER_CHUNK] =
			region_map(MODULES_PER_CHUNK * sizeof(*module), REGION_KEPT_ON_FORK);
		if (chunks[index / MODULES_PER_CHUNK] == NULL)
			return;
	}
	module = module_at(index);
	if (!describe(module, info, refresh->is_first))
		return;
	if (is_back(module, index, refresh->number)) {
		refresh->has_changed = true;
		return;
	}
	for (uint32_t i = 0; i < index; i++) {
		struct loaded_module *old = module_at(i);

		if (old->start < module->end && module->start < old->end) {
			/* Unloaded behind our back: what lies there now is newer. */
			if (old->unloaded_epoch == 0)
				unload(old);
			if (old->generation >= generation)
				generation = old->generation + 1;
		}
	}
	module->generation = generation;
	module->loaded_epoch = epoch_now();
	refresh->has_changed = true;
	atomic_store_explicit(&module_count, index + 1, memory_order_release);
	verify_module(index);
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
	for (uint32_t i = 0; i < refresh->old_count; i++) {
		struct loaded_module *module = module_at(i);

		if (module->unloaded_epoch == 0 && is_same(module, info)) {
			module->seen = refresh->number;
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
	if (refresh.has_changed)
		atomic_fetch_add_explicit(&version, 1, memory_order_release);
}

void module_list_refresh(void)
{
	if (!lock_try(&modules_lock, LOCK_MODULES))
		return;
	refresh_locked();
	lock_give(&modules_lock, LOCK_MODULES);
}

/* Who has the lock has it for a short time, unless it is this thread in a signal handler. */
#define LOCK_TRIES 1000

static bool take_patiently(void)
{
	for (uint32_t i = 0; i < LOCK_TRIES; i++) {
		if (lock_try(&modules_lock, LOCK_MODULES))
			return true;
		sys_call(SYS_sched_yield);
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

void module_list_note(uint64_t pc)
{
	struct refresh refresh;
	struct dl_find_object object;
	struct dl_phdr_info info = {0};
	const ElfW(Ehdr) * header;
	ElfW(Phdr) moved[2];

	if (_dl_find_object((void *)pc, &object) != 0)
		return; /* code of no module */
	header = object.dlfo_map_start;
	moved[0] = (ElfW(Phdr)){
		.p_type = PT_LOAD,
		.p_vaddr = (uint64_t)object.dlfo_map_start - object.dlfo_link_map->l_addr,
		.p_memsz = (uint64_t)object.dlfo_map_end - (uint64_t)object.dlfo_map_start};
	moved[1] = (ElfW(Phdr)){.p_type = PT_DYNAMIC,
				.p_vaddr = (uint64_t)object.dlfo_link_map->l_ld -
					   object.dlfo_link_map->l_addr};
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return; /* its first segment is not the file's beginning: left to the next refresh
			 */
	info.dlpi_addr = object.dlfo_link_map->l_addr;
	info.dlpi_name = object.dlfo_link_map->l_name;
	info.dlpi_phdr = (const ElfW(Phdr) *)((const char *)header + header->e_phoff);
	info.dlpi_phnum = header->e_phnum;
	/* Tools that edit objects (patchelf) may move the table to where the file has it and memory
	 * has not. Then the range and the dynamic section are all that is known. */
	if (header->e_phoff > FIRST_PAGE_BYTES ||
	    header->e_phnum > (FIRST_PAGE_BYTES - header->e_phoff) / sizeof(moved[0])) {
		info.dlpi_phdr = moved;
		info.dlpi_phnum = 2;
	}
	if (!lock_try(&modules_lock, LOCK_MODULES))
		return;
	refresh = (struct refresh){.is_first = info.dlpi_name == NULL || info.dlpi_name[0] == 0,
				   .old_count = module_list_count()};
	for (uint32_t i = 0; i < refresh.old_count; i++)
		if (module_at(i)->unloaded_epoch == 0 && is_same(module_at(i), &info))
			goto out;
	add_module(&info, &refresh);
	if (refresh.has_changed)
		atomic_fetch_add_explicit(&version, 1, memory_order_release);
out:
	lock_give(&modules_lock, LOCK_MODULES);
}

void module_list_postfork_child(void)
{
	lock_reset(&modules_lock, LOCK_MODULES);
	/* Those of other threads are at work in the parent only; one's own may end here, uncounted. */
	atomic_store(&closing, 0);
	atomic_store(&finished, 0);
	change_number(0);
}
