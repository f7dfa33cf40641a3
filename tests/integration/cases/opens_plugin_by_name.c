/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opens_plugin_by_name: dlopen of a library of the system, dlsym that finds and that fails, and
 * dlclose: all of that allocates in the loader.
 *
 * links: -ldl
 * valgrind: equal
 */
#include <dlfcn.h>
#include <stdlib.h>

int main(void)
{
	void *library = dlopen("libm.so.6", RTLD_NOW);

	if (!library || !dlsym(library, "cos") || dlsym(library, "no_such_function"))
		abort();
	if (!dlerror())
		abort();
	dlclose(library);
	if (dlopen("no_such_library.so", RTLD_LAZY))
		abort();
	return 0;
}
