/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mark_judgement: what equal marks make of the judgement of a site.
 *
 * Each label is asked by itself, for "idle" and "busy" have different levels. They do not have the same
 * say: a block that is never freed is live in every state that the program comes to, so a leak shows
 * at every label. One label at which the site is level is therefore enough to clear it, whatever it
 * does at others: what "busy" needs ever more of, and "idle" has given back, is load. One label at
 * which it grows is enough for a leak if no other one clears it; a label at which it goes up and down
 * says nothing.
 *
 *   no label says anything          the judgement stays
 *   level at one                    no leak and not growing, but what its curve looks like
 *   grows at one, level at none     a leak, also where there were too few snapshots to say. Not where
 *                                   the ages of its blocks say that it comes ever slower
 *   the same, but it may slow down  growing, where there were too few snapshots to say
 *
 * What is flagged by its marks stands among all others with their p (see false_discovery). Sites that
 * are level could never have been found, and do not count there.
 */
#include "tools/model/mark_judgement.h"

#include <math.h>
#include <stdlib.h>

#include "tools/model/cohort_series.h"
#include "tools/model/equal_marks.h"
#include "tools/model/live_shape.h"
#include "tools/model/profile.h"
#include "tools/model/survivors.h"
#include "tools/model/verdict.h"

#define SECONDS_PER_HOUR 3600.0
#define MIN_STEPS 6	      /* with fewer a curve has no shape */
#define LEVEL_CONFIDENCE 0.95 /* of Sen's interval */

struct answer {
	const struct mark_label *label;
	struct mark_series series;
	struct mark_growth growth;
};

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

static bool is_said_to_grow(const struct judgement *judgement)
{
	return judgement->verdict == VERDICT_LEAK || judgement->verdict == VERDICT_GROWING;
}

/* Which of two labels says more about growth? `best` may be null. */
static bool is_better(const struct answer *answer, const struct answer *best)
{
	const struct mark_growth *growth = &answer->growth;
	if (!growth->is_rising || !best)
		return growth->is_rising;
	if (growth->keeps_pace != best->growth.keeps_pace)
		return growth->keeps_pace;
	return growth->p < best->growth.p;
}

/* What was found without the marks. */
static struct growth_claim claim_of_judgement(const struct judgement *judgement, size_t first,
					      size_t last)
{
	return (struct growth_claim){
		.blocks_per_s = judgement->growth.blocks_per_hour / SECONDS_PER_HOUR,
		.bytes_per_s = judgement->growth.bytes_per_hour / SECONDS_PER_HOUR,
		.is_of_length = judgement->evidence.is_of_length,
		.events_per_snapshot = last > first ? judgement->evidence.periods_that_kept /
							      (double)(last - first)
						    : 0,
	};
}

/* What the marks of one label say. */
static struct growth_claim claim_of_answer(const struct answer *answer)
{
	const struct mark_growth *growth = &answer->growth;
	const struct mark_series *series = &answer->series;
	double snapshots = series->snapshot[series->count - 1] - series->snapshot[growth->from];
	return (struct growth_claim){
		.blocks_per_s = growth->blocks.per_unit,
		.bytes_per_s = growth->bytes.per_unit,
		.is_of_length = growth->is_of_length,
		.events_per_snapshot = (double)growth->grew / snapshots,
	};
}

/* The label whose marks contradict what was found without them, or what those of `best` say; null where
 * none does. */
static const struct answer *find_level(const struct answer *answers, size_t count,
				       const struct judgement *judgement, const struct answer *best,
				       size_t first, size_t last)
{
	struct growth_claim claims[2];
	size_t claim_count = 0;
	if (is_said_to_grow(judgement))
		claims[claim_count++] = claim_of_judgement(judgement, first, last);
	if (best)
		claims[claim_count++] = claim_of_answer(best);
	for (size_t i = 0; i < count; i++)
		for (size_t c = 0; c < claim_count; c++)
			if (mark_growth_contradicts(&answers[i].series, &claims[c]))
				return &answers[i];
	return NULL;
}

static struct mark_evidence evidence_of(const struct answer *answer, enum mark_word word)
{
	const struct mark_growth *growth = &answer->growth;
	return (struct mark_evidence){
		.label = answer->label->text,
		.word = word,
		.mark_count = answer->label->mark_count,
		.steps = growth->steps,
		.grew = growth->grew,
		.is_of_length = growth->is_of_length,
		.low = growth->low,
		.high = growth->high,
	};
}

/* ---- level ---- */

/* The word that fits what it looks like otherwise. */
static enum verdict level_word(const struct profile *profile, const struct site *site, size_t first,
			       size_t last)
{
	struct cohort_series series;
	cohort_series_make(&series, profile, site, first, last);
	if (series.count < MIN_STEPS)
		return VERDICT_STABLE;
	if (live_shape_is_periodic(&series))
		return VERDICT_PERIODIC;
	struct survey survey =
		survey_make(&series, verdict_limits.startup_share, verdict_limits.recent_share);
	return live_shape_grew_before(&series, survey.first) ? VERDICT_PLATEAU : VERDICT_STABLE;
}

static void clear(const struct profile *profile, const struct site *site, size_t first, size_t last,
		  struct judgement *judgement)
{
	judgement->verdict = level_word(profile, site, first, last);
	judgement->is_flagged = false;
	judgement->confidence = LEVEL_CONFIDENCE;
	judgement->severity = SEVERITY_LOW;
	judgement->growth = (struct growth){.time_to_limit_s = NAN};
	judgement->snapshots_needed = 0;
}

/* ---- growth ---- */

/* That it grows at any label by chance. R. J. Simes, "An Improved Bonferroni Procedure for Multiple Tests
 * of Significance", Biometrika 73 (1986), holds for labels that rise and fall together. Sorts them. */
static double chance_of_all(double *p_values, size_t count)
{
	double least = 1;
	qsort(p_values, count, sizeof(*p_values), compare_doubles);
	for (size_t i = 0; i < count; i++)
		least = fmin(least, p_values[i] * (double)count / (double)(i + 1));
	return least;
}

static void measure(const struct answer *best, struct judgement *judgement)
{
	const struct mark_growth *growth = &best->growth;
	const struct mark_series *series = &best->series;
	size_t from = growth->from;
	size_t kink = trend_kink(series->time_s + from,
				 (growth->is_of_length ? series->bytes : series->blocks) + from,
				 series->count - from);
	judgement->growth = (struct growth){
		.bytes_per_hour = growth->bytes.per_unit * SECONDS_PER_HOUR,
		.bytes_per_hour_ci95 = {growth->bytes.low * SECONDS_PER_HOUR,
					growth->bytes.high * SECONDS_PER_HOUR},
		.blocks_per_hour = growth->blocks.per_unit * SECONDS_PER_HOUR,
		.since_s = series->time_s[from + kink],
		.time_to_limit_s = NAN,
	};
	if (!judgement->evidence.periods)
		judgement->evidence.is_of_length = growth->is_of_length;
}

static bool may_become_leak(const struct judgement *judgement)
{
	return judgement->verdict < VERDICT_LEAK && judgement->verdict != VERDICT_SATURATING &&
	       !judgement->evidence.is_slowing;
}

static void flag(const struct answer *best, double p, struct judgement *judgement)
{
	measure(best, judgement);
	judgement->evidence.drift_p = p;
	verdict_establish(judgement, (1 - p) * best->growth.certainty);
}

/* Nothing else is known of it. */
static bool is_without_shape(enum verdict verdict)
{
	return verdict == VERDICT_UNFREED || verdict == VERDICT_STABLE;
}

static void suspect(const struct answer *best, struct judgement *judgement)
{
	measure(best, judgement);
	judgement->verdict = VERDICT_GROWING;
	judgement->confidence = (1 - best->growth.p) * best->growth.certainty / 2;
	/* As many again: over twice the time what slows down shows it. */
	judgement->snapshots_needed = (unsigned)best->growth.steps;
}

/* ---- all ---- */

void mark_judgement_make(const struct equal_marks *marks, const struct profile *profile,
			 const struct site *site, size_t first, size_t last,
			 struct judgement *judgement)
{
	struct answer answers[EQUAL_MARKS_LABELS];
	size_t count = 0;
	const struct answer *best = NULL;
	double p_values[EQUAL_MARKS_LABELS];
	bool has_changed = false;
	for (size_t i = 0; i < marks->label_count; i++) {
		struct answer *answer = &answers[count];
		if (!equal_marks_tell(&marks->labels[i]))
			continue;
		count++;
		answer->label = &marks->labels[i];
		equal_marks_series(answer->label, profile, site, &answer->series);
		answer->growth = mark_growth_of(&answer->series);
		p_values[count - 1] = isnan(answer->growth.p) ? 1 : answer->growth.p;
		has_changed |= !isnan(answer->growth.p);
		if (is_better(answer, best))
			best = answer;
	}
	if (!count)
		return;
	judgement->marks = evidence_of(best ? best : &answers[0], MARKS_SAY_NOTHING);
	const struct answer *level = find_level(answers, count, judgement, best, first, last);
	if (level) {
		if (is_said_to_grow(judgement)) {
			clear(profile, site, first, last, judgement);
			judgement->marks = evidence_of(level, MARKS_SAY_LEVEL);
		}
		judgement->evidence.drift_p = NAN;
		return;
	}
	/* What is tested counts among all that are, also where only the marks could do it. */
	if (has_changed && isnan(judgement->evidence.drift_p) && !is_said_to_grow(judgement))
		judgement->evidence.drift_p = chance_of_all(p_values, count);
	if (best) {
		judgement->marks.word = best->growth.keeps_pace ? MARKS_SAY_GROWS : MARKS_SAY_RISES;
		if (may_become_leak(judgement) && best->growth.keeps_pace)
			flag(best, chance_of_all(p_values, count), judgement);
		else if (is_without_shape(judgement->verdict))
			suspect(best, judgement);
		return;
	}
	if (!has_changed && !is_said_to_grow(judgement))
		judgement->evidence.drift_p = NAN;
}
