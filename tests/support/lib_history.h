/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_history: what every site had at every snapshot, to be compared with what a file says.
 */
#ifndef TESTS_SUPPORT_LIB_HISTORY_H
#define TESTS_SUPPORT_LIB_HISTORY_H

#include <stddef.h>
#include <stdint.h>

struct profile;

struct lib_history_value {
	uint64_t blocks, bytes, allocations, allocated_bytes;
};

struct lib_history {
	uint32_t site_count;
	const uint32_t *stacks; /* by site: the id of its stack in the file, rising */
	uint32_t snapshot_count;
	/* snapshot_count rows of site_count, for lib_history_free */
	struct lib_history_value *values;
};

/* Keeps the state of all sites at the next snapshot. */
void lib_history_add(struct lib_history *history, const struct lib_history_value *values);
void lib_history_free(struct lib_history *history);

/* How many sites at how many snapshots are not in the profile as they were; snapshots that it does
 * not have are no mistake. The first few are printed. Number N is the N-th that was added. */
uint64_t lib_history_mistakes(const struct lib_history *history, const struct profile *profile);

#endif
