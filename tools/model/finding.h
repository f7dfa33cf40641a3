/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding: which leaking sites are one leak.
 *
 * A wrapper that leaks is many sites, one for each way to reach it, each perhaps too small to be
 * flagged; and one bad caller of a good wrapper must not be lost among the others. So besides sites
 * there are groups: the sites under one caller (an ancestor in the call tree), and those that share
 * their innermost frames (the wrapper and what it was called by, up to a few frames). A group is a
 * finding when its sum is judged a leak and all of its sites leak the same part of what they
 * allocate, as far as chance lets see; else its sites stand for themselves.
 */
#ifndef SEEP_MODEL_FINDING_H
#define SEEP_MODEL_FINDING_H

#include <stddef.h>
#include <stdint.h>

#include "tools/model/verdict.h"

struct arena;
struct profile;

/* So many groups are asked at most whether they leak: those that stand out the most. */
#define FINDING_MAX_JUDGED 400

enum finding_kind {
	FINDING_SITE,	/* of itself */
	FINDING_CALLER, /* all stacks through the node `node` */
	FINDING_CALLEE, /* all stacks with the `depth` innermost frames of the stack `node` */
	FINDING_TOGETHER, /* those that are born and kept together, under the node `node`; see report_join */
	FINDING_LOST, /* the site of the stack `node`, first, and those of which only its lost blocks
			 * hold what they have; see reachability.h */
};

struct finding {
	enum finding_kind kind;
	uint32_t node;	/* see kind */
	uint32_t depth; /* of FINDING_CALLEE: 1 is the function that called the allocator */
	struct judgement judgement;
	const uint32_t *sites; /* indices into profile->sites, those that keep the most first */
	size_t site_count;
	double share_kept; /* of the blocks that these sites allocated after start-up; NAN: not asked */
};

struct finding_list {
	struct finding *findings; /* fastest growing first */
	size_t count;
};

/* `judgements` are those of profile->sites over snapshots [first, last] (indices). The list lies in
 * `arena`. Returns 0 or -ENOMEM. */
int finding_list_make(const struct profile *profile, const struct judgement *judgements,
		      size_t first, size_t last, struct arena *arena, struct finding_list *list);

#endif
