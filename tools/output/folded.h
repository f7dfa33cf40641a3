/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folded: collapsed stacks, one line each, as flame graph tools read them.
 *
 *     main;handle_client;open_session 4411392
 *
 * Outermost frame first, inlined functions as frames of their own, ';' between frames, then a blank
 * and the value. Equal stacks are one line; stacks whose value is 0 are left out.
 */
#ifndef SEEP_OUTPUT_FOLDED_H
#define SEEP_OUTPUT_FOLDED_H

#include <stddef.h>
#include <stdio.h>

struct report;

enum folded_value {
	FOLDED_LIVE_BYTES,
	FOLDED_LIVE_BLOCKS,
	FOLDED_ALLOCATIONS,
	FOLDED_ALLOCATED_BYTES,
	/* Of what is live, what the newest scan has found definitely or indirectly lost. */
	FOLDED_LOST_BYTES,
	FOLDED_LOST_BLOCKS,
};

/* "live_bytes" and so on, without those of a scan; -EINVAL for another text. */
int folded_value_of(const char *name, enum folded_value *value);

/* The state at snapshot index `snapshot`; symbols must have been filled in for all sites. Returns 0
 * or -ENOMEM; errors of writing stay in the stream. */
int folded_write(FILE *stream, const struct report *report, size_t snapshot,
		 enum folded_value value);

#endif
