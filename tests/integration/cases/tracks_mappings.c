/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracks_mappings: with --track=mmap mappings are sites of their own kind: whole, in part
 * unmapped, moved by mremap, replaced by MAP_FIXED; and sbrk.
 *
 * build: -O0
 * options: --track=mmap
 * site [mmap] whole: live_blocks=1 live_bytes=1048576
 * site [mmap] in_part: live_bytes=131072
 * site [mmap] moved: live_blocks=1 live_bytes=2097152
 * site [brk] by_sbrk: live_bytes=65536
 * site by_malloc: live_blocks=1 live_bytes=100
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PART __attribute__((noinline)) static void *

void *volatile kept[6];

#define map(bytes)                                                                                 \
	(char *)mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)

PART whole(void)
{
	return map(1 << 20);
}

PART in_part(void)
{
	char *address = map(256 << 10);

	munmap(address + (64 << 10), 128 << 10); /* leaves a piece at each end */
	return address;
}

PART to_be_moved(void)
{
	return map(64 << 10);
}

PART moved(void *old)
{
	return mremap(old, 64 << 10, 2 << 20, MREMAP_MAYMOVE);
}

PART gone(void)
{
	munmap(map(1 << 16), 1 << 16);
	return NULL;
}

PART by_sbrk(void)
{
	return sbrk(65536);
}

PART by_malloc(void)
{
	return malloc(100);
}

int main(void)
{
	kept[0] = whole();
	kept[1] = in_part();
	kept[2] = moved(to_be_moved());
	kept[3] = gone();
	kept[4] = by_sbrk();
	kept[5] = by_malloc();
	return 0;
}
