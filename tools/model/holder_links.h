/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holder_links: which ways to the blocks of a site lead through another one that is flagged or grows.
 * For tools/model only.
 */
#ifndef SEEP_MODEL_HOLDER_LINKS_H
#define SEEP_MODEL_HOLDER_LINKS_H

#include <stdbool.h>

struct report;

/* Finds holder_shape.through for all sites and findings of a finished report; false without memory. */
bool holder_links_make(struct report *report);

#endif
