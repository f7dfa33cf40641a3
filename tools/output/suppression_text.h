/* SPDX-License-Identifier: Apache-2.0 */
/* suppression_text: what was found and is known, for a person. */
#ifndef SEEP_OUTPUT_SUPPRESSION_TEXT_H
#define SEEP_OUTPUT_SUPPRESSION_TEXT_H

#include <stdio.h>

#include "tools/model/suppression.h"

struct report;
struct text_style;

/* What in the report is not flagged because of suppressions, one line for each of these; nothing where
 * there is none. */
void suppression_text_write_known(FILE *stream, const struct text_style *style,
				  const struct report *report);

/* Of so many that have matched nothing it is said. */
#define SUPPRESSION_REMARKS 10
#define SUPPRESSION_REMARK_BYTES 1024
/* Why one does not do what it was written for, without its place: "the suppression 'x' has matched
 * nothing". False where it does, or where nobody can do anything about it. */
bool suppression_remark(const struct suppression *suppression, int64_t now_unix_s,
			char remark[SUPPRESSION_REMARK_BYTES]);

/* What is to be said of the suppressions themselves when all reports have been made: which do not hold
 * any more, and which have matched nothing, of those the first. */
void suppression_text_write_remarks(FILE *stream, const struct suppressions *suppressions,
				    int64_t now_unix_s);

/* "used", "unused", "expired", "exceeded", and of a baseline "not_run" where no process of its program
 * was looked at, and "not_reached" where one has failed; as in JSON. */
const char *suppression_state(const struct suppression *suppression, int64_t now_unix_s);

#endif
