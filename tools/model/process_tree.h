/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_tree: who has started whom, of the processes whose files lie together.
 */
#ifndef SEEP_MODEL_PROCESS_TREE_H
#define SEEP_MODEL_PROCESS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file. Several are of one process where pid and start_ticks are the same: it has gone on as another program
 * (exec). A pid alone may be that of several, also of several at once, in namespaces of their own. */
struct process_file {
	uint32_t pid;
	uint32_t parent; /* of which it is a fork, or which had started it */
	uint64_t start_ticks;
	uint64_t started_unix_ns;
	size_t depth; /* filled in: 0 for one whose parent has no file here */
};

bool process_file_is_same(const struct process_file *one, const struct process_file *other);

/* Fills `order` with the indices of all files: behind a process its children, with theirs, and those that have
 * the same parent as in `files`. The files of one process follow each other, as they were begun. Returns 0 or
 * -ENOMEM. */
int process_tree_order(struct process_file *files, size_t count, size_t *order);

#endif
