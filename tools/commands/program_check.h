/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program_check: can libseep.so be preloaded into this program? Asked before it is started, since
 * the dynamic linker's own answer is to ignore the library without a word.
 */
#ifndef SEEP_COMMANDS_PROGRAM_CHECK_H
#define SEEP_COMMANDS_PROGRAM_CHECK_H

#include <limits.h>

#include "tools/commands/program_file.h"

struct error;

/* Finds `name` as execvp would and stores the path to execute in `path`. -ENOENT, -EACCES and a
 * sentence where there is no such program. */
int program_check_find(const char *name, char path[PATH_MAX], struct error *error);

/* Checks the program at `path`, or the interpreter that its #! line names, against the library.
 * Returns 0, or a negative errno value and a sentence: static, setuid, of another architecture,
 * linked with another libc, not a program at all … and what to do. `program` becomes what the file
 * says that is started in the end, all zeros where that cannot be read. */
int program_check(const char *path, const char *library, struct program_file *program,
		  struct error *error);

#endif
