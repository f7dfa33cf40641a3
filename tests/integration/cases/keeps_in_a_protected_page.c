/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_a_protected_page: what has been filled once and may only be read from then on.
 *
 * reach make: reachable=80/2
 * valgrind make: definitely_lost=80/2; it looks at memory that may be written only
 */
#include <sys/mman.h>

#include "scan_point.h"

__attribute__((aligned(4096))) void *table[512];

APART static void *make(void)
{
	return malloc(40);
}

APART static void keep(void)
{
	void **mapping =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mapping == MAP_FAILED)
		abort();
	mapping[100] = make();
	table[100] = make();
	if (mprotect(mapping, 4096, PROT_READ) || mprotect(table, 4096, PROT_READ))
		abort();
}

int main(void)
{
	keep();
	scan_point();
}
