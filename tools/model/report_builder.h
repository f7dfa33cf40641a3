/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_builder: the steps that report_build and diff_build share. For tools/model only.
 */
#ifndef SEEP_MODEL_REPORT_BUILDER_H
#define SEEP_MODEL_REPORT_BUILDER_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/model/report.h"

struct arena;
struct finding_list;
struct profile;
struct site;

/* An empty report with room for `site_limit` sites; null without memory. */
struct report *report_new(const struct profile *profile, size_t site_limit);

/* Chooses the snapshots in [first, last] that the curves are drawn from; profile->snapshots must
 * not be empty. Returns false without memory. */
bool report_choose_points(struct report *report, size_t first, size_t last);

/* Describes `site` as at snapshot index `last`, with its curve if points were chosen. Does not
 * judge. Returns false without memory. */
bool report_describe(struct report *report, struct report_site *described,
		     const struct profile *profile, const struct site *site, size_t last);

/* For qsort: what needs attention first; the stack last, so that the order does not depend on the
 * sort. */
int report_compare_sites(const void *left, const void *right);

/* Takes the sites that are one leak together: makes report->entries of the report's sites, which are in
 * their order already; what it needs comes from the report's arena. False without memory. */
bool report_make_entries(struct report *report, const struct finding_list *findings,
			 struct arena *arena);

/* By what each site of this profile is held, as the newest scan at or before snapshot index `last` has it;
 * but not which of them leads through which, for a diff is sorted anew. False without memory. */
bool report_find_holders(struct report *report, const struct profile *profile, size_t last);
/* Puts entries in order, and adds up what a finding is told of its `sites`: all figures, curves, freers and
 * holders. Sites and kind must be there. False without memory. */
void report_sort_entries(struct report *report);
bool report_sum_up(const struct report *report, struct report_finding *made, struct arena *arena);

/* What report_join does, with the report's arena. */
bool joined_findings_make(struct report *report, struct arena *arena);

/* Puts sites and entries in order again, after is_flagged of some of them has changed; whatever in the
 * report points to a site still does. False without memory, and then nothing has moved. */
bool report_sort_again(struct report *report);

/* A curve without any block, shared by all that have none; points must have been chosen. */
uint64_t *report_empty_curve(struct report *report);

#endif
