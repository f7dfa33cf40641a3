/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crosses_a_deep_binding: a plug-in that is opened with RTLD_DEEPBIND frees 20 blocks of the program, of
 * whose addresses 10 are used again, and the program frees 5 of its blocks. It would ask libc itself, past
 * whatever is preloaded.
 *
 *     crosses_a_deep_binding PLUGIN deep|usual
 *     crosses_a_deep_binding PLUGIN own     frees only blocks of its own, for it has its own malloc
 *
 * The test is in test_modules.py.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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
	bool is_usual = argc < 3 || strcmp(argv[2], "usual") == 0;
	void *plugin =
		argc < 2 ? NULL : dlopen(argv[1], is_usual ? RTLD_LAZY : RTLD_LAZY | RTLD_DEEPBIND);
	void *(*give)(void);
	void (*take)(void *);

	if (!plugin)
		return 2;
	give = (void *(*)(void))dlsym(plugin, "give");
	take = (void (*)(void *))dlsym(plugin, "take");
	keep(KEPT);
	if (argc > 2 && strcmp(argv[2], "own") == 0) {
		for (int i = 0; i < GIVEN; i++)
			take(give());
		return 0;
	}
	for (int i = 0; i < TAKEN; i++)
		take(blocks[i]);
	keep(AGAIN);
	for (int i = 0; i < GIVEN; i++)
		free(give());
	return 0;
}
