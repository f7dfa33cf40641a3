/* SPDX-License-Identifier: Apache-2.0 */
/*
 * companions: which leaks are born together.
 *
 * Who forgets a session forgets its name, its buffers and its node in a list with it: one mistake, as many
 * leaks as the session has blocks. They give themselves away: of what is born in a period all of them keep
 * the same number, or one always twice that of another, in every period. Two mistakes may keep equally
 * much by the hour; that they do so in each of thirty periods is no chance. Besides, one function has
 * called both: what only main, or the first function of a thread, has in common may run in turns.
 */
#ifndef SEEP_MODEL_COMPANIONS_H
#define SEEP_MODEL_COMPANIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct profile;

/* So many leaks are compared at most; those behind them are alone. */
#define COMPANIONS_MAX 256

struct companion {
	/* Of a leak: its sites, as indices into profile->sites, and what only is compared with its
	 * like. */
	const uint32_t *sites;
	size_t site_count;
	int kind;
	/* The first of those with which it is together, itself where there is none before it. */
	size_t leader;
	/* Of a leader: the innermost call that all of them share, and whether each site keeps as many blocks
	 * in each period as any other, not only the same part. */
	uint32_t caller;
	bool is_same_number;
};

/* Over snapshots [first, last] (indices). Returns false without memory. */
bool companions_find(const struct profile *profile, size_t first, size_t last,
		     struct companion *leaks, size_t count);

/* What two leaks keep of each period, as blocks. The chance, at most, that they would be as close to one
 * proportion as they are if neither knew of the other: 1 where they are not. */
double companions_chance(const double *one, const double *other, size_t periods);

#endif
