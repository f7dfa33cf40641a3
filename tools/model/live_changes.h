/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_changes: what came and went of what lives, in blocks or in bytes.
 */
#ifndef SEEP_MODEL_LIVE_CHANGES_H
#define SEEP_MODEL_LIVE_CHANGES_H

#include "tools/model/rise.h"

struct live_changes {
	double amounts[SERIES_MAX_STEPS]; /* what came, by period */
	double grown, shrunk;		  /* in all */
	double late;			  /* both, in the last part: see survey.then */
};

/* Of the periods behind step `before`. Fills in the rise what is known without asking: times and values
 * from that step on, how many amounts there are, and how many of them are positive. */
void live_changes_take(struct live_changes *changes, const struct inquiry *inquiry,
		       const double *live, size_t before, struct rise *rise);

#endif
