/* SPDX-License-Identifier: Apache-2.0 */
/*
 * equal_marks: which snapshots say that the program was in the same state again.
 */
#ifndef SEEP_MODEL_EQUAL_MARKS_H
#define SEEP_MODEL_EQUAL_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/model/mark_growth.h"

struct profile;
struct site;

/* So many marks of a label are needed before anything is said about what grew between them. The first
 * one is left out, for what is made once is made before the program comes back to it. */
#define EQUAL_MARKS_LEAST 5
/* Of more labels those with the most marks are looked at. */
#define EQUAL_MARKS_LABELS 8

struct mark_label {
	const char *text;  /* of the profile */
	size_t mark_count; /* all of that label */
	bool is_recent;	   /* the last one lies near the end: see equal_marks.c */
	/* Those that are compared, without the first one: indices of snapshots. */
	size_t used_count;
	uint32_t used[MARK_SERIES_MAX];
};

struct equal_marks {
	size_t label_count;
	struct mark_label labels[EQUAL_MARKS_LABELS]; /* the one with the most marks first */
};

/* Looks at the snapshots [first, last] (indices). False without memory. */
bool equal_marks_find(struct equal_marks *marks, const struct profile *profile, size_t first,
		      size_t last);

/* Can something be said by them about what happens now? */
bool equal_marks_tell(const struct mark_label *label);

/* What was live of the site at the marks that are compared. */
void equal_marks_series(const struct mark_label *label, const struct profile *profile,
			const struct site *site, struct mark_series *series);

#endif
