/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_limit: how much memory the process may have, and how much of that is in use.
 *
 * Of all limits that apply (the cgroups that it is in, its resource limits, the machine) the one
 * with the least room left: the first that a leak will meet.
 */
#ifndef LIB_SNAPSHOT_MEMORY_LIMIT_H
#define LIB_SNAPSHOT_MEMORY_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/snapshot/process_facts.h"
#include "seep/snapshot_format.h"

struct memory_limit {
	uint64_t bytes, used_bytes;
	enum seep_limit_kind kind; /* SEEP_LIMIT_UNKNOWN: the others are 0 */
};

/* Also right in the helper, and for a process that has ended, if that is said. One thread at a time.
 */
struct memory_limit memory_limit_read(const struct process_memory *memory, bool has_ended);

/* The part that is about cgroups: `folder` is where they are mounted, `memberships` what
 * /proc/PID/cgroup says. */
struct memory_limit memory_limit_of_cgroups(const char *folder, const char *memberships);

#endif
