/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_a_mapping: memory that the program has mapped for itself, private and shared.
 *
 * reach make: reachable=80/2
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

int main(void)
{
	keep(0, MAP_PRIVATE);
	keep(1, MAP_SHARED);
	scan_point();
}
