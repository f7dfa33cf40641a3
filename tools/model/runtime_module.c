/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime_module: by the names of the files, as they are installed.
 */
#include "tools/model/runtime_module.h"

#include <stddef.h>
#include <string.h>

#include "tools/model/path_base.h"
#include "tools/model/profile.h"

static bool is_runtime(const char *path)
{
	static const char *const names[] = {"ld-linux",	   "ld64.so",	   "libc.so",
					    "libc-2.",	   "libdl.so",	   "libstdc++.so",
					    "libgcc_s.so", "libpthread.so"};
	const char *name = path_base(path);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strncmp(name, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

bool runtime_module_has(const struct profile *profile, uint32_t node)
{
	uint32_t module = profile->nodes[node].module;
	return module != PROFILE_NO_MODULE && is_runtime(profile->modules[module].path);
}

bool runtime_module_is_left(const struct profile *profile, uint32_t node)
{
	size_t own = 0;
	bool is_own = false, is_begin = false;
	for (uint32_t id = node; id; id = profile->nodes[id].parent) {
		/* With _start, which is linked into the program, and libc in it a process begins. */
		is_begin = !is_own && id != node;
		is_own = !runtime_module_has(profile, id);
		own += is_own;
	}
	return own > (is_own && is_begin);
}
