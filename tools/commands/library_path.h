/* SPDX-License-Identifier: Apache-2.0 */
/* library_path: which libseep.so is preloaded. */
#ifndef SEEP_COMMANDS_LIBRARY_PATH_H
#define SEEP_COMMANDS_LIBRARY_PATH_H

#include <limits.h>

struct error;

/* Stores an absolute path: what SEEP_LIBRARY names, else the library beside this program (as in a
 * build folder), else that of the same installation (../lib/seep), else that of the configured one.
 * A negative errno value and a sentence where there is none, or none that can be preloaded. */
int library_path_find(char path[PATH_MAX], struct error *error);

/* The value for LD_PRELOAD: `library` first, then what was there (`before`, may be null) without
 * other names of libseep.so. For free(); null without memory. */
char *library_path_preload(const char *library, const char *before);

#endif
