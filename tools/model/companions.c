/* SPDX-License-Identifier: Apache-2.0 */
/*
 * companions: that two leaks have nothing to do with each other, as a hypothesis, and how unlikely it is.
 *
 * Let the two keep blocks independently of each other, at rates that may change in any way as long as
 * they change alike, as with load. Then of the n blocks that a period has left in both, the first has
 * left a binomial number with the same share q everywhere (J. Przyborowski and H. Wilenski, "Homogeneity
 * of results in testing samples from Poisson series", Biometrika 31 (1940)), and the distance from q n
 * adds up over the periods. Companions stay too near: how unlikely so small a sum is has a bound
 * (H. Chernoff, "A measure of asymptotic efficiency for tests of a hypothesis based on the sum of
 * observations", Annals of Mathematical Statistics 23 (1952)). So five blocks in five periods prove
 * nothing, and bursts that both have at the same time prove nothing by that alone.
 */
#include "tools/model/companions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/cohort_series.h"
#include "tools/model/profile.h"
#include "tools/model/runtime_module.h"
#include "tools/model/verdict.h"

/* All comparisons of a run together may be wrong this often. */
#define CHANCE 1e-3
/* So far from one proportion at most, as a part of what the smaller one keeps: a block may be born just
 * before a period ends, and what belongs to it just behind. */
#define MAX_APART 0.05
/* In the youngest periods live those that will be freed. */
#define YOUNG_SHARE 0.15
/* Of more blocks the binomial distribution is a normal one, as far as it matters. */
#define MANY 300
/* Of a leak with more sites only so many are looked at, as if it had no more. */
#define MAX_SITES 512

/* ---- chance ---- */

/* The mean of exp(-s |X|) of a normal X around 0. */
static double normal_mean(double deviation, double s)
{
	double x = s * deviation / M_SQRT2;
	return x > 20 ? 1 / (x * sqrt(M_PI)) : exp(x * x) * erfc(x);
}

/* The mean of exp(-s |X - q n|) of a binomial X. */
static double mean_of(double n, double q, double s)
{
	if (n > MANY)
		return normal_mean(sqrt(n * q * (1 - q)), s);
	double sum = 0, choices = lgamma(n + 1);
	for (double k = 0; k <= n; k++)
		sum += exp(choices - lgamma(k + 1) - lgamma(n - k + 1) + k * log(q) +
			   (n - k) * log1p(-q) - s * fabs(k - q * n));
	return sum;
}

static double sum_of(const double *numbers, size_t count)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += numbers[i];
	return sum;
}

/* In blocks of `one`. */
static double distance(const double *one, const double *other, size_t periods, double share)
{
	double sum = 0;
	for (size_t i = 0; i < periods; i++)
		sum += fabs(one[i] - share * (one[i] + other[i]));
	return sum;
}

double companions_chance(const double *one, const double *other, size_t periods)
{
	double ones = sum_of(one, periods), others = sum_of(other, periods);
	if (!(ones > 0) || !(others > 0))
		return 1;
	double share = ones / (ones + others), apart = distance(one, other, periods, share);
	if (apart > MAX_APART * fmin(ones, others))
		return 1;
	double least = 0;
	for (double s = 1.0 / 64; s <= 64; s *= 2) {
		double bound = s * apart;
		for (size_t i = 0; i < periods; i++)
			if (one[i] + other[i] > 0)
				bound += log(mean_of(round(one[i] + other[i]), share, s));
		least = fmin(least, bound);
	}
	return exp(least);
}

/* ---- leaks of a run ---- */

struct births {
	double kept[SERIES_MAX_STEPS];	      /* of all sites of a leak … */
	double kept_by_one[SERIES_MAX_STEPS]; /* … and of its first */
	size_t periods;
	uint32_t caller;
	bool is_same_number;
};

/* What of each period but the youngest ones is still there, without what was there before. Old periods
 * that the target may have merged, of one site sooner than of another, are one. */
static size_t keep_of(const struct cohort_series *series, double *kept)
{
	size_t last = series->count - 1, count = 0, before = SIZE_MAX;
	double start = series->time_s[0], end = series->time_s[last];
	double until = end - YOUNG_SHARE * (end - start);
	for (size_t i = 0; i <= last && series->time_s[i] <= until; i++) {
		if (!series->is_cut[i])
			continue;
		if (before != SIZE_MAX)
			kept[count++] = (series->blocks[last][i] - series->blocks[last][before]) /
					series->unit;
		before = i;
	}
	return count;
}

static uint32_t common_caller(const struct profile *profile, uint32_t one, uint32_t other)
{
	/* A parent's id is smaller. */
	while (one != other) {
		if (one > other)
			one = profile->nodes[one].parent;
		else
			other = profile->nodes[other].parent;
	}
	return one;
}

static bool are_equal(const double *one, const double *other, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fabs(one[i] - other[i]) >= 0.5)
			return false;
	return true;
}

static void note_births(const struct profile *profile, size_t first, size_t last,
			const struct companion *leak, struct cohort_series *series,
			struct births *births)
{
	double kept[SERIES_MAX_STEPS];
	*births = (struct births){.is_same_number = true};
	for (size_t i = 0; i < leak->site_count; i++) {
		const struct site *site = &profile->sites[leak->sites[i]];
		births->caller =
			i ? common_caller(profile, births->caller, site->stack) : site->stack;
		if (i >= MAX_SITES)
			continue;
		cohort_series_make(series, profile, site, first, last);
		size_t periods = series->count ? keep_of(series, kept) : 0;
		if (!i) {
			births->periods = periods;
			memcpy(births->kept_by_one, kept, periods * sizeof(*kept));
		}
		for (size_t p = 0; p < births->periods; p++)
			births->kept[p] += kept[p];
		births->is_same_number &= are_equal(kept, births->kept_by_one, births->periods);
	}
}

static bool are_together(const struct births *one, const struct births *other, double chance)
{
	return companions_chance(one->kept, other->kept, one->periods) <= chance;
}

static bool have_same_number(const struct births *one, const struct births *other)
{
	return one->is_same_number && other->is_same_number &&
	       are_equal(one->kept_by_one, other->kept_by_one, one->periods);
}

/* Where any of them is tidied up the others are compared no further: all series shall have the same
 * steps. */
static size_t end_of_work(const struct profile *profile, size_t first, size_t last,
			  const struct companion *leaks, size_t count)
{
	size_t end = last;
	for (size_t i = 0; i < count; i++)
		for (size_t s = 0; s < leaks[i].site_count && s < MAX_SITES; s++) {
			const struct site *site = &profile->sites[leaks[i].sites[s]];
			size_t own = cohort_series_end_of_work(profile, site, first, last);
			end = own < end ? own : end;
		}
	return end;
}

/* Each joins the first one that it is together with. */
static void choose_leaders(const struct profile *profile, struct companion *leaks,
			   struct births *births, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct births *own = &births[i];
		for (size_t j = 0; j < i && leaks[i].leader == i; j++) {
			struct births *before = &births[j];
			uint32_t caller = common_caller(profile, own->caller, before->caller);
			if (leaks[j].leader != j || leaks[j].kind != leaks[i].kind ||
			    !runtime_module_is_left(profile, caller) ||
			    !are_together(before, own, CHANCE / (double)count))
				continue;
			leaks[i].leader = j;
			before->caller = caller;
			before->is_same_number = have_same_number(before, own);
		}
	}
	for (size_t i = 0; i < count; i++) {
		leaks[i].caller = births[i].caller;
		leaks[i].is_same_number = births[i].is_same_number;
	}
}

bool companions_find(const struct profile *profile, size_t first, size_t last,
		     struct companion *leaks, size_t count)
{
	size_t compared = count < COMPANIONS_MAX ? count : COMPANIONS_MAX;
	for (size_t i = 0; i < count; i++)
		leaks[i].leader = i;
	if (compared < 2 || last - first + 1 < VERDICT_MIN_SNAPSHOTS)
		return true;
	struct births *births = malloc(compared * sizeof(*births));
	struct cohort_series *series = malloc(sizeof(*series));
	bool is_fine = births && series;
	last = end_of_work(profile, first, last, leaks, compared);
	for (size_t i = 0; is_fine && i < compared; i++)
		note_births(profile, first, last, &leaks[i], series, &births[i]);
	if (is_fine)
		choose_leaders(profile, leaks, births, compared);
	free(births);
	free(series);
	return is_fine;
}
