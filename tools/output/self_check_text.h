/* SPDX-License-Identifier: Apache-2.0 */
/*
 * self_check_text: what came of comparing stacks with libunwind's, for a person.
 */
#ifndef SEEP_OUTPUT_SELF_CHECK_TEXT_H
#define SEEP_OUTPUT_SELF_CHECK_TEXT_H

#include <stdio.h>

struct report;
struct text_style;

/* An empty line, how many captures were compared, and each difference: the frames that both have,
 * then those of each side. Nothing where --selfcheck was not asked for. */
void self_check_text_write(FILE *stream, const struct text_style *style,
			   const struct report *report);

#endif
