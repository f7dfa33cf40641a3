/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patterns: regular expressions are compiled by libc for a search, and freed after it. What is
 * allocated for one comes from many sites in libc.
 *
 * Sick: a search that finds nothing returns before regfree.
 *
 *   leak pattern_compile
 */
#include "tests/corpus/part.h"

#include <regex.h>
#include <stdio.h>

static double searches, vain;

static SITE void pattern_compile(regex_t *pattern, unsigned number)
{
	char text[64];

	snprintf(text, sizeof(text), "^(error|warning) %u: [a-z]+", number);
	part_require(!regcomp(pattern, text, REG_EXTENDED | REG_NOSUB), "pattern");
}

static void start(struct part *part)
{
	searches = part_draw_scale(part, "searches", 2, 12);
	vain = part_draw_scale(part, "vain", 0.2, 1);
}

static void step(struct part *part)
{
	for (unsigned i = part_events(part, searches); i; i--) {
		regex_t pattern;

		pattern_compile(&pattern, part->step);
		if (!(part->is_sick && part_chance(part, vain)))
			regfree(&pattern);
	}
}

KIND(patterns);
