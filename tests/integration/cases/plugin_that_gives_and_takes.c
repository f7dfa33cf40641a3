/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin_that_gives_and_takes: blocks of 100 bytes; for binds_deeply_and_apart.
 */
#include <stdlib.h>

void *give(void);
void take(void *block);

__attribute__((noinline)) void *give(void)
{
	void *volatile block = malloc(100);

	return block;
}

void take(void *block)
{
	free(block);
}
