/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_site: one site of a report or a diff for programs, and what findings show like a site. New
 * references.
 */
#ifndef SEEP_OUTPUT_JSON_SITE_H
#define SEEP_OUTPUT_JSON_SITE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct growth;
struct report;
struct report_site;

json_t *json_site(const struct report *report, const struct report_site *site);

json_t *json_growth(const struct growth *growth);
/* Why it is the verdict, in numbers and in words, of a site or (is_group) of several together. */
json_t *json_evidence(const struct report_site *site, bool is_group, size_t snapshot_count);
/* By whom its blocks are held. */
json_t *json_held_by(const struct report *report, const struct report_site *site);

/* The stack from the program's own function that called the allocator outwards; and all of it. */
json_t *json_stack(const struct report_site *site);
json_t *json_whole_stack(const struct report_site *site);

#endif
