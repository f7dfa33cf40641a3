/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opens_deeply_again: a plug-in is opened with RTLD_DEEPBIND, then one that has its own malloc and is bound at
 * its first calls, and then the first one once more, which is no business of the second.
 *
 *     opens_deeply_again PLUGIN PLUGIN_WITH_AN_ALLOCATOR
 *
 * The test is in test_modules.py.
 */
#include <dlfcn.h>
#include <stddef.h>

static void *open_deeply(const char *file)
{
	return dlopen(file, RTLD_LAZY | RTLD_DEEPBIND);
}

int main(int argc, char **argv)
{
	void *first = argc < 3 ? NULL : open_deeply(argv[1]);
	void *own = first ? open_deeply(argv[2]) : NULL;
	void *(*give)(void);
	int (*is_tiny)(const void *);

	if (!own || open_deeply(argv[1]) != first)
		return 2;
	give = (void *(*)(void))dlsym(own, "give");
	is_tiny = (int (*)(const void *))dlsym(own, "is_tiny");
	return is_tiny(give()) ? 0 : 1;
}
