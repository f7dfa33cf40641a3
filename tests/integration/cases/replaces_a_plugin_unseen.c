/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replaces_a_plugin_unseen: a plug-in is closed by a way that nobody can interpose, as iconv and nss
 * do inside libc, and another one with other frames comes to lie at its addresses.
 *
 * The test is in test_hazards.py.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

typedef void *allocate(size_t bytes);

static allocate *open_plugin(const char *path, void **plugin)
{
	allocate *function;

	*plugin = dlopen(path, RTLD_NOW);
	function = *plugin ? (allocate *)dlsym(*plugin, "plugin_allocate") : NULL;
	if (!function)
		abort();
	return function;
}

int main(void)
{
	void *libc = dlopen("libc.so.6", RTLD_NOW), *plugin;
	int (*close_unseen)(void *) = (int (*)(void *))dlsym(libc, "dlclose");
	void *volatile block;
	allocate *first, *second;

	first = open_plugin("./large.so", &plugin);
	block = first(10);
	close_unseen(plugin);
	second = open_plugin("./small.so", &plugin);
	puts(first == second ? "same address" : "another address");
	fflush(stdout);
	block = second(10);
	(void)block;
	puts("fine");
	return 0;
}
