/* SPDX-License-Identifier: Apache-2.0 */
/* run_tree: the processes of a run, each below who has started it, where they are few. */
#ifndef SEEP_COMMANDS_RUN_TREE_H
#define SEEP_COMMANDS_RUN_TREE_H

#include <stdio.h>

struct run_files;

/* Nothing where there are no children, or too many for a summary. */
void run_tree_write(FILE *out, const struct run_files *run_files);

#endif
