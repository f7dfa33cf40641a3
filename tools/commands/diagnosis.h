/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diagnosis: what speaks for and against following a program, one statement a line.
 */
#ifndef SEEP_COMMANDS_DIAGNOSIS_H
#define SEEP_COMMANDS_DIAGNOSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tools/output/text_style.h"

/* From good to bad. */
enum diagnosis_grade {
	DIAGNOSIS_OK,
	DIAGNOSIS_NOTE,	   /* works, and could work better */
	DIAGNOSIS_WARNING, /* a part of the program's memory will not be seen */
	DIAGNOSIS_NO,	   /* it cannot be followed */
};

#define DIAGNOSIS_STATEMENTS_MAX 24

struct diagnosis {
	size_t count;
	struct diagnosis_statement {
		enum diagnosis_grade grade;
		char text[1024]; /* one line: what, and what to do */
	} statements[DIAGNOSIS_STATEMENTS_MAX];
};

/* More than fit are left out. */
void diagnosis_add(struct diagnosis *diagnosis, enum diagnosis_grade grade, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The worst grade among the statements; DIAGNOSIS_OK where there is none. */
enum diagnosis_grade diagnosis_grade(const struct diagnosis *diagnosis);

/* Writes all statements, each with its grade in front. */
void diagnosis_write(FILE *stream, const struct text_style *style,
		     const struct diagnosis *diagnosis);

#endif
