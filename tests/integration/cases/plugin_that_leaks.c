/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin_that_leaks: a plugin for unloads_leaking_plugin; no case of its own.
 */
#include <stdlib.h>

__attribute__((noinline)) static void *leak_in_plugin(size_t bytes)
{
	return malloc(bytes);
}

int plugin_run(void **block);
int plugin_run(void **block)
{
	*block = leak_in_plugin(4321);
	return 1;
}
