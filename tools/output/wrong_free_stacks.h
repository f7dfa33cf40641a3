/* SPDX-License-Identifier: Apache-2.0 */
/* wrong_free_stacks: the two stacks of a wrong free, under a line of each report and in the text of a finding. */
#ifndef SEEP_OUTPUT_WRONG_FREE_STACKS_H
#define SEEP_OUTPUT_WRONG_FREE_STACKS_H

#include <stdbool.h>
#include <stdio.h>

struct text_style;
struct wrong_free;

void wrong_free_stacks_write(FILE *stream, const struct text_style *style,
			     const struct wrong_free *wrong, bool is_full);

#endif
