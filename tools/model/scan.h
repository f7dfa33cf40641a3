/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan: which live blocks the program can still get at, by site; see struct seep_scan in the format.
 *
 * The data is part of a profile; profile_scan and site_scanned in profile.h say of which snapshot it
 * holds. The two functions are for tools/model only.
 */
#ifndef SEEP_MODEL_SCAN_H
#define SEEP_MODEL_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "seep/snapshot_format.h"
#include "tools/model/payload_decoder.h"

struct arena;
struct node_table;

/* What became of the blocks of one site. */
struct scanned_site {
	uint32_t stack;
	struct block_sum definitely, indirectly, possibly, reachable;
	/* of any sites: indirectly lost, and held only by those of this site that are definitely
	 * lost */
	struct block_sum below;
	uint32_t head; /* a site under whose definitely lost blocks its indirectly lost ones hang; 0
			* where the file does not say */
};

struct scan {
	struct seep_scan raw; /* as written; outcome may be one that only a newer version knows */
	double time_s;	      /* since the start of the run */
	struct scanned_site *sites; /* in rising order of stack id; those with live blocks */
	size_t site_count;
};

/* Makes `*scan` of the payload of a record; a newer one takes the place of an older one. Returns 0,
 * -EBADMSG (then `*scan` is as it was), or -ENOMEM. */
int scan_read(struct scan **scan, struct payload payload, double time_s, struct arena *arena);

/* Puts the ids that stand for them in the place of the stacks, and adds up those that are then the
 * same. Of null it does nothing. Returns 0, or -EBADMSG when there were unknown stacks, which are left
 * out. */
int scan_link(struct scan *scan, const struct node_table *nodes);

/* The site's entry, null where it has none. */
const struct scanned_site *scan_site(const struct scan *scan, uint32_t stack);

#endif
