/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_another_namespace: globals of a module that was opened with dlmopen, among modules that the
 * program's own do not know.
 *
 * plugin: plugin_with_globals.c
 * links: -ldl
 * reach make: reachable=40/1
 * reach make_in_plugin: reachable=any
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

	plugin = dlmopen(LM_ID_NEWLM, "./plugin_with_globals.so", RTLD_NOW);
	plugin_keep = plugin ? (void (*)(void *))dlsym(plugin, "plugin_keep") : NULL;
	if (!plugin_keep)
		abort();
	plugin_keep(make());
}

int main(void)
{
	keep();
	scan_point();
}
