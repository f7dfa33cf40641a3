/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_judgements: all sites of a run judged, each by itself and then among the others.
 */
#include "tools/model/site_judgements.h"

#include <math.h>
#include <stdlib.h>

#include "tools/model/arena.h"
#include "tools/model/equal_marks.h"
#include "tools/model/exchange.h"
#include "tools/model/false_discovery.h"
#include "tools/model/finding.h"
#include "tools/model/mark_judgement.h"
#include "tools/model/profile.h"
#include "tools/model/reachability.h"
#include "tools/model/verdict.h"
#include "tools/model/weight.h"

bool site_judgements_make(const struct profile *profile, size_t first, size_t last,
			  struct judgement *judgements)
{
	double *p_values = malloc((profile->site_count + 1) * sizeof(*p_values));
	struct equal_marks marks;
	size_t count = 0;
	if (!p_values || !equal_marks_find(&marks, profile, first, last)) {
		free(p_values);
		return false;
	}
	for (size_t i = 0; i < profile->site_count; i++) {
		if (!site_at(&profile->sites[i], last))
			continue; /* it began later */
		judgements[i] = verdict_judge(profile, &profile->sites[i], first, last);
		mark_judgement_make(&marks, profile, &profile->sites[i], first, last,
				    &judgements[i]);
		if (!isnan(judgements[i].evidence.drift_p))
			p_values[count++] = judgements[i].evidence.drift_p;
	}
	double limit = false_discovery_limit(p_values, count, FALSE_DISCOVERY_RATE);
	free(p_values);
	for (size_t i = 0; i < profile->site_count; i++)
		if (judgements[i].verdict == VERDICT_LEAK && judgements[i].evidence.drift_p > limit)
			verdict_withdraw(&judgements[i], last - first + 1);
	return exchange_withdraw(profile, first, last, judgements);
}

bool site_judgements_weigh(const struct profile *profile, size_t first, size_t last,
			   struct judgement *judgements)
{
	struct finding_list findings;
	struct arena *arena = arena_new();
	bool is_fine = arena &&
		       finding_list_make(profile, judgements, first, last, arena, &findings) == 0 &&
		       weight_set_minor(profile, first, last, judgements, &findings);
	if (is_fine)
		reachability_judge(profile, last, judgements);
	arena_free(arena);
	return is_fine;
}
