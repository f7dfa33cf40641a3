/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_facts: what the kernel says about the watched process.
 */
#ifndef LIB_SNAPSHOT_PROCESS_FACTS_H
#define LIB_SNAPSHOT_PROCESS_FACTS_H

#include <stdbool.h>
#include <stdint.h>

struct process_facts {
	uint32_t pid, parent_pid;
	uint32_t forked_from;
	uint64_t started_unix_ns, started_monotonic_ns;
	uint64_t start_ticks;	/* field 22 of /proc/PID/stat */
	char name[16];		/* comm */
	char folder[4096];	/* working directory at the start */
	bool has_own_malloc;	/* written once, by start: see SEEP_PROCESS_HAS_OWN_MALLOC */
	bool follows_allocator; /* so, too: see SEEP_PROCESS_FOLLOWS_ALLOCATOR */
};

extern struct process_facts process_facts;

/* Call in the process itself, at its start or right after the fork. */
void process_facts_read(uint32_t forked_from);

struct process_memory {
	uint64_t rss_bytes, swap_bytes, vm_bytes;
	uint64_t anonymous_bytes; /* of rss_bytes; 0 before Linux 4.5 */
	uint64_t data_bytes;	  /* of vm_bytes */
};

/* Also right in the helper, which shares the memory. Zeros where /proc is missing. */
struct process_memory process_memory_read(void);

/* Whether pages of it are pinned for a device (RDMA, buffers of an io_uring): before Linux 5.12 these must
 * not become copy-on-write. Also true where that cannot be read. */
bool process_pins_memory(void);

/* How the process ended, for one that is a zombie or gone; `pidfd` may be -1. */
struct process_end {
	bool is_known;
	bool is_signal;
	int status;
};
struct process_end process_end_read(int pidfd);

/* For the helper, which is not its parent: true when the process is gone or a zombie. */
bool process_has_ended(void);
/* True when the pid belongs to another process by now, or to none. */
bool process_is_another(void);
/* When it was started, in ticks since the machine was; 0: not known. */
uint64_t process_start_ticks(uint32_t pid);
/* Of a fork that has ended: true where the kernel says still that it has become another program before. */
bool process_had_become_another(void);
/* True when that process has ended and nobody has waited for it. */
bool process_is_zombie(uint32_t pid);
/* The path of the program that it runs, "" where that is not known. Overwritten by the next call. */
const char *process_program_path(void);
/* True when children of the calling process are born into another PID namespace. */
bool process_children_are_elsewhere(void);
/* True when the process has left our memory for another program's (exec). */
bool process_has_new_memory(void);

#endif
