/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part: chance, load and the calendar.
 *
 * Allocates nothing, for what it allocated would be a site of every kind. Load is noise that stays
 * high or low for some steps, as in most servers.
 */
#include "tests/corpus/part.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t random_next(struct part *part)
{
	/* splitmix64 (Steele, Lea, Flood 2014): any seed is a good one. */
	uint64_t z = part->random += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

double part_uniform(struct part *part, double low, double high)
{
	return low + (high - low) * ((double)(random_next(part) >> 11) * 0x1p-53);
}

static double print_drawn(const char *what, double value)
{
	printf(" %s=%.4g", what, value);
	return value;
}

double part_draw(struct part *part, const char *what, double low, double high)
{
	return print_drawn(what, part_uniform(part, low, high));
}

double part_draw_scale(struct part *part, const char *what, double low, double high)
{
	return print_drawn(what, exp(part_uniform(part, log(low), log(high))));
}

bool part_chance(struct part *part, double share)
{
	return part_uniform(part, 0, 1) < share;
}

double part_normal(struct part *part)
{
	double radius = sqrt(-2 * log(1 - part_uniform(part, 0, 1)));

	return radius * cos(part_uniform(part, 0, 2 * M_PI));
}

unsigned part_poisson(struct part *part, double mean)
{
	double limit = exp(-mean), product = part_uniform(part, 0, 1);
	unsigned count = 0;

	if (mean > 50)
		return (unsigned)fmax(0, mean + sqrt(mean) * part_normal(part) + 0.5);
	for (; product > limit; count++)
		product *= part_uniform(part, 0, 1);
	return count;
}

double part_exponential(struct part *part, double mean)
{
	return -mean * log(1 - part_uniform(part, 0, 1));
}

double part_lognormal(struct part *part, double typical, double spread)
{
	return typical * exp(spread * part_normal(part));
}

double part_pareto(struct part *part, double least, double power)
{
	return least * pow(1 - part_uniform(part, 0, 1), -1 / power);
}

unsigned part_requests(struct part *part)
{
	return part_events(part, part->rate);
}

unsigned part_events(struct part *part, double per_period)
{
	return part_poisson(part, per_period * part->load / STEPS_PER_PERIOD);
}

double part_now(const struct part *part)
{
	return (double)part->step / STEPS_PER_PERIOD;
}

double part_share(const struct part *part)
{
	return part_now(part) / part->periods;
}

size_t part_bytes(struct part *part)
{
	return (size_t)part_lognormal(part, (double)part->usual_bytes, 0.3) + 24;
}

void part_require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "corpus: no %s\n", what);
	exit(2);
}

void *part_check(void *block)
{
	part_require(block, "memory");
	__asm__ volatile("" : : "r"(block) : "memory");
	return block;
}

void calendar_add(struct calendar *calendar, const struct part *part, struct due *due,
		  double periods)
{
	double day = part->step + 1 + floor(periods * STEPS_PER_PERIOD);
	struct due **slot = &calendar->days[(size_t)fmin(day, MOST_PERIODS * STEPS_PER_PERIOD)];

	due->next = *slot;
	*slot = due;
}

struct due *calendar_take(struct calendar *calendar, const struct part *part)
{
	struct due **slot = &calendar->days[part->step], *due = *slot;

	if (due)
		*slot = due->next;
	return due;
}
