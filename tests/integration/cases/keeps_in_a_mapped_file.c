/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_a_mapped_file: a file without a name, shared and private; databases keep their memory
 * so.
 *
 * reach make: reachable=80/2
 */
#include <sys/mman.h>

#include "scan_point.h"

APART static void *make(void)
{
	return malloc(40);
}

APART static void keep(int flags)
{
	int file = memfd_create("cache", 0);
	void **mapping = MAP_FAILED;

	if (file >= 0 && !ftruncate(file, 65536))
		mapping = mmap(NULL, 65536, PROT_READ | PROT_WRITE, flags, file, 0);
	if (mapping == MAP_FAILED)
		abort();
	mapping[5000] = make();
	close(file);
}

int main(void)
{
	keep(MAP_SHARED);
	keep(MAP_PRIVATE);
	scan_point();
}
