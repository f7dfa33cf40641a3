/* SPDX-License-Identifier: Apache-2.0 */
/*
 * binds_deeply_and_apart: a plug-in that the dynamic linker keeps away from what is preloaded: opened with
 * RTLD_DEEPBIND it would ask libc itself for memory, and in a namespace of its own it has a libc of its
 * own. There its blocks are not seen, and its frees of them are none of unknown blocks; those of the first
 * are, and what the program allocates before, between and after that is right.
 *
 * links: -ldl
 * plugin: plugin_that_gives_and_takes.c
 * expect: lost_blocks=0
 * file: unknown_frees=0
 * function give: live_blocks=10 live_bytes=1000 allocations=10 frees=0
 * function keep: live_blocks=30 live_bytes=600 allocations=30
 */
#include <dlfcn.h>
#include <stdlib.h>

void *blocks[30], *given[20];

__attribute__((noinline, noclone)) static void keep(int from)
{
	for (int i = from; i < from + 10; i++)
		blocks[i] = malloc(20);
}

static void use(void *plugin, void **kept)
{
	void *(*give)(void);
	void (*take)(void *);

	if (!plugin)
		abort();
	give = (void *(*)(void))dlsym(plugin, "give");
	take = (void (*)(void *))dlsym(plugin, "take");
	for (int i = 0; i < 10; i++) {
		take(give());
		kept[i] = give();
	}
	dlclose(plugin);
}

int main(void)
{
	const char *plugin = "./plugin_that_gives_and_takes.so";

	keep(0);
	use(dlopen(plugin, RTLD_NOW | RTLD_DEEPBIND), given);
	keep(10);
	use(dlmopen(LM_ID_NEWLM, plugin, RTLD_NOW), given + 10);
	keep(20);
	return 0;
}
