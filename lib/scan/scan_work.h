/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_work: what the copy of the process does, from its own mappings to the result that it writes into a
 * pipe.
 */
#ifndef LIB_SCAN_SCAN_WORK_H
#define LIB_SCAN_SCAN_WORK_H

#include <stdint.h>

#include "lib/scan/hidden_mappings.h"
#include "lib/scan/kernel_pointers.h"
#include "lib/scan/scan_answer.h"
#include "lib/scan/stopped_threads.h"
#include "seep/snapshot_format.h"

struct scan_task {
	const struct stopped_threads *threads;
	const struct hidden_mappings *mappings;
	const struct kernel_pointers *kernel;
	uint32_t unread_threads;
	uint32_t threads_at_end; /* how many may have run when the process ended */
	/* what was born in it or later is too young to be lost; 0: nothing is */
	uint32_t before_epoch;
	uint32_t since_epoch; /* of what is lost only what was born in it or later is told */
	bool wants_holders;
	enum scan_turn turn;
	/* for the second turn: what the first copy found lost, as it said it */
	const void *seen_lost;
	uint64_t seen_lost_bytes;
	uint64_t seed;
};

/* What the copy writes after what hidden_mappings_say does; three payloads follow it in this order. */
struct scan_result {
	uint32_t outcome; /* enum seep_scan_outcome */
	int32_t error;
	uint32_t unread_threads; /* as asked, and those that a forked child has left behind */
	uint32_t reserved;
	uint64_t scan_bytes, holders_bytes, lost_bytes;
	uint64_t work_ns;
};

/* A process_copy_work; `task` is a struct scan_task. */
void scan_work(int fd, void *task);

#endif
