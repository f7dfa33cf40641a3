/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_text: what a scan has found, in the few lines that `seep scan` prints.
 *
 *     scan of server (4711): 3 blocks (120 B) definitely lost, 12 (3.40 KiB) with them; …
 *         96 B in 2 blocks, with 3.40 KiB that only they hold
 *           make_item item.c:12 ← load ← main
 */
#ifndef SEEP_OUTPUT_SCAN_TEXT_H
#define SEEP_OUTPUT_SCAN_TEXT_H

#include <stddef.h>
#include <stdio.h>

struct report;
struct report_site;
struct text_style;

/* Stores the sites that have lost blocks in `sites`, those that have lost most with what only that held
 * first, at most `limit`. Returns how many there are, also beyond that. */
size_t scan_text_choose(struct report *report, struct report_site **sites, size_t limit);

/* The report must have a scan. `source` is what to type for it behind seep report; the sites are the
 * `count` that were chosen, with symbols filled in, of `all`. */
void scan_text_write(FILE *stream, const struct text_style *style, const struct report *report,
		     struct report_site *const *sites, size_t count, size_t all,
		     const char *source);

#endif
