/* SPDX-License-Identifier: Apache-2.0 */
/*
 * near_stacks: the sites of a run whose stacks may have the same functions as those that are shown.
 *
 * Which number a site has among its twins must not depend on how many of them a report shows.
 */
#ifndef SEEP_SYMBOLS_NEAR_STACKS_H
#define SEEP_SYMBOLS_NEAR_STACKS_H

#include <stdbool.h>

struct report;
struct site_twins;
struct stack_frames;

/* Notes the resolved sites of the report, and of all others of its profile those that are twins of one.
 * False without memory. */
bool near_stacks_note(struct stack_frames *frames, const struct report *report,
		      struct site_twins *twins);

#endif
