/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_text: one site of a report for a person: in full, or in two lines.
 */
#ifndef SEEP_OUTPUT_SITE_TEXT_H
#define SEEP_OUTPUT_SITE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct report;
struct report_site;
struct text_report_options;

#define SITE_TEXT_INDENT 4
#define SITE_TEXT_STACK_INDENT 6

/* Where sites are written, and how. */
struct site_text {
	FILE *stream;
	const struct text_report_options *options;
	const struct report *report;
};

/* Should somebody look at it? `rank` counts from 1. */
bool site_text_is_in_full(const struct report_site *site, size_t rank,
			  const struct text_report_options *options);
void site_text_write_in_full(const struct site_text *text, const struct report_site *site,
			     size_t rank);
void site_text_write_in_short(const struct site_text *text, const struct report_site *site,
			      size_t rank);

/* The pieces of a site in full, for what has more to say: its numbers in two lines, the reasons for its
 * verdict (`is_group`: it is the sum of sites), the curve. */
void site_text_write_numbers(const struct site_text *text, const struct report_site *site,
			     size_t rank);
void site_text_write_reasons(const struct site_text *text, const struct report_site *site,
			     bool is_group);
void site_text_write_curve(const struct site_text *text, const struct report_site *site);

/* Is its growth per hour worth a word? */
bool site_text_has_growth(const struct report_site *site);
/* And is that more than nothing? What grows by steps far from each other has no rate. */
bool site_text_has_rate(const struct report_site *site);

#endif
