/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conclusion_text: what a report comes to, in one line, and the one thing that is most worth doing next.
 */
#ifndef SEEP_OUTPUT_CONCLUSION_TEXT_H
#define SEEP_OUTPUT_CONCLUSION_TEXT_H

#include <stdio.h>

struct report_view;
struct text_report_options;

void conclusion_text_write(FILE *stream, const struct text_report_options *options,
			   const struct report_view *view);
/* Nothing where nothing needs to be done. */
void conclusion_text_write_next(FILE *stream, const struct text_report_options *options,
				const struct report_view *view);

#endif
