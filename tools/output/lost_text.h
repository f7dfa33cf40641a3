/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lost_text: what a scan has found, in plain sentences: of one site, and of the process.
 */
#ifndef SEEP_OUTPUT_LOST_TEXT_H
#define SEEP_OUTPUT_LOST_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/model/profile.h"

struct report_site;
struct scan;

#define LOST_TEXT_LINES 3
#define LOST_TEXT_BYTES 320

struct lost_text {
	char lines[LOST_TEXT_LINES][LOST_TEXT_BYTES];
	size_t count;
};

/*
 * What of the site can still be got at; no line where no scan has asked. That all of it can only stands
 * there of a site that grows: it is what somebody wants to know of a leak.
 *
 *     all 40 blocks (1.20 KiB) are definitely lost, with 3.40 KiB in 12 blocks that only they hold
 *     5 of its blocks (200 B) are possibly lost: only pointers into their middle are left
 */
struct lost_text lost_text_of(const struct report_site *site);

/* What the scan says of the whole process, or why it says nothing and what to do about it; without a
 * full stop. `lost_blocks`: those that the library could not record. */
struct lost_sentence {
	char text[1024];
} lost_text_sentence(const struct scan *scan, uint64_t lost_blocks);

/* Is there more to say than that nothing is lost? */
bool lost_text_is_news(const struct scan *scan);

/* "3 blocks (120 B) definitely lost, 12 (3.40 KiB) with them"; empty where nothing is. */
struct lost_sentence lost_text_brief(const struct scan *scan);

#endif
