/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_copy: a copy of the whole process, in which something is looked for while the program goes on.
 *
 * As fork makes one, but by the system call alone: no handlers run, no lock of libc is taken, the child
 * sends no signal when it ends, and the program is not its parent. It has one thread, which does its
 * work and ends; what it has found comes back through a pipe.
 */
#ifndef LIB_SCAN_PROCESS_COPY_H
#define LIB_SCAN_PROCESS_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct process_copy {
	long pid;	   /* of the copy, or a negative errno value: there is none */
	bool is_orphan;	   /* somebody else waits for it: nothing is heard of how it ends */
	int fd;		   /* what it says is read from here; -1: none */
	uint64_t until_ns; /* CLOCK_MONOTONIC: it is waited for no longer */
	/* Called again and again while it is waited for; false: it is not wanted any more. Null: nothing is. */
	bool (*goes_on)(void *context);
	void *context;
	bool is_unwanted; /* it has been said so */
};

/* Runs in the copy: may use what the helper may, and everything that it changes is its own. What it
 * writes to `fd` the helper reads. */
typedef void process_copy_work(int fd, void *context);

/* Makes the copy, in which `work` runs. Returns at once, with copy->pid telling whether there is one. Where
 * the caller is a thread of the program and no helper process, the copy is made nobody's child, for the
 * program's wait must not find it; one at a time. */
void process_copy_make(struct process_copy *copy, process_copy_work *work, void *context,
		       uint64_t patience_ns);

/* Reads exactly so many bytes of what it says; false when it ended before, is not wanted, or its time is over. */
bool process_copy_read(struct process_copy *copy, void *data, size_t bytes);

/* Ends it, whatever it does. */
void process_copy_drop(struct process_copy *copy);

/* Waits for its end, or ends it. Returns 0, its exit status, or 128 + the signal that killed it. */
int process_copy_end(struct process_copy *copy);

#endif
