/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_twins: sites whose stacks have the same functions, told apart.
 *
 * A function that allocates for two things has two sites, and their ids shall differ and stay what they
 * are in the next build. So they are numbered in the order of the lines from which they call, or of the
 * addresses where lines are not known. Two calls in one line, and one call that the compiler has made
 * several of, are one site.
 */
#ifndef SEEP_MODEL_SITE_TWINS_H
#define SEEP_MODEL_SITE_TWINS_H

#include <stdbool.h>

struct report;
struct report_site;
struct site_twins;

struct site_twins *site_twins_new(void); /* null without memory */
void site_twins_free(struct site_twins *twins);

/* Notes a site that has its frames and its identity. False without memory. */
bool site_twins_add(struct site_twins *twins, const struct report_site *site);
/* Has one with this identity been noted? */
bool site_twins_know(const struct site_twins *twins, const struct report_site *site);

/* Writes ids and twin_count of the report's sites that have been noted, and the ids of the findings
 * that bear the id of one. */
void site_twins_tell_apart(const struct site_twins *twins, struct report *report);

#endif
