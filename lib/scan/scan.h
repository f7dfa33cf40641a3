/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan: looks what is reachable in the running program, or in one that is about to end, and writes down
 * what it finds.
 */
#ifndef LIB_SCAN_SCAN_H
#define LIB_SCAN_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "seep/snapshot_format.h"

/* A thread that waits for the scan and has told us of its registers: for a process in which threads cannot
 * be stopped. tid 0: none. */
struct waiting_thread {
	uint32_t tid;
	bool has_called_exit; /* then nothing else of it counts, see exit_point */
	uint64_t sp, fs_base;
	uint64_t words[8]; /* the registers that a call leaves alone */
};

enum scan_moment {
	SCAN_RUNNING, /* the program runs: what is lost must be so twice */
	SCAN_ENDING,  /* it waits in its last handler: once is enough */
	SCAN_ENDED,   /* it has ended, and its memory is left */
};

struct scan_order {
	enum scan_moment moment;
	enum seep_snapshot_reason reason;
	uint32_t snapshot; /* number of the one just taken, which it belongs to */
	struct waiting_thread waiting;
	void (*when_copied)(
		void); /* called when the program need not wait any longer; may be null */
	/* Called again and again while the copy is at work, a hundred times in a second: may do what is
	 * to be done meanwhile, but no other scan. False: the scan is not wanted any more. Null: it is. */
	bool (*goes_on)(void);
};

/* In the helper, now and then: looks whether the kernel holds pointers of the program. When that has ended
 * nobody can see them any more, but they may be all that held a block. */
void scan_note_kernel(void);

/* Runs one and appends its records to the file. Returns 0, also for a scan of which the record says why
 * there is no result, or a negative errno value: -ECANCELED where it is not wanted any more, and then nothing
 * is appended. *found (may be null) is the head of the record. */
int scan_take(const struct scan_order *order, struct seep_scan *found);

/* Looks what is lost of the blocks that were born in an epoch or later, and writes nothing down. Mostly one
 * copy of the process is enough, or none. Returns 0 or a negative errno value; *found is then the head of a
 * record of which the sums, and in *sites (which begins empty) the payload, count only those blocks. No
 * payload: none is lost. */
struct buffer;
int scan_check(const struct scan_order *order, uint32_t since_epoch, struct seep_scan *found,
	       struct buffer *sites);

#endif
