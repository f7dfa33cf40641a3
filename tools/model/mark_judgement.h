/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mark_judgement: what equal marks make of the judgement of a site.
 */
#ifndef SEEP_MODEL_MARK_JUDGEMENT_H
#define SEEP_MODEL_MARK_JUDGEMENT_H

#include <stdbool.h>
#include <stddef.h>

struct equal_marks;
struct judgement;
struct profile;
struct site;

enum mark_word {
	MARKS_SAY_NOTHING,
	MARKS_SAY_RISES, /* at one label, and at no other one that it is level; for how long is open */
	MARKS_SAY_GROWS, /* the same, and as fast as ever */
	MARKS_SAY_LEVEL, /* what seemed to grow was given back when the program came back to a state */
};

/* Why, for a sentence. */
struct mark_evidence {
	const char *label; /* of the profile; null where no label had enough marks */
	enum mark_word word;
	size_t mark_count; /* of the label */
	size_t steps;	   /* from one of them to the next, as far as they were asked … */
	size_t grew;	   /* … and those in which more came than went */
	bool is_of_length;
	double low, high; /* by how much it grew in such a step: blocks, or bytes; quartiles */
};

/* Corrects what was found without marks, over snapshots [first, last]. */
void mark_judgement_make(const struct equal_marks *marks, const struct profile *profile,
			 const struct site *site, size_t first, size_t last,
			 struct judgement *judgement);

#endif
