/* SPDX-License-Identifier: Apache-2.0 */
/*
 * library_with_a_base: its addresses begin far above 0, as those of a prelinked library do, so what is
 * added to them when it is loaded is not where it lies. For calls_a_library_with_a_base.c.
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
