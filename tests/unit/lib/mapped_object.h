/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mapped_object: an object with unwind data that a test has mapped, and of which the dynamic linker does
 * not know: therefore _dl_find_object is replaced (-Wl,--wrap).
 */
#ifndef TESTS_UNIT_LIB_MAPPED_OBJECT_H
#define TESTS_UNIT_LIB_MAPPED_OBJECT_H

#include <dlfcn.h>
#include <stdint.h>

/* An ELF file whose segments lie in memory at `bias`. */
struct object {
	const char *path;
	uint64_t bias, start, end;
	const uint8_t *frame_header; /* .eh_frame_hdr in memory */
};

static struct object mapped; /* by us, unknown to the dynamic linker */

int __wrap__dl_find_object(void *pc, struct dl_find_object *result);
int __real__dl_find_object(void *pc, struct dl_find_object *result);

int __wrap__dl_find_object(void *pc, struct dl_find_object *result)
{
	if ((uint64_t)pc < mapped.start || (uint64_t)pc >= mapped.end)
		return __real__dl_find_object(pc, result);
	*result = (struct dl_find_object){.dlfo_map_start = (void *)mapped.start,
					  .dlfo_map_end = (void *)mapped.end,
					  .dlfo_eh_frame = (void *)mapped.frame_header};
	return 0;
}

#endif
