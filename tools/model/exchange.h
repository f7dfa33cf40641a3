/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange: does a site grow because other sites of the same pool shrink?
 *
 * Many programs keep what was freed and hand it out again to whoever asks next: free lists of objects,
 * pools above malloc. A block there belongs to the site that once allocated it, whoever uses it now. So
 * one site may gain for hours what its siblings lose, and the pool as a whole keeps its size. A pool is
 * taken for those sites that have the innermost frames in common, or blocks of one size, or for all sites
 * of the process. One that grows as a whole is none: then the site may leak.
 */
#ifndef SEEP_MODEL_EXCHANGE_H
#define SEEP_MODEL_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>

struct judgement;
struct profile;

#define EXCHANGE_FRAMES 4  /* innermost ones that sites of a pool have in common, at most */
#define EXCHANGE_SITES 128 /* so many leaks are asked about; more are no exchange between a few */

/* Do these sites together hand freed blocks out again? `live` and `allocations` (so far) are theirs at
 * `count` moments. Who does asks malloc only when none is left, so that nearly every block that is
 * allocated makes the sum larger; and part of it is given back, now and then. */
bool exchange_hands_out_again(const double *live, const double *allocations, size_t count);

/* Makes leaks that are an exchange level sites. `judgements` are those of profile->sites over snapshots
 * [first, last]. Returns false without memory, and has changed nothing then. */
bool exchange_withdraw(const struct profile *profile, size_t first, size_t last,
		       struct judgement *judgements);

#endif
