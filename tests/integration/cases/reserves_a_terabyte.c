/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reserves_a_terabyte: a terabyte of address space without access, of which a page in each 4 GiB is made
 * accessible and touched, as a runtime with a reserved heap does; one of these pages holds the only pointer to
 * a block. Beside it it keeps 1000 blocks and loses 10.
 *
 * expect: live_blocks=1011 lost_blocks=0
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define TERABYTE (1ul << 40)
#define STEP (4ul << 30)

static void *volatile kept[1000];

static __attribute__((noinline)) void *keep_out_there(void)
{
	return malloc(100);
}

static __attribute__((noinline)) void keep(void)
{
	for (int i = 0; i < 1000; i++)
		kept[i] = malloc(100);
}

static __attribute__((noinline)) void lose(void)
{
	for (int i = 0; i < 10; i++) {
		void *volatile block = malloc(100);

		block = NULL;
		(void)block;
	}
}

static __attribute__((noinline)) void clean(void)
{
	char volatile stack[4096];

	for (size_t i = 0; i < sizeof(stack); i++)
		stack[i] = 0;
}

int main(void)
{
	char *space =
		mmap(NULL, TERABYTE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (space == MAP_FAILED)
		return 77;
	for (unsigned long at = 0; at < TERABYTE; at += STEP) {
		if (mprotect(space + at, 4096, PROT_READ | PROT_WRITE) != 0)
			return 77;
		space[at] = 1;
	}
	*(void **)(space + 200 * STEP) = keep_out_there();
	keep();
	lose();
	clean();
	return 0;
}
