/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unloads_leaking_plugin: what a plugin allocated is still named after dlclose, also when another
 * library lies at its addresses now.
 *
 * plugin: plugin_that_leaks.c
 * links: -ldl
 * site leak_in_plugin: live_blocks=1 live_bytes=4321
 * stack leak_in_plugin: leak_in_plugin < plugin_run < use_plugin@use < main
 */
#include <dlfcn.h>
#include <stdlib.h>

void *block;

__attribute__((noinline)) static int use_plugin(void)
{
	void *plugin = dlopen("./plugin_that_leaks.so", RTLD_NOW);
	int (*run)(void **) = plugin ? (int (*)(void **))dlsym(plugin, "plugin_run") : NULL;
	int result;

	if (!run)
		abort();
	result = run(&block); /* use */
	if (dlclose(plugin))
		abort();
	return result;
}

int main(void)
{
	int result = use_plugin();

	if (!dlopen("libz.so.1", RTLD_NOW) && !dlopen("libm.so.6", RTLD_NOW))
		abort();
	return result != 1;
}
