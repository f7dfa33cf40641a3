/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linked_object: what the dynamic linker has at an address, as module_list keeps it.
 *
 * Read from the object's own headers in memory. What lies there is the program's: tools that edit objects, and
 * linker scripts, leave less of it than the dynamic linker knows.
 *
 *   Runs in   the target: start, new stacks, dlclose
 *   Locks     LOCK_MODULES is held where a module is described for the list
 *   Memory    static: the path of the executable
 *   Calls     _dl_find_object, readlinkat
 *   Failure   false: no object, or nothing of it is loaded
 */
#include "lib/record/linked_object.h"

#include <dlfcn.h>
#include <limits.h>
#include <string.h>

#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

#define FIRST_PAGE_BYTES 4096u

struct build_id {
	const uint8_t *start;
	uint16_t bytes; /* 0: there is none */
};

static struct build_id build_id_in(const struct dl_phdr_info *info, const ElfW(Phdr) * segment)
{
	const char *note = (const char *)(info->dlpi_addr + segment->p_vaddr);
	const char *end = note + segment->p_memsz;

	while (note + sizeof(ElfW(Nhdr)) <= end) {
		const ElfW(Nhdr) *header = (const ElfW(Nhdr) *)note;
		const char *name = note + sizeof(*header);
		const char *value = name + ((header->n_namesz + 3u) & ~3u);

		note = value + ((header->n_descsz + 3u) & ~3u);
		if (header->n_type == NT_GNU_BUILD_ID && header->n_namesz == 4 && note <= end &&
		    text_equal(name, "GNU") && header->n_descsz <= MODULE_BUILD_ID_MAX)
			return (struct build_id){.start = (const uint8_t *)value,
						 .bytes = (uint16_t)header->n_descsz};
	}
	return (struct build_id){.bytes = 0};
}

static struct build_id build_id_of(const struct dl_phdr_info *info)
{
	struct build_id id = {.bytes = 0};

	for (int i = 0; i < info->dlpi_phnum && id.bytes == 0; i++)
		if (info->dlpi_phdr[i].p_type == PT_NOTE)
			id = build_id_in(info, &info->dlpi_phdr[i]);
	return id;
}

static bool has_build_id(const struct loaded_module *module, struct build_id id)
{
	return module->build_id_bytes == id.bytes &&
	       memcmp(module->build_id, id.start, id.bytes) == 0;
}

bool linked_object_is_build(const struct loaded_module *one, const struct loaded_module *other)
{
	return one->build_id_bytes > 0 &&
	       has_build_id(one, (struct build_id){other->build_id, other->build_id_bytes});
}

bool linked_object_describe(struct loaded_module *module, const struct dl_phdr_info *info,
			    bool is_first)
{
	uintptr_t here = (uintptr_t)&linked_object_describe;
	static char exe[PATH_MAX]; /* protected by the lock */
	struct build_id id = build_id_of(info);

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
		} else if (segment->p_type == PT_TLS) {
			module->tls_number = (uint32_t)info->dlpi_tls_modid;
			module->tls_bytes = segment->p_memsz;
		}
	}
	if (module->end == 0)
		return false;
	module->build_id_bytes = id.bytes;
	for (uint32_t i = 0; i < id.bytes; i++)
		module->build_id[i] = id.start[i];
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
	return true;
}

/* Whether what is known of both builds differs. */
static bool is_other_build(const struct loaded_module *module, const struct dl_phdr_info *info)
{
	struct build_id id = build_id_of(info);

	return id.bytes > 0 && module->build_id_bytes > 0 && !has_build_id(module, id);
}

bool linked_object_is(const struct loaded_module *module, const struct dl_phdr_info *info)
{
	if (module->load_bias != info->dlpi_addr)
		return false;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type == PT_DYNAMIC)
			return module->dynamic == info->dlpi_addr + segment->p_vaddr &&
			       (info->dlpi_name == NULL || info->dlpi_name[0] == 0 ||
				text_equal(module->path, info->dlpi_name)) &&
			       !is_other_build(module, info);
	}
	return true;
}

/* The build-id among the bytes behind the header of a file, where linkers put it and editors leave it. */
static const ElfW(Nhdr) * build_id_behind(const ElfW(Ehdr) * header)
{
	const char *end = (const char *)header + FIRST_PAGE_BYTES - MODULE_BUILD_ID_MAX;

	for (const char *at = (const char *)(header + 1); at + sizeof(ElfW(Nhdr)) + 4 <= end;
	     at += 4) {
		const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)at;

		if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
		    memcmp(note + 1, "GNU", 4) == 0 && note->n_descsz >= 8 &&
		    note->n_descsz <= MODULE_BUILD_ID_MAX)
			return note;
	}
	return NULL;
}

/* Tools that edit objects (patchelf) may move the table of segments to where the file has it and memory
 * has not, and a linker script may leave the header out of memory. Then the range, the dynamic section
 * and mostly the build-id are what is known. */
static void make_segments(struct linked_object *found, const struct dl_find_object *object,
			  const ElfW(Nhdr) * build_id)
{
	uint64_t bias = object->dlfo_link_map->l_addr;

	found->segments[0] = (ElfW(Phdr)){.p_type = PT_LOAD,
					  .p_vaddr = (uint64_t)object->dlfo_map_start - bias,
					  .p_memsz = (uint64_t)object->dlfo_map_end -
						     (uint64_t)object->dlfo_map_start};
	found->segments[1] = (ElfW(Phdr)){.p_type = PT_DYNAMIC,
					  .p_vaddr = (uint64_t)object->dlfo_link_map->l_ld - bias};
	found->info.dlpi_phdr = found->segments;
	found->info.dlpi_phnum = 2;
	if (build_id == NULL)
		return;
	found->segments[2] = (ElfW(Phdr)){.p_type = PT_NOTE,
					  .p_vaddr = (uint64_t)build_id - bias,
					  .p_memsz = sizeof(*build_id) + 4 + build_id->n_descsz};
	found->info.dlpi_phnum = 3;
}

bool linked_object_find(uint64_t pc, struct linked_object *found)
{
	struct dl_find_object object;
	const ElfW(Ehdr) * header;

	if (_dl_find_object((void *)pc, &object) != 0)
		return false; /* code of no module */
	header = object.dlfo_map_start;
	found->info = (struct dl_phdr_info){.dlpi_addr = object.dlfo_link_map->l_addr,
					    .dlpi_name = object.dlfo_link_map->l_name};
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) {
		make_segments(found, &object, NULL);
	} else if (header->e_phoff > FIRST_PAGE_BYTES ||
		   header->e_phnum > (FIRST_PAGE_BYTES - header->e_phoff) / sizeof(ElfW(Phdr))) {
		make_segments(found, &object, build_id_behind(header));
	} else {
		found->info.dlpi_phdr =
			(const ElfW(Phdr) *)((const char *)header + header->e_phoff);
		found->info.dlpi_phnum = header->e_phnum;
	}
	return true;
}

uint64_t linked_object_link_map(const struct loaded_module *module)
{
	struct dl_find_object object;

	return _dl_find_object((void *)module->start, &object) == 0 ? (uint64_t)object.dlfo_link_map
								    : 0;
}
