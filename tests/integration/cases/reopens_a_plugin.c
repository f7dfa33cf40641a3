/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reopens_a_plugin: dlopen, use and dlclose of the same plug-in, 200 times; it comes to lie at the
 * same place each time.
 *
 * The test is in test_hazards.py.
 */
#include <dlfcn.h>
#include <stdlib.h>

void *blocks[200];

__attribute__((noinline)) static void use_plugin(int turn)
{
	void *plugin = dlopen("./plugin_that_leaks.so", RTLD_NOW);
	int (*run)(void **) = plugin ? (int (*)(void **))dlsym(plugin, "plugin_run") : NULL;

	if (!run || run(&blocks[turn]) != 1 || dlclose(plugin))
		abort();
}

int main(void)
{
	for (int turn = 0; turn < 200; turn++)
		use_plugin(turn);
	return 0;
}
