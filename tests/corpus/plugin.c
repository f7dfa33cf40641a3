/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin: what kinds/plugins.c loads and unloads. Allocates some blocks, and frees them at its end
 * unless it is told to leave some.
 */
#include <stddef.h>
#include <stdlib.h>

#define MOST_BLOCKS 64

void plugin_begin(size_t bytes, unsigned count);
void plugin_end(unsigned left);

static void *blocks[MOST_BLOCKS];

void plugin_begin(size_t bytes, unsigned count)
{
	for (unsigned i = 0; i < count && i < MOST_BLOCKS; i++)
		blocks[i] = malloc(bytes);
}

void plugin_end(unsigned left)
{
	for (unsigned i = left; i < MOST_BLOCKS; i++)
		free(blocks[i]);
}
