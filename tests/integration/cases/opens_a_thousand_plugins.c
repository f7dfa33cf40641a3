/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opens_a_thousand_plugins: each argument is a plug-in, which stays open and is asked to allocate a block (see
 * plugin_that_leaks.c).
 */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		void *block;
		void *plugin = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
		int (*run)(void **) = plugin ? (int (*)(void **))dlsym(plugin, "plugin_run") : NULL;

		if (run == NULL || !run(&block)) {
			fprintf(stderr, "%s\n", dlerror());
			return 1;
		}
	}
	printf("%d\n", argc - 1);
	return 0;
}
