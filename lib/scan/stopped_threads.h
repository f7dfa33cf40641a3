/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stopped_threads: the program's threads, standing still, and what is in their registers.
 *
 * A pointer may be nowhere but in a register of a thread that sleeps for hours, and a copy of the
 * memory has no registers. So they are read while the copy is made, by ptrace, from a process that is
 * none of the program's. What the program does not notice: each thread goes on exactly where it was,
 * also in a system call that would otherwise end with EINTR.
 */
#ifndef LIB_SCAN_STOPPED_THREADS_H
#define LIB_SCAN_STOPPED_THREADS_H

#include <stdbool.h>
#include <stdint.h>

/* The registers of a thread as words: the 17 with the numbers of DWARF (x86-64 psABI, 3.6.2), two of
 * each of xmm0 to xmm15, and the rest of the vector registers as XSAVE lays them out. */
#define STOPPED_GENERAL_WORDS 17u
#define STOPPED_XMM_WORDS 32u
#define STOPPED_VECTOR_BYTES 2752u /* of XSAVE's area: up to AVX-512 */
#define STOPPED_REST_OFFSET 576u   /* in it: behind the old area and the header */
#define STOPPED_REST_WORDS ((STOPPED_VECTOR_BYTES - STOPPED_REST_OFFSET) / 8)
#define STOPPED_BASE_WORDS 2u /* of the segments fs and gs */
#define STOPPED_WORDS                                                                              \
	(STOPPED_GENERAL_WORDS + STOPPED_XMM_WORDS + STOPPED_REST_WORDS + STOPPED_BASE_WORDS)

enum thread_stop {
	THREAD_UNREAD,	/* it was not stopped, and its registers are not known */
	THREAD_REFUSED, /* the same, and it will not be: somebody else traces it, or forbids it */
	THREAD_SEIZED,	/* asked to stop */
	THREAD_STOPPED, /* it stands, and they are */
	THREAD_GONE,	/* it has ended */
};

struct stopped_thread {
	uint32_t tid;
	enum thread_stop stop;
	char state;		  /* when it was listed: the letter of /proc/PID/task/TID/stat */
	int signal;		  /* that it was just about to get; it gets it when it goes on */
	bool may_see_eintr;	  /* its system call ends with EINTR if nothing is done */
	uint32_t word_count;	  /* of `words`; 0: not known */
	uint64_t sp, pc, fs_base; /* 0: not known */
	uint64_t exit_sp; /* it has called exit: what lies below on its stack is stale; or 0 */
	char name[16];	  /* comm */
	uint64_t words[STOPPED_WORDS];
};

struct stopped_threads {
	struct stopped_thread *threads;
	uint32_t *tids; /* of each, side by side */
	uint32_t count, room;
	uint32_t next_looked_at; /* most are asked for in the order in which they are listed */
	uint32_t seized;	 /* asked to stop, and not stopped yet */
	uint32_t left_out;	 /* more threads than there was room for: not stopped */
	uint32_t killed;	 /* while they stood: what they had in registers is gone */
	uint32_t unread;	 /* threads whose registers are not known, with those left out */
	uint32_t pid, helper_tid;
	bool has_watchdog;
	int watchdog;	     /* a timer: see stopped_threads_most_ns */
	uint64_t stopped_ns; /* CLOCK_MONOTONIC when the first one was asked to stop */
};

/* Lists the threads of process `pid` but one that is a helper (0: none is), without stopping any. False when
 * there is no memory, or no /proc. */
bool stopped_threads_list(struct stopped_threads *threads, uint32_t pid, uint32_t helper_tid);

/* Stops them all, and those that come meanwhile, for at most `patience_ns`. Returns 0, or why no thread
 * could be stopped: then all run, and are unread. A thread that could not be stopped in time is let go
 * as soon as it stops, see stopped_threads_release_late. */
int stopped_threads_stop(struct stopped_threads *threads, uint64_t patience_ns);

/* A helper that holds them for longer is killed, and they go on. For tests to change. */
extern uint64_t stopped_threads_most_ns;

/* Lets them all go on. Returns how long they stood, in ns; 0: none was to be stopped. */
uint64_t stopped_threads_release(struct stopped_threads *threads);

/* After the release: whether the process ended, by a signal or otherwise, while its threads were to stand. */
bool stopped_threads_were_ended(const struct stopped_threads *threads);

void stopped_threads_forget(struct stopped_threads *threads);

/* For a helper that got SIGCHLD, or waits for something: lets go who has stopped too late. */
void stopped_threads_release_late(void);

#endif
