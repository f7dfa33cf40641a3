/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hidden_mappings: memory that the program has told the kernel not to copy (MADV_DONTFORK).
 *
 * V8 has its whole heap in such mappings. Which they are only /proc/PID/smaps says, which takes as long
 * as a walk over all page tables. So the copy is asked which mappings it lacks; then another one is
 * made, for the moment of which they are not hidden.
 */
#ifndef LIB_SCAN_HIDDEN_MAPPINGS_H
#define LIB_SCAN_HIDDEN_MAPPINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/scan/memory_layout.h"
#include "lib/scan/memory_spans.h"
#include "lib/scan/process_copy.h"

#define HIDDEN_MAPPINGS_MAX 32768u

struct hidden_mappings {
	struct memory_span *known; /* the program's own anonymous mappings, by rising address */
	uint32_t known_count;
	struct memory_span *hidden; /* those that a copy has lacked */
	uint32_t hidden_count;
};

/* In the helper. Lists the mappings of now; false when there is no memory or no /proc. Release it in any
 * case. */
bool hidden_mappings_list(struct hidden_mappings *mappings);
void hidden_mappings_release(struct hidden_mappings *mappings);

/* Around making a copy, while no thread of the program runs. */
void hidden_mappings_show(const struct hidden_mappings *mappings);
void hidden_mappings_hide(const struct hidden_mappings *mappings);

/* In the copy: says to the helper which it lacks. Returns how many. */
uint32_t hidden_mappings_say(const struct hidden_mappings *mappings,
			     const struct memory_layout *layout, int fd);

/* In the helper: hears it. False when the copy ended before. Those that it lacked are hidden. */
bool hidden_mappings_hear(struct hidden_mappings *mappings, struct process_copy *copy,
			  uint32_t *lacked);

#endif
