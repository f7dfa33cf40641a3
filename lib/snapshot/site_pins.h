/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_pins: which sites keep free memory from being used otherwise.
 *
 * A page that live blocks fill to less than half pins the rest of it, in equal parts for each of them.
 */
#ifndef LIB_SNAPSHOT_SITE_PINS_H
#define LIB_SNAPSHOT_SITE_PINS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/snapshot/page_fill.h"

struct site_pins {
	uint64_t *parts; /* by stack id, in SITE_PINS_PART of a byte */
	uint32_t stack_count;
	bool is_failed; /* no memory, or the pages are not known: there is nothing here */
};

#define SITE_PINS_PART_BITS 12 /* a page has at most so many blocks */

/* Whether it is long enough ago that somebody has looked: of many blocks on sparse pages a second look
 * takes as long as the first one. */
bool site_pins_are_due(void);

/* A second look at the live table, only where pages are sparse. Release the result in any case. */
void site_pins_take(struct site_pins *pins, const struct page_fill *fill, uint32_t stack_count);
void site_pins_release(struct site_pins *pins);

#endif
