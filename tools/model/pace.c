/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace: does what is added come ever slower?
 */
#include "tools/model/pace.h"

#include <math.h>

#define MAX_DECLINE 20
#define ROUNDS 20
/* Nothing is known to be evener than this, however regular a few amounts look. */
#define LEAST_DISPERSION 0.25

/* What the model says of where the additions lie. */
struct place {
	double weight, mean, variance;
};

static struct place model_at(const double *clock, size_t count, double all, double decline)
{
	double weight = 0, sum = 0, squares = 0, end = 0;
	const bool is_even = decline == 0; /* the first guess; an exp less for each amount */
	for (size_t i = 0; i < count; i++) {
		double x = (end + clock[i] / 2) / all,
		       w = clock[i] * (is_even ? 1 : exp(-decline * x));
		end += clock[i];
		weight += w;
		sum += w * x;
		squares += w * x * x;
	}
	double mean = sum / weight;
	return (struct place){weight, mean, squares / weight - mean * mean};
}

struct pace pace_fit(const double *amounts, const double *clock, size_t count)
{
	struct pace pace = {.error = INFINITY, .dispersion = 1};
	double all = 0, total = 0, moment = 0, end = 0;
	for (size_t i = 0; i < count; i++)
		all += clock[i];
	if (count < 3 || !(all > 0))
		return pace;
	for (size_t i = 0; i < count; i++) {
		total += amounts[i];
		moment += amounts[i] * (end + clock[i] / 2) / all;
		end += clock[i];
	}
	if (!(total > 0))
		return pace;

	double wanted = moment / total;
	struct place place = model_at(clock, count, all, 0);
	for (int round = 0; round < ROUNDS && place.variance > 0; round++) {
		double step = (place.mean - wanted) / place.variance;
		/* A step of more than 2 leaves the part where the curve is nearly straight. */
		step = fmax(-2, fmin(2, step));
		pace.decline = fmax(-MAX_DECLINE, fmin(MAX_DECLINE, pace.decline + step));
		place = model_at(clock, count, all, pace.decline);
		if (fabs(step) < 1e-4)
			break;
	}

	double squares = 0;
	size_t used = 0;
	end = 0;
	for (size_t i = 0; i < count; i++) {
		double x = (end + clock[i] / 2) / all;
		end += clock[i];
		double expected = total * clock[i] * exp(-pace.decline * x) / place.weight;
		if (!(expected > 0))
			continue;
		squares += (amounts[i] - expected) * (amounts[i] - expected) / expected;
		used++;
	}
	if (used > 2)
		pace.dispersion = fmax(LEAST_DISPERSION, squares / (double)(used - 2));
	if (place.variance > 0)
		pace.error = sqrt(pace.dispersion / (total * place.variance));
	return pace;
}

bool pace_is_below(struct pace pace, double decline, double z)
{
	return pace.decline + z * pace.error < decline;
}
