/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel_pointers: addresses that the program has given to the kernel to get them back later.
 *
 * Many a server keeps its connections nowhere but in epoll_event.data, and what a timer is about in its
 * sigevent. Both the kernel shows in /proc. It does not show what an io_uring holds.
 */
#ifndef LIB_SCAN_KERNEL_POINTERS_H
#define LIB_SCAN_KERNEL_POINTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/scan/root_list.h"
#include "lib/scan/scan_memory.h"

struct kernel_pointers {
	struct buffer epoll, timers; /* words */
	bool is_blind;	/* there are others that it does not show, or it does not let us look */
	bool is_closed; /* of these: it does not let us look, as after a change of user */
};

/* In the helper: reads those of process `pid`. Release them. */
void kernel_pointers_read(struct kernel_pointers *pointers, uint32_t pid);
void kernel_pointers_release(struct kernel_pointers *pointers);

/* In the copy: adds them to the roots. */
void kernel_pointers_add(const struct kernel_pointers *pointers, struct scan_memory *memory,
			 struct root_list *roots);

#endif
