/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open_modules: the modules of one or two runs, each opened when it is first asked about.
 */
#include "tools/symbols/open_modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "tools/model/profile.h"
#include "tools/symbols/address_lines.h"
#include "tools/symbols/allocator_calls.h"
#include "tools/symbols/global_names.h"
#include "tools/symbols/module_debug.h"
#include "tools/symbols/module_notes.h"
#include "tools/symbols/progress_line.h"
#include "tools/symbols/text_pool.h"

struct opened_module {
	UT_hash_handle hh;
	char *key; /* build-id, process and path */
	struct open_module module;
	bool is_noted; /* what is wrong with it */
	bool has_calls_tried;
};

/* A profile's modules by their index, so that no key is made for each question. */
struct profile_modules {
	const struct profile *profile;
	struct profile_modules *next;
	struct opened_module *opened[]; /* for each of profile->modules, null until needed */
};

struct open_modules {
	char *sysroot, *debug_path; /* null for none, and for the default */
	struct module_notes *notes;
	struct progress_line *progress;
	struct text_pool *texts;
	struct opened_module *by_key;
	struct profile_modules *profiles;
};

static bool copy_path(char **copy, const char *path)
{
	*copy = path ? strdup(path) : NULL;
	return *copy || !path;
}

struct open_modules *open_modules_new(const char *sysroot, const char *debug_path,
				      struct module_notes *notes, struct progress_line *progress)
{
	struct open_modules *modules = calloc(1, sizeof(*modules));
	if (!modules)
		return NULL;
	modules->notes = notes;
	modules->progress = progress;
	modules->texts = text_pool_new();
	if (sysroot && sysroot[0] != '\0') {
		/* libdwfl takes relative debug directories for relative to the module. */
		modules->sysroot = realpath(sysroot, NULL);
		if (modules->sysroot)
			sysroot = NULL;
	} else {
		sysroot = NULL;
	}
	if (!modules->texts || (sysroot && !copy_path(&modules->sysroot, sysroot)) ||
	    !copy_path(&modules->debug_path, debug_path)) {
		open_modules_free(modules);
		return NULL;
	}
	return modules;
}

static void free_module(struct opened_module *opened)
{
	allocator_calls_free(opened->module.calls);
	global_names_free(opened->module.globals);
	address_lines_free(opened->module.lines);
	module_debug_free(opened->module.debug);
	free(opened->key);
	free(opened);
}

void open_modules_free(struct open_modules *modules)
{
	if (!modules)
		return;
	struct opened_module *opened, *next;
	HASH_ITER(hh, modules->by_key, opened, next)
	{
		HASH_DEL(modules->by_key, opened);
		free_module(opened);
	}
	open_modules_forget_profiles(modules);
	text_pool_free(modules->texts);
	free(modules->debug_path);
	free(modules->sysroot);
	free(modules);
}

void open_modules_forget_profiles(struct open_modules *modules)
{
	while (modules->profiles) {
		struct profile_modules *next = modules->profiles->next;
		free(modules->profiles);
		modules->profiles = next;
	}
}

static char *make_module_key(const struct module *module, uint32_t running_pid)
{
	char *key = NULL;
	size_t bytes;
	FILE *out = open_memstream(&key, &bytes);
	if (!out)
		return NULL;
	for (size_t i = 0; i < module->build_id_bytes; i++)
		fprintf(out, "%02x", module->build_id[i]);
	fprintf(out, " %u %u %s", running_pid, module->flags, module->path ? module->path : "");
	if (fclose(out) != 0) {
		free(key);
		return NULL;
	}
	return key;
}

static void note_problem(struct module_notes *notes, const struct module_debug *debug)
{
	static const enum module_problem problems[] = {
		[MODULE_CHANGED] = PROBLEM_CHANGED,
		[MODULE_GONE] = PROBLEM_GONE,
		[MODULE_UNREADABLE] = PROBLEM_UNREADABLE,
	};
	if (debug->state != MODULE_USABLE && debug->state != MODULE_NO_FILE)
		module_notes_add(notes, problems[debug->state], debug->path);
	else if (debug->is_newer_than_run)
		module_notes_add(notes, PROBLEM_NEWER, debug->path);
}

static struct opened_module *open_module(struct open_modules *modules,
					 const struct profile *profile, const struct module *module)
{
	struct module_search search = {
		.sysroot = modules->sysroot,
		.debug_path = modules->debug_path,
		.running_pid = profile->is_running ? profile->pid : 0,
		.started_unix_ns = profile->started_unix_ns,
		.progress = modules->progress,
	};
	char *key = make_module_key(module, search.running_pid);
	if (!key)
		return NULL;
	struct opened_module *opened;
	HASH_FIND_STR(modules->by_key, key, opened);
	if (opened) {
		free(key);
		return opened;
	}

	opened = calloc(1, sizeof(*opened));
	if (!opened) {
		free(key);
		return NULL;
	}
	opened->key = key;
	opened->module.debug = module_debug_open(module, &search);
	if (opened->module.debug)
		opened->module.lines = address_lines_new(opened->module.debug, modules->texts);
	if (opened->module.lines)
		opened->module.globals = global_names_new(opened->module.debug, modules->texts);
	if (opened->module.globals)
		HASH_ADD_KEYPTR(hh, modules->by_key, opened->key, strlen(opened->key), opened);
	if (!opened->module.globals || !opened->hh.tbl) {
		free_module(opened);
		return NULL;
	}
	return opened;
}

static struct profile_modules *modules_of(struct open_modules *modules,
					  const struct profile *profile)
{
	struct profile_modules *known = modules->profiles;
	for (; known; known = known->next)
		if (known->profile == profile)
			return known;
	known = calloc(1, sizeof(*known) + profile->module_count * sizeof(known->opened[0]));
	if (!known)
		return NULL;
	known->profile = profile;
	known->next = modules->profiles;
	modules->profiles = known;
	return known;
}

static struct opened_module *opened_of(struct open_modules *modules, const struct profile *profile,
				       uint32_t index)
{
	const struct module *module = &profile->modules[index];
	struct profile_modules *known = modules_of(modules, profile);
	if (!known)
		return NULL;
	struct opened_module **opened = &known->opened[index];
	if (!*opened)
		*opened = open_module(modules, profile, module);
	if (*opened)
		progress_line_tick(modules->progress, "%s", module->path ? module->path : "");
	return *opened;
}

struct open_module *open_modules_get(struct open_modules *modules, const struct profile *profile,
				     uint32_t index)
{
	struct opened_module *opened = opened_of(modules, profile, index);
	if (!opened)
		return NULL;
	if (!opened->is_noted)
		note_problem(modules->notes, opened->module.debug);
	opened->is_noted = true;
	return &opened->module;
}

struct allocator_calls *open_modules_calls(struct open_modules *modules,
					   const struct profile *profile, uint32_t index)
{
	struct opened_module *opened = opened_of(modules, profile, index);
	if (!opened)
		return NULL;
	if (!opened->has_calls_tried)
		opened->module.calls = allocator_calls_new(opened->module.debug);
	opened->has_calls_tried = true;
	return opened->module.calls;
}
