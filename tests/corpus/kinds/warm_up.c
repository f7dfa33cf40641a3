/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warm_up: functions are compiled when they are called for the first time; in the beginning most
 * are new, later hardly any.
 *
 * Sick: guesses that the code was built on turn out wrong now and then, it is compiled again, and
 * the old code stays.
 *
 *   leak code_compile
 */
#include "tests/corpus/part.h"

#include <math.h>
#include <stdlib.h>

#define FUNCTIONS 4096

static void *codes[FUNCTIONS];
static unsigned known;
static double fold, wrong_guesses, cold_part;

static SITE void *code_compile(struct part *part)
{
	return part_check(malloc(part_bytes(part)));
}

static void start(struct part *part)
{
	fold = part_draw(part, "fold", 0.05, 0.16) * part->periods;
	cold_part = fmin(FUNCTIONS / fold, part->rate);
	wrong_guesses = part_draw_scale(part, "wrong_guesses", 2, 30);
}

static void step(struct part *part)
{
	unsigned news = part_events(part, cold_part * exp(-part_now(part) / fold));
	unsigned again = part_events(part, wrong_guesses);

	for (unsigned i = 0; i < news + again; i++) {
		bool is_new = i < news && known < FUNCTIONS;
		unsigned which = is_new ? known++ : (unsigned)part_uniform(part, 0, known);

		if (!part->is_sick)
			free(codes[which]);
		codes[which] = code_compile(part);
	}
}

KIND(warm_up);
