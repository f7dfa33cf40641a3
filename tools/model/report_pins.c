/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_pins: the sites that pin free memory, as sites of the report.
 */
#include "tools/model/report_pins.h"

#include <stdlib.h>

#include "tools/model/arena.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"

#define MAX_PINS 10
/* Each of them holds at least so much of all that is pinned; and all of it is worth a word. */
#define LEAST_OF_PINNED 0.01
#define LEAST_OF_RESIDENT 0.05

/* The most bytes first; the stack last, so that the order does not depend on the sort. */
static int compare_pins(const void *left, const void *right)
{
	const struct pinned_site *a = left, *b = right;
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	return (a->stack > b->stack) - (a->stack < b->stack);
}

/* That of the report, or one that only has a stack where the report leaves the site out. */
static struct report_site *site_of(struct report *report, uint32_t stack, struct arena *arena)
{
	for (size_t i = 0; i < report->site_count; i++)
		if (report->sites[i].stack == stack)
			return &report->sites[i];
	struct report_site *site = arena_take(arena, 1, sizeof(*site));
	if (site)
		*site = (struct report_site){.profile = report->profile, .stack = stack};
	return site;
}

bool report_pins_make(struct report *report, struct arena *arena)
{
	const struct site_pins *pins = profile_pins(report->profile, report->last_snapshot);
	double resident = (double)report->process_memory.figures[PART_RESIDENT].bytes;
	if (!pins || (double)pins->raw.pinned_bytes < LEAST_OF_RESIDENT * resident)
		return true;
	struct pinned_site *sorted = arena_take(arena, pins->site_count, sizeof(*sorted));
	report->pins = arena_take(arena, MAX_PINS, sizeof(*report->pins));
	if (!sorted || !report->pins)
		return false;
	for (size_t i = 0; i < pins->site_count; i++)
		sorted[i] = pins->sites[i];
	if (pins->site_count)
		qsort(sorted, pins->site_count, sizeof(*sorted), compare_pins);
	for (size_t i = 0; i < pins->site_count && report->pin_count < MAX_PINS; i++) {
		if ((double)sorted[i].bytes < LEAST_OF_PINNED * (double)pins->raw.pinned_bytes)
			break;
		struct report_pin *pin = &report->pins[report->pin_count];
		*pin = (struct report_pin){
			.site = site_of(report, sorted[i].stack, arena),
			.bytes = sorted[i].bytes,
		};
		if (!pin->site)
			return false;
		report->pin_count++;
	}
	return true;
}
