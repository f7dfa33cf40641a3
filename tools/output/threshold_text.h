/* SPDX-License-Identifier: Apache-2.0 */
/* threshold_text: the thresholds that a run has crossed, for a person. */
#ifndef SEEP_OUTPUT_THRESHOLD_TEXT_H
#define SEEP_OUTPUT_THRESHOLD_TEXT_H

#include <stdio.h>

#include "tools/output/number_text.h"

struct crossing;
struct report;
struct text_style;

/* Nothing where none was crossed and the program itself has noted none. */
void threshold_text_write(FILE *stream, const struct text_style *style,
			  const struct report *report);

/* "live 1.20 GiB, more than 1.00 GiB" */
struct threshold_sentence {
	char text[192];
};
struct threshold_sentence threshold_sentence(const struct crossing *crossing);

#endif
