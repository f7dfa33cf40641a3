/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opens_plugins_with_operators: a C program whose plug-ins bring C++ with them: one has operators
 * new and delete of its own, the other those of libstdc++. Each must keep its own.
 *
 *     opens_plugins_with_operators [close]   close: the first is gone before the second comes
 *
 * The test is in test_hazards.py.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static void *open_plugin(const char *path)
{
	void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!plugin) {
		fprintf(stderr, "%s\n", dlerror());
		exit(2);
	}
	return plugin;
}

static void use(void *plugin)
{
	void (*go)(void) = (void (*)(void))dlsym(plugin, "plugin_go");

	if (!go)
		exit(3);
	go();
}

int main(int argc, char **argv)
{
	void *pool, *plain;

	(void)argv;
	pool = open_plugin("./plugin_with_pool_operators.so");
	use(pool);
	if (argc > 1)
		dlclose(pool);
	plain = open_plugin("./plugin_with_plain_operators.so");
	use(plain);
	if (argc == 1)
		use(pool);
	use(plain);
	puts("end");
	return 0;
}
