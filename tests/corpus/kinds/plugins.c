/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugins: a host loads a plug-in for a task and unloads it afterwards, again and again.
 *
 * Sick: the plug-in leaves blocks behind when it goes. Its code is gone when the report is made.
 *
 *   leak plugin_begin
 */
#include "tests/corpus/part.h"

#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

static char path[4096];
static double tasks;

static void use_plugin(struct part *part)
{
	void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	void (*begin)(size_t, unsigned), (*end)(unsigned);
	unsigned blocks = 1 + part_poisson(part, 3);

	part_require(plugin, "plugin.so");
	*(void **)&begin = dlsym(plugin, "plugin_begin");
	*(void **)&end = dlsym(plugin, "plugin_end");
	part_require(begin && end, "functions in plugin.so");
	begin(part_bytes(part), blocks);
	end(part->is_sick ? 1 : 0);
	dlclose(plugin);
}

static void start(struct part *part)
{
	/* Beside the program. */
	ssize_t bytes = readlink("/proc/self/exe", path, sizeof(path) - sizeof("/plugin.so"));

	part_require(bytes > 0, "/proc/self/exe");
	path[bytes] = 0;
	strcpy(strrchr(path, '/'), "/plugin.so");
	tasks = part_draw_scale(part, "tasks", 1, 6);
}

static void step(struct part *part)
{
	for (unsigned i = part_events(part, tasks); i; i--)
		use_plugin(part);
}

KIND(plugins);
