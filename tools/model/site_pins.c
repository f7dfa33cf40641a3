/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_pins: how much free memory the live blocks of each site keep from being used otherwise.
 */
#include "tools/model/site_pins.h"

#include <errno.h>
#include <stdlib.h>

#include "tools/model/arena.h"
#include "tools/model/node_table.h"
#include "tools/model/profile.h"

int site_pins_read(struct site_pins **pins, struct payload payload, struct arena *arena)
{
	uint32_t last_stack = 0;
	struct seep_pins raw;
	if (!payload_pins(&payload, &raw))
		return -EBADMSG;
	struct site_pins *made = arena_take(arena, 1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	made->raw = raw;
	made->sites = arena_take(arena, raw.site_count, sizeof(*made->sites));
	if (!made->sites)
		return -ENOMEM;
	for (uint32_t i = 0; i < raw.site_count; i++) {
		struct decoded_pinned_site site;
		if (!payload_pinned_site(&payload, &last_stack, &site))
			return -EBADMSG;
		made->sites[made->site_count++] = (struct pinned_site){site.stack, site.bytes};
	}
	*pins = made;
	return 0;
}

static int compare_stacks(const void *left, const void *right)
{
	uint32_t a = ((const struct pinned_site *)left)->stack,
		 b = ((const struct pinned_site *)right)->stack;
	return (a > b) - (a < b);
}

int site_pins_link(struct site_pins *pins, const struct node_table *nodes)
{
	size_t known = 0, kept = 0;
	if (!pins || !pins->site_count)
		return 0;
	struct pinned_site *sites = pins->sites;
	for (size_t i = 0; i < pins->site_count; i++) {
		uint32_t stack = node_table_first_id(nodes, sites[i].stack);
		if (stack)
			sites[known++] = (struct pinned_site){stack, sites[i].bytes};
	}
	int result = known < pins->site_count ? -EBADMSG : 0;
	qsort(sites, known, sizeof(*sites), compare_stacks);
	for (size_t i = 0; i < known; i++) {
		if (!kept || sites[kept - 1].stack != sites[i].stack)
			sites[kept++] = sites[i];
		else if (__builtin_add_overflow(sites[kept - 1].bytes, sites[i].bytes,
						&sites[kept - 1].bytes))
			sites[kept - 1].bytes = UINT64_MAX; /* no honest file comes near */
	}
	pins->site_count = kept;
	return result;
}
