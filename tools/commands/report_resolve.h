/* SPDX-License-Identifier: Apache-2.0 */
/* report_resolve: a report's functions and lines, what of it is known, and the thresholds that it has
 * crossed. */
#ifndef SEEP_COMMANDS_REPORT_RESOLVE_H
#define SEEP_COMMANDS_REPORT_RESOLVE_H

#include <stddef.h>

struct error;
struct report;
struct suppressions;
struct symbols;
struct thresholds;

/* Applies the suppressions, with those of the program itself, checks the thresholds and fills in
 * symbols: of the first `site_limit` sites and entries, of each site that has crossed a
 * threshold, and of all where the thresholds depend on functions. Returns 0, or a negative errno value
 * and a sentence. */
int report_resolve(struct report *report, const struct thresholds *thresholds,
		   struct suppressions *suppressions, struct symbols *symbols, size_t site_limit,
		   struct error *error);

/* Only applies the suppressions, and fills in the symbols that this needs. */
int report_suppress(struct report *report, struct suppressions *suppressions,
		    struct symbols *symbols, struct error *error);

/* Once it is known what is known: makes one of the findings that are one mistake, and fills in the symbols
 * that this needs. */
int report_join_findings(struct report *report, struct symbols *symbols, struct error *error);

#endif
