/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linked_object: what the dynamic linker has at an address, as module_list keeps it.
 */
#ifndef LIB_RECORD_LINKED_OBJECT_H
#define LIB_RECORD_LINKED_OBJECT_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/record/module_list.h"

/* What dl_iterate_phdr would say of the object at an address. */
struct linked_object {
	struct dl_phdr_info info;
	ElfW(Phdr) segments[3]; /* where its own are not to be had */
};

/* False where there is none. For malloc: takes no lock of the dynamic linker. */
bool linked_object_find(uint64_t pc, struct linked_object *found);

/* Fills what of a module is known from the object itself; `is_first`: the executable, which has no name.
 * The path is still somebody else's. False where nothing of it is loaded. */
bool linked_object_describe(struct loaded_module *module, const struct dl_phdr_info *info,
			    bool is_first);

/* Whether a module that is loaded is this object, as far as can be told. */
bool linked_object_is(const struct loaded_module *module, const struct dl_phdr_info *info);

/* Whether both are known to come of the same build. */
bool linked_object_is_build(const struct loaded_module *one, const struct loaded_module *other);

/* Where the dynamic linker keeps a module that is loaded; 0: that is not known. */
uint64_t linked_object_link_map(const struct loaded_module *module);

#endif
