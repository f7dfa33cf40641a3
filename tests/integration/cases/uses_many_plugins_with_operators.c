/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uses_many_plugins_with_operators: a C program with many plug-ins in C++, used in turn, each through
 * new and delete.
 *
 *     uses_many_plugins_with_operators TURNS PLUGIN...
 *
 * The test is in test_hazards.py.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define PLUGINS_MAX 64

int main(int argc, char **argv)
{
	void (*go[PLUGINS_MAX])(void);
	int turns = atoi(argv[1]), plugins = argc - 2;

	if (plugins > PLUGINS_MAX)
		return 1;
	for (int i = 0; i < plugins; i++) {
		void *plugin = dlopen(argv[i + 2], RTLD_NOW | RTLD_LOCAL);

		if (!plugin) {
			fprintf(stderr, "%s\n", dlerror());
			return 2;
		}
		go[i] = (void (*)(void))dlsym(plugin, "plugin_go");
	}
	for (int turn = 0; turn < turns; turn++)
		for (int i = 0; i < plugins; i++)
			go[i]();
	return 0;
}
