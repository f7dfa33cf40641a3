/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deep_binding: what the dynamic linker has kept away from us.
 *
 * Where the library's table of addresses has, or will get, the function that our doors pass on to, the
 * door is put in: what the dynamic linker would have done without RTLD_DEEPBIND, for these few names
 * alone. What the library's constructors have done before is not seen.
 *
 *   Runs in   the target, after a dlopen that binds deeply
 *   Locks     the dynamic linker's, while it lists its objects
 *   Memory    300 bytes of stack
 *   Calls     dlsym, dlerror, dl_iterate_phdr; process_vm_writev, mprotect
 *   Failure   nothing is changed, and what goes by unseen is counted where it shows (recorder_unseen_frees)
 */
#include "lib/interpose/deep_binding.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "lib/base/syscalls.h"
#include "lib/interpose/real_functions.h"

#define PAGE_BYTES 4096u

struct lead {
	const char *name;
	uintptr_t from, to; /* from == 0: this library has one of its own */
};

struct leads {
	struct lead *list;
	size_t count;
	const struct link_map *first; /* of those that have come */
};

bool deep_binding_is_ours(const char *file, int mode)
{
	/* Who calls is asked for its run path where there is no slash, and for its folder where there is a $. */
	return (mode & RTLD_DEEPBIND) != 0 && file != NULL && strchr(file, '/') != NULL &&
	       strchr(file, '$') == NULL;
}

static long write_word(uintptr_t at, uintptr_t value)
{
	const struct iovec from = {.iov_base = &value, .iov_len = sizeof(value)};
	const struct iovec to = {.iov_base = (void *)at, .iov_len = sizeof(value)};

	return sys_call(SYS_process_vm_writev, sys_pid(), &from, 1, &to, 1, 0);
}

/* The word is as it was before where it cannot be written. The kernel says with EFAULT, and with nothing else,
 * that its page is read-only by now; of any other the protection is not known, and data may lie there. */
static void replace_word(uintptr_t at, uintptr_t value)
{
	uintptr_t page = at & ~(uintptr_t)(PAGE_BYTES - 1);

	if (write_word(at, value) != -EFAULT ||
	    sys_call(SYS_mprotect, page, PAGE_BYTES, PROT_READ | PROT_WRITE) != 0)
		return;
	__atomic_store_n((uintptr_t *)at, value, __ATOMIC_RELEASE);
	sys_call(SYS_mprotect, page, PAGE_BYTES, PROT_READ);
}

#if defined(__x86_64__)
static bool is_address_of_symbol(const Elf64_Rela *entry)
{
	uint64_t type = ELF64_R_TYPE(entry->r_info);

	return (type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT || type == R_X86_64_64) &&
	       entry->r_addend == 0 && ELF64_R_SYM(entry->r_info) != 0;
}
#else
static bool is_address_of_symbol(const Elf64_Rela *entry)
{
	(void)entry;
	return false;
}
#endif

struct object {
	uintptr_t base;
	const Elf64_Sym *symbols;
	const char *names;
	const char *own_name; /* null: it has none */
	const Elf64_Rela *tables[2];
	size_t bytes[2];
};

/* A lazy call that has not been made yet leads back into the library itself, to be looked up. */
static bool leads_back(const struct object *object, uintptr_t value)
{
	struct dl_find_object there, here;

	return _dl_find_object((void *)value, &there) == 0 &&
	       _dl_find_object((void *)object->symbols, &here) == 0 &&
	       there.dlfo_link_map == here.dlfo_link_map;
}

static void lead_entry(const struct object *object, const Elf64_Rela *entry,
		       const struct leads *leads)
{
	const char *name = object->names + object->symbols[ELF64_R_SYM(entry->r_info)].st_name;
	uintptr_t at = object->base + entry->r_offset, value;

	for (size_t i = 0; i < leads->count; i++) {
		const struct lead *lead = &leads->list[i];

		if (lead->from == 0 || strcmp(name, lead->name) != 0)
			continue;
		value = *(const volatile uintptr_t *)at;
		if (value == lead->from || leads_back(object, value))
			replace_word(at, lead->to);
		return;
	}
}

static void read_object(const struct link_map *map, struct object *object)
{
	uint64_t own_name = 0;

	*object = (struct object){.base = map->l_addr};
	for (const Elf64_Dyn *entry = map->l_ld; entry->d_tag != DT_NULL; entry++)
		switch (entry->d_tag) {
		case DT_SYMTAB:
			object->symbols = (const Elf64_Sym *)entry->d_un.d_ptr;
			break;
		case DT_STRTAB:
			object->names = (const char *)entry->d_un.d_ptr;
			break;
		case DT_RELA:
			object->tables[0] = (const Elf64_Rela *)entry->d_un.d_ptr;
			break;
		case DT_RELASZ:
			object->bytes[0] = entry->d_un.d_val;
			break;
		case DT_JMPREL:
			object->tables[1] = (const Elf64_Rela *)entry->d_un.d_ptr;
			break;
		case DT_PLTRELSZ:
			object->bytes[1] = entry->d_un.d_val;
			break;
		case DT_SONAME:
			own_name = entry->d_un.d_val;
			break;
		}
	if (own_name != 0 && object->names != NULL)
		object->own_name = object->names + own_name;
}

static void lead_object(const struct link_map *map, const struct leads *leads)
{
	struct object object;

	read_object(map, &object);
	if (object.symbols == NULL || object.names == NULL)
		return;
	for (int table = 0; table < 2; table++)
		for (size_t i = 0;
		     object.tables[table] != NULL && i < object.bytes[table] / sizeof(Elf64_Rela);
		     i++)
			if (is_address_of_symbol(&object.tables[table][i]))
				lead_entry(&object, &object.tables[table][i], leads);
}

static const char *without_folder(const char *path)
{
	for (const char *slash; (slash = strchr(path, '/')) != NULL;)
		path = slash + 1;
	return path;
}

static bool has_name(const struct link_map *map, const char *needed)
{
	const char *wanted = without_folder(needed);
	struct object object;

	if (strcmp(without_folder(map->l_name), wanted) == 0)
		return true;
	read_object(map, &object);
	return object.own_name != NULL && strcmp(without_folder(object.own_name), wanted) == 0;
}

static bool needs(const struct link_map *map, const struct link_map *other)
{
	struct object object;

	read_object(map, &object);
	for (const Elf64_Dyn *entry = map->l_ld; entry->d_tag != DT_NULL; entry++)
		if (entry->d_tag == DT_NEEDED && object.names != NULL &&
		    has_name(other, object.names + entry->d_un.d_val))
			return true;
	return false;
}

static bool has_come_with(const struct link_map *first, const struct link_map *map)
{
	for (const struct link_map *one = first; one != map; one = one->l_next)
		if (needs(one, map))
			return true;
	return map == first;
}

/* What has come with a library stands right behind it in the list, which nobody changes meanwhile. Then
 * comes what its constructors or other threads have opened since; that is bound to whatever it is bound to. */
static int lead_objects(struct dl_phdr_info *unused, size_t bytes, void *context)
{
	const struct leads *leads = context;

	(void)unused;
	(void)bytes;
	for (const struct link_map *map = leads->first;
	     map != NULL && has_come_with(leads->first, map); map = map->l_next)
		lead_object(map, leads);
	return 1;
}

void deep_binding_lead_to_doors(void *handle)
{
#define LEAD(function)                                                                             \
	{                                                                                          \
#function, (uintptr_t)real.function, (uintptr_t)function                           \
	}
	struct lead list[] = {
		LEAD(malloc),
		LEAD(free),
		LEAD(calloc),
		LEAD(realloc),
		LEAD(memalign),
		LEAD(aligned_alloc),
		LEAD(valloc),
		LEAD(posix_memalign),
		LEAD(pvalloc),
		{"reallocarray", (uintptr_t)dlsym(RTLD_NEXT, "reallocarray"),
		 (uintptr_t)reallocarray},
	};
	struct leads leads = {list, sizeof(list) / sizeof(list[0]), handle};

	for (size_t i = 0; i < leads.count; i++)
		if ((uintptr_t)dlsym(handle, list[i].name) != list[i].from)
			list[i].from = 0;
	dlerror(); /* of what is not there the program has not asked */
	dl_iterate_phdr(lead_objects, &leads);
}
