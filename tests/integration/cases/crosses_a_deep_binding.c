/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crosses_a_deep_binding: a plug-in that was opened with RTLD_DEEPBIND asks libc itself, past whatever
 * is preloaded; here it frees 20 blocks of the program, of whose addresses 10 are used again, and the
 * program frees 5 of its blocks. Opened as usual it does the same, and all is seen.
 *
 *     crosses_a_deep_binding [deep]
 *
 * plugin: plugin_that_gives_and_takes.c
 * links: -ldl
 *
 * The test is in test_modules.py.
 */
#include <dlfcn.h>
#include <stdlib.h>

#define KEPT 30
#define TAKEN 20
#define AGAIN 10
#define GIVEN 5

void *blocks[KEPT];

__attribute__((noinline, noclone)) static void keep(int count)
{
	for (int i = 0; i < count; i++)
		blocks[i] = malloc(100);
}

int main(int argc, char **argv)
{
	void *plugin = dlopen("./plugin_that_gives_and_takes.so",
			      argc > 1 ? RTLD_NOW | RTLD_DEEPBIND : RTLD_NOW);
	void *(*give)(void);
	void (*take)(void *);

	(void)argv;
	if (!plugin)
		abort();
	give = (void *(*)(void))dlsym(plugin, "give");
	take = (void (*)(void *))dlsym(plugin, "take");
	keep(KEPT);
	for (int i = 0; i < TAKEN; i++)
		take(blocks[i]);
	keep(AGAIN);
	for (int i = 0; i < GIVEN; i++)
		free(give());
	return 0;
}
