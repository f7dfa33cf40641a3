/* SPDX-License-Identifier: Apache-2.0 */
/* wrong_free_text: memory that was freed by the wrong family, for a person. */
#ifndef SEEP_OUTPUT_WRONG_FREE_TEXT_H
#define SEEP_OUTPUT_WRONG_FREE_TEXT_H

#include <stddef.h>
#include <stdio.h>

struct report;
struct text_report_options;

/* Nothing where there is none. Those that an earlier report had are left out where that is kept in
 * options->found; returns how many these are. */
size_t wrong_free_text_write(FILE *stream, const struct text_report_options *options,
			     const struct report *report);

#endif
