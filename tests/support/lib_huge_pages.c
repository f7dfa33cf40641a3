/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_huge_pages: what of our own memory lies in huge pages.
 */
#include "tests/support/lib_huge_pages.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

size_t lib_huge_pages_in(const void *start, size_t bytes)
{
	uintptr_t first = (uintptr_t)start, last = first + bytes;
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long from, to;
	bool is_inside = false;
	size_t kib, count = 0;
	char line[512];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			is_inside = to > first && from < last;
		else if (is_inside && sscanf(line, "AnonHugePages: %zu kB", &kib) == 1)
			count += kib * 1024 / LIB_HUGE_PAGE_BYTES;
	}
	if (file != NULL)
		fclose(file);
	return count;
}
