/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry_patch: functions of the program that are entered through doors, whoever calls them.
 */
#ifndef LIB_INTERPOSE_ENTRY_PATCH_H
#define LIB_INTERPOSE_ENTRY_PATCH_H

#include <stddef.h>
#include <stdint.h>

#define ENTRY_PATCH_MAX 32

struct entry_patch {
	uintptr_t addr;	 /* where the function begins, in the program itself */
	uintptr_t door;	 /* where it is to begin from now on */
	void **original; /* told how the function is called that it was */
};

/* Patches all of them, or none. Returns null, or why it cannot be done. Only while the process has one thread. */
const char *entry_patch_all(const struct entry_patch *patches, size_t count);

#endif
