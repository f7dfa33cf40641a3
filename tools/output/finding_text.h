/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding_text: sites that are one leak, as one entry of a report for a person.
 */
#ifndef SEEP_OUTPUT_FINDING_TEXT_H
#define SEEP_OUTPUT_FINDING_TEXT_H

#include <stddef.h>

struct report_finding;
struct site_text;

/* Its sites are folded, unless the options ask for everything. */
void finding_text_write(const struct site_text *text, const struct report_finding *finding,
			size_t rank);

#endif
