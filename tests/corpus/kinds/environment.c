/* SPDX-License-Identifier: Apache-2.0 */
/*
 * environment: a program sets a variable before it starts each job; libc keeps every value that
 * there ever was, for somebody may still hold a pointer to it.
 *
 * Sick: the value is another one each time. Otherwise it is one of a few.
 *
 *   leak job_announce
 */
#include "tests/corpus/part.h"

#include <stdio.h>
#include <stdlib.h>

static unsigned long job;
static double jobs;

static SITE void job_announce(unsigned long number)
{
	char text[64];

	snprintf(text, sizeof(text), "job %lu of this program", number);
	part_require(!setenv("CORPUS_JOB", text, 1), "memory");
}

static void start(struct part *part)
{
	jobs = part_draw_scale(part, "jobs", 2, 30);
}

static void step(struct part *part)
{
	for (unsigned i = part_events(part, jobs); i; i--, job++)
		job_announce(part->is_sick ? job : job % 8);
}

KIND(environment);
