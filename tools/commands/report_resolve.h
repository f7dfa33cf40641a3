/* SPDX-License-Identifier: Apache-2.0 */
/* report_resolve: a report's functions and lines, and the thresholds that it has crossed. */
#ifndef SEEP_COMMANDS_REPORT_RESOLVE_H
#define SEEP_COMMANDS_REPORT_RESOLVE_H

#include <stddef.h>

struct error;
struct report;
struct symbols;
struct thresholds;

/* Checks the thresholds and fills in symbols: of the first `site_limit` sites and entries (0:
 * all), of each site that has crossed a threshold, and of all where the thresholds depend on
 * functions. Returns 0, or a negative errno value and a sentence. */
int report_resolve(struct report *report, const struct thresholds *thresholds,
		   struct symbols *symbols, size_t site_limit, struct error *error);

#endif
