/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_builder: the steps that report_build and diff_build share. For tools/model only.
 */
#ifndef SEEP_MODEL_REPORT_BUILDER_H
#define SEEP_MODEL_REPORT_BUILDER_H

#include <stddef.h>

#include "tools/model/report.h"

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

/* A curve without any block, shared by all that have none; points must have been chosen. */
uint64_t *report_empty_curve(struct report *report);

#endif
