/* SPDX-License-Identifier: Apache-2.0 */
/* run_summary: what `seep run` says when the program has ended. */
#ifndef SEEP_COMMANDS_RUN_SUMMARY_H
#define SEEP_COMMANDS_RUN_SUMMARY_H

#include <stdio.h>

struct child_process;
struct error;
struct run_files;
struct suppressions;
struct thresholds;

/* Writes a few lines about the run, which has been judged (run_judgement): how it ended, what was found,
 * what is live, where the files are, what to type next. There must be a root file; thresholds are those
 * of the program itself, and not of its children. `children_folder` (may be null) is where their files
 * are. Returns 0, or -errno and a sentence when the root file cannot be read. */
int run_summary_write(FILE *out, const char *program, const struct child_process *child,
		      const struct run_files *run_files, const char *children_folder,
		      const struct thresholds *thresholds, struct suppressions *suppressions,
		      struct error *error);

#endif
