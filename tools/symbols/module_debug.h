/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module_debug: a module of the run, found again on this machine.
 *
 * Opens the file that really ran, recognised by its build-id, or else a debug file with that
 * build-id, and hands out libdwfl's view of it. Addresses are the ELF file's own: pc - load bias.
 */
#ifndef SEEP_SYMBOLS_MODULE_DEBUG_H
#define SEEP_SYMBOLS_MODULE_DEBUG_H

#include <stdbool.h>
#include <stdint.h>

#include <elfutils/libdwfl.h>

struct module;
struct progress_line;

enum module_state {
	MODULE_USABLE,
	MODULE_CHANGED,	   /* there is a file, but another build-id */
	MODULE_GONE,	   /* there is no file */
	MODULE_UNREADABLE, /* permission, no ELF file, damaged */
	MODULE_NO_FILE,	   /* never had one: the vdso, a module without a path */
};

/* Where to look. */
struct module_search {
	const char *sysroot;	  /* prefix for paths; null for none */
	const char *debug_path;	  /* as in libdwfl's dwfl_standard_find_debuginfo; null: default */
	uint32_t running_pid;	  /* the process, when it is still running here; else 0 */
	uint64_t started_unix_ns; /* of the process */
	struct progress_line *progress;
};

struct module_debug {
	char *path; /* as the process saw it */
	enum module_state state;
	bool is_newer_than_run;	  /* no build-id to compare, and the file was written since */
	Dwfl_Module *dwfl_module; /* null unless usable */

	/* Private. */
	Dwfl *dwfl;
	Dwfl_Callbacks callbacks;
	char *debug_path;
	struct progress_line *progress;
};

/* Always gives an answer for module_debug_free, with a state; null only without memory. */
struct module_debug *module_debug_open(const struct module *module,
				       const struct module_search *search);
void module_debug_free(struct module_debug *debug);

#endif
