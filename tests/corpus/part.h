/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part: one kind of program at play, alone in a process or one of several.
 *
 * A kind is a file in kinds/. Its start draws parameters and allocates what a program allocates
 * first; its step is called STEPS_PER_PERIOD times in each period and does that much work. Times
 * are in periods: play.c says how many milliseconds one is. Whatever a kind draws it draws from its
 * part, so that a seed gives the same amounts on every machine.
 *
 * A part that is sick leaks; the line that makes the difference asks is_sick. What is then true
 * stands in the head of the kind's file (README.md).
 */
#ifndef TESTS_CORPUS_PART_H
#define TESTS_CORPUS_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STEPS_PER_PERIOD 8
#define MOST_PERIODS 200

/* Allocates for its kind: stays a function of its own, and in the stack. */
#ifdef __clang__
#define SITE __attribute__((noinline))
#else
#define SITE __attribute__((noinline, noclone))
#endif

struct part {
	const char *name;
	bool is_sick;
	unsigned periods;   /* of the run */
	unsigned step;	    /* from 0 to periods * STEPS_PER_PERIOD */
	double rate;	    /* requests a period, on the average */
	double load;	    /* of them, now: about 1; a kind may set it in its step */
	bool has_own_load;  /* then it does */
	size_t usual_bytes; /* of a block */
	uint64_t random;
};

struct kind {
	const char *name;
	void (*start)(struct part *part);
	void (*step)(struct part *part);
	struct kind *next;
};

/* Makes the kind known to play.c. */
void part_offer(struct kind *kind);

#define KIND(name)                                                                                 \
	static struct kind kind_of_file = {#name, start, step, NULL};                              \
	__attribute__((constructor)) static void offer_kind(void)                                  \
	{                                                                                          \
		part_offer(&kind_of_file);                                                         \
	}                                                                                          \
	struct kind /* so that a semicolon follows */

/* ---- parameters: drawn once, and printed ---- */

double part_draw(struct part *part, const char *what, double low, double high);
/* Evenly over the orders of magnitude. */
double part_draw_scale(struct part *part, const char *what, double low, double high);

/* ---- chance ---- */

double part_uniform(struct part *part, double low, double high);
bool part_chance(struct part *part, double share);
double part_normal(struct part *part);
/* A whole number of things of which there are so many on the average. */
unsigned part_poisson(struct part *part, double mean);
/* A time that is mostly short (1), around its typical value (2), or has a heavy tail (3). */
double part_exponential(struct part *part, double mean);
double part_lognormal(struct part *part, double typical, double spread);
double part_pareto(struct part *part, double least, double power);

/* ---- work ---- */

/* Requests in this step; of those that come so often in a period at a load of 1. */
unsigned part_requests(struct part *part);
unsigned part_events(struct part *part, double per_period);
/* The time, in periods since the start, and as a share of the run. */
double part_now(const struct part *part);
double part_share(const struct part *part);
/* The size of a block. */
size_t part_bytes(struct part *part);
/* Ends the program with a line where it does not hold. */
void part_require(bool holds, const char *what);
/* The block; ends the program where there is none. No compiler takes away what passes here. */
void *part_check(void *block);

/* ---- a calendar: things that are due later ---- */

struct due {
	struct due *next;
};

struct calendar {
	struct due *days[MOST_PERIODS * STEPS_PER_PERIOD + 1];
};

/* Puts it where it will be found `periods` from now; after the end of the run it is never found. */
void calendar_add(struct calendar *calendar, const struct part *part, struct due *due,
		  double periods);
/* One that is due now, or null. */
struct due *calendar_take(struct calendar *calendar, const struct part *part);

#ifdef __cplusplus
}
#endif
#endif
