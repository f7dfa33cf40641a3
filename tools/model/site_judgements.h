/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_judgements: all sites of a run judged, each by itself and then among the others. Reports and
 * diffs judge here, so that they say the same.
 */
#ifndef SEEP_MODEL_SITE_JUDGEMENTS_H
#define SEEP_MODEL_SITE_JUDGEMENTS_H

#include <stdbool.h>
#include <stddef.h>

struct judgement;
struct profile;

/* Judges over snapshots [first, last] (indices) into `judgements`, which has one zeroed element for
 * each of profile->sites; those of sites that began after `last` stay as they are. Returns false
 * without memory. */
bool site_judgements_make(const struct profile *profile, size_t first, size_t last,
			  struct judgement *judgements);

/* Takes back what does not matter beside all else that grows, see weight.h, as a report does unless
 * it is asked for all, and adds what a scan knows, see reachability.h. Returns false without memory. */
bool site_judgements_weigh(const struct profile *profile, size_t first, size_t last,
			   struct judgement *judgements);

#endif
