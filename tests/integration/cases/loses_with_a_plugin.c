/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_with_a_plugin: the twin of keeps_in_a_plugin closes the module, and with it go its globals.
 *
 * plugin: plugin_with_globals.c
 * links: -ldl
 * reach make: definitely_lost=40/1
 * reach make_in_plugin: definitely_lost=24/1
 */
#include <dlfcn.h>

#include "scan_point.h"

static void *plugin;

APART static void *make(void)
{
	return malloc(40);
}

APART static void keep(void)
{
	void (*plugin_keep)(void *);

	plugin = dlopen("./plugin_with_globals.so", RTLD_NOW);
	plugin_keep = plugin ? (void (*)(void *))dlsym(plugin, "plugin_keep") : NULL;
	if (!plugin_keep)
		abort();
	plugin_keep(make());
}

int main(void)
{
	keep();
	if (dlclose(plugin))
		abort();
	scan_point();
}
