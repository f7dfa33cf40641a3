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

/* Counts in each file of the run the sites that the verdicts call leaks, how fast they grow, and those that
 * are known instead. An unreadable file does not keep the others from being judged; the first one's reason is returned.
 * A child's file that is gone by now had nothing to tell and is dropped. */
int run_summary_judge(struct run_files *run_files, struct suppressions *suppressions,
		      struct error *error);

/* Writes 4 to 6 lines about the run, which has been judged: how it ended, what was found, what is
 * live, where the files are, what to type next. There must be a root file. `children_folder` (may
 * be null) is where the files of its children are. Returns 0, or -errno and a sentence when it
 * cannot be read. Thresholds are those of the program itself. */
int run_summary_write(FILE *out, const char *program, const struct child_process *child,
		      const struct run_files *run_files, const char *children_folder,
		      const struct thresholds *thresholds, struct suppressions *suppressions,
		      struct error *error);

#endif
