/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holder_names: what is on the ways by which blocks are held, for symbols.
 *
 * Variables and running functions for the places that ways begin at (report->holder_places), and for the
 * blocks that they go through the functions that allocate them.
 */
#ifndef SEEP_SYMBOLS_HOLDER_NAMES_H
#define SEEP_SYMBOLS_HOLDER_NAMES_H

#include <stdbool.h>

struct frame;
struct report_site;
struct stack_frames;

struct holder_names {
	struct stack_frames *frames; /* filled in by the owner */
	/* By stack of the report's profile; null until asked for. */
	const struct frame **allocating;
};

/* Fills in what `site` is held by; it is one of the report of the frames. False without memory. */
bool holder_names_fill_in(struct holder_names *names, const struct report_site *site);
void holder_names_free(struct holder_names *names);

#endif
