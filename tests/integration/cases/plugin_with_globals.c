/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin_with_globals: variables of a module that comes and may go, zero at first and not. For
 * keeps_in_a_plugin and loses_with_a_plugin.
 */
#include <stdlib.h>

static int nothing;
static void *zeroed, *initialised = &nothing;

__attribute__((noinline)) static void *make_in_plugin(void)
{
	void *block = malloc(24);

	__asm__ volatile("" : "+r"(block)); /* no jump to malloc: it is to be known as made here */
	return block;
}

void plugin_keep(void *block)
{
	zeroed = block;
	initialised = make_in_plugin();
	__asm__ volatile("" : : "r"(&zeroed), "r"(&initialised) : "memory");
}
