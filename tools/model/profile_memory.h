/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_memory: what a profile owns behind its pointers.
 */
#ifndef SEEP_MODEL_PROFILE_MEMORY_H
#define SEEP_MODEL_PROFILE_MEMORY_H

#include "tools/model/profile.h"

struct arena;

struct profile_memory {
	struct arena *arena; /* texts, sites, points of sites that were put together */
	struct site_point *points;
	struct cohort *cohorts;
};

#endif
