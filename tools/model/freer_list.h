/* SPDX-License-Identifier: Apache-2.0 */
/*
 * freer_list: who frees the blocks of a site, or of several together: stacks, the most frequent first.
 */
#ifndef SEEP_MODEL_FREER_LIST_H
#define SEEP_MODEL_FREER_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct frame;
struct profile;
struct site;

/* Of more stacks those that free the least are left out; their share is missing then. */
#define FREER_LIST_MAX 16

struct freer {
	uint32_t stack;
	double share;	      /* of all frees that were samples */
	struct frame *frames; /* as those of a site; null until symbols have been filled in */
	size_t frame_count;
};

struct freer_list {
	struct freer *freers; /* null where the file does not say */
	size_t count;
	double samples; /* of all stacks, also of those that are left out */
};

/* Who frees the blocks of `sites`, as far as frees were sampled in the run. Memory is taken from
 * `arena`; false where there is none. */
bool freer_list_make(struct freer_list *list, const struct profile *profile,
		     const struct site *const *sites, size_t site_count, struct arena *arena);

#endif
