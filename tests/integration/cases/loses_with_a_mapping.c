/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_with_a_mapping: the twin of keeps_in_a_mapping gives its mappings back.
 *
 * reach make: definitely_lost=80/2
 */
#include <sys/mman.h>

#include "scan_point.h"

static uintptr_t inverted[2];

APART static void *make(void)
{
	return malloc(40);
}

APART static void keep(int index, int flags)
{
	void **mapping = mmap(NULL, 65536, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	if (mapping == MAP_FAILED)
		abort();
	mapping[5000] = make();
	inverted[index] = ~(uintptr_t)mapping;
}

APART static void unmap(int index)
{
	if (munmap((void *)~inverted[index], 65536))
		abort();
}

int main(void)
{
	keep(0, MAP_PRIVATE);
	keep(1, MAP_SHARED);
	unmap(0);
	unmap(1);
	scan_point();
}
