/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch_jobs: work comes in bursts, with quiet times in between. Of each job a summary is kept for
 * the list of the last jobs.
 *
 * Sick: that list has no end.
 *
 *   leak summary_keep
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

struct summary {
	struct summary *newer;
	char text[];
};

static struct summary *oldest, **newest = &oldest;
static unsigned count, most;
static double jobs, busy_share;

static SITE void summary_keep(struct part *part)
{
	struct summary *summary = part_check(malloc(sizeof(struct summary) + part_bytes(part)));

	summary->newer = NULL;
	*newest = summary;
	newest = &summary->newer;
	count++;
}

static void forget_oldest(void)
{
	struct summary *summary = oldest;

	oldest = summary->newer;
	free(summary);
	count--;
}

static void start(struct part *part)
{
	jobs = part_draw_scale(part, "jobs", 5, 60);
	busy_share = part_draw(part, "busy_share", 0.25, 0.6);
	most = 5 + (unsigned)(jobs * busy_share * part->periods * part_draw(part, "most", 0, 0.25));
	part->has_own_load = true;
	part->load = 0;
}

static void step(struct part *part)
{
	/* Whether there is work is decided for a period. */
	if (part->step % STEPS_PER_PERIOD == 0)
		part->load = part_chance(part, busy_share) ? part_uniform(part, 0.5, 1.5) : 0;
	for (unsigned i = part_events(part, jobs); i; i--) {
		void *scratch = part_check(malloc(part_bytes(part) * 4));

		summary_keep(part);
		free(scratch);
		if (count > most && !part->is_sick)
			forget_oldest();
	}
}

KIND(batch_jobs);
