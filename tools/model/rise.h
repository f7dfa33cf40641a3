/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rise: what of a site adds up, and every doubt whether it goes on for ever.
 */
#ifndef SEEP_MODEL_RISE_H
#define SEEP_MODEL_RISE_H

#include <stddef.h>

#include "tools/model/cohort_series.h"
#include "tools/model/pace.h"
#include "tools/model/survivors.h"
#include "tools/model/verdict.h"

/* Why a rise is not called a leak; of two rises the one with the later doubt speaks for the site, as
 * it came further. */
enum doubt {
	DOUBT_NOTHING_THERE,
	DOUBT_MORTAL,
	DOUBT_LEVEL,
	DOUBT_REPLACED, /* as many of those born before die; of a buffer: none grew lately */
	DOUBT_SLOWS,
	DOUBT_RISES, /* all that lives becomes more, whatever is kept, and that may stop: see backlog.h */
	DOUBT_VAGUE, /* too little is seen */
	DOUBT_NONE,
};

enum rise_kind {
	RISE_OF_SURVIVORS, /* blocks that have reached an age */
	RISE_OF_LENGTH,	   /* bytes of blocks that become longer */
	RISE_OF_CHUNKS,	   /* bytes of blocks each of which is longer than those before it */
	RISE_OF_BACKLOG,   /* all that lives, whether it is kept or not: see backlog.h */
};

/* What adds up: values at times, amounts of periods. Up to DOUBT_MORTAL only the doubt is there, up to
 * DOUBT_REPLACED everything but the pace. */
struct rise {
	enum doubt doubt;
	enum rise_kind kind;
	size_t count; /* of values */
	double times[SERIES_MAX_STEPS], values[SERIES_MAX_STEPS];
	double z;	 /* of the values: the less sure of two tests */
	bool has_ended;	 /* nothing more comes lately, and that is no chance */
	double kept;	 /* the least of the shares that are kept */
	size_t amounts;	 /* how many periods … */
	size_t positive; /* … in how many something was added */
	struct pace pace;
	enum verdict_clock clock;
	struct survivors survivors; /* only of these */
};

/* What is asked about, and how strictly. */
struct inquiry {
	const struct cohort_series *series;
	const struct verdict_limits *limits;
	struct survey survey;
	double births; /* of the judged periods */
};

/* Ages that are asked about, in steps before the last one. */
#define RISE_AGE_COUNT 15
extern const size_t rise_ages[RISE_AGE_COUNT];

struct inquiry rise_inquire(const struct cohort_series *series,
			    const struct verdict_limits *limits);

/* Blocks that have reached an age, at the age that comes furthest. */
void rise_find_survivors(const struct inquiry *inquiry, struct rise *rise);
/* The bytes of blocks that become longer and not more: realloc makes them anew, so they never reach
 * an age. */
void rise_find_length(const struct inquiry *inquiry, struct rise *rise);
/* What is in vectors and tables that become so many times longer whenever they are full. */
void rise_find_steps(const struct inquiry *inquiry, struct rise *rise);

/* How sure it is that the values rise: the less sure of a test of their order and one of their changes. */
double rise_certainty(const double *values, size_t count);

/* Clearly slower than in the beginning: the decline is more than allowed, and that is no chance. */
bool rise_is_slower(const struct verdict_limits *limits, struct pace pace);

#endif
