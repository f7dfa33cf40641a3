/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open_modules: the modules of one or two runs, each opened when it is first asked about.
 *
 * A module may be loaded many times and by two runs; it is opened once for all of them and kept.
 */
#ifndef SEEP_SYMBOLS_OPEN_MODULES_H
#define SEEP_SYMBOLS_OPEN_MODULES_H

#include <stdbool.h>
#include <stdint.h>

struct address_lines;
struct allocator_calls;
struct global_names;
struct module_debug;
struct module_notes;
struct profile;
struct progress_line;

struct open_module {
	struct module_debug *debug;
	struct address_lines *lines;
	struct global_names *globals;
	struct allocator_calls *calls; /* see open_modules_calls */
};

struct open_modules;

/* `sysroot` and `debug_path` may be null, see symbols_options. What is wrong with modules goes to `notes`,
 * what takes long to `progress`; both must live as long as the result. Null without memory. */
struct open_modules *open_modules_new(const char *sysroot, const char *debug_path,
				      struct module_notes *notes, struct progress_line *progress);
void open_modules_free(struct open_modules *modules);

/* That of profile->modules[index]; null without memory. */
struct open_module *open_modules_get(struct open_modules *modules, const struct profile *profile,
				     uint32_t index);

/* Which functions of an allocator that module calls where. Nobody is told what is wrong with the module. Null
 * where it cannot be known, or without memory. */
struct allocator_calls *open_modules_calls(struct open_modules *modules,
					   const struct profile *profile, uint32_t index);

/* To be called before a profile that was asked about goes away. */
void open_modules_forget_profiles(struct open_modules *modules);

#endif
