/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampling: what the estimates of a run with --sample rest on.
 */
#include "tools/model/sampling.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "tools/model/arena.h"
#include "tools/model/node_table.h"
#include "tools/model/profile.h"

int sampling_read(struct sampling **sampling, struct payload payload, struct arena *arena)
{
	uint32_t last_stack = 0;
	struct seep_samples raw;
	if (!payload_samples(&payload, &raw))
		return -EBADMSG;
	struct sampling *made = arena_take(arena, 1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	made->raw = raw;
	made->sites = arena_take(arena, raw.site_count, sizeof(*made->sites));
	if (!made->sites)
		return -ENOMEM;
	for (uint32_t i = 0; i < raw.site_count; i++) {
		struct decoded_sampled_site site;
		if (!payload_sampled_site(&payload, &last_stack, &site))
			return -EBADMSG;
		made->sites[made->site_count++] = (struct sampled_site){
			.stack = site.stack,
			.samples = site.samples,
			.blocks_error = (double)site.blocks_error,
			.bytes_error = (double)site.bytes_error,
		};
	}
	*sampling = made;
	return 0;
}

static int compare_stacks(const void *left, const void *right)
{
	uint32_t a = ((const struct sampled_site *)left)->stack,
		 b = ((const struct sampled_site *)right)->stack;
	return (a > b) - (a < b);
}

/* The errors of the parts have nothing to do with each other. */
int sampling_link(struct sampling *sampling, const struct node_table *nodes)
{
	size_t known = 0, kept = 0;
	int result = 0;
	for (size_t i = 0; sampling && i < sampling->site_count; i++) {
		struct sampled_site *site = &sampling->sites[i];
		site->stack = node_table_first_id(nodes, site->stack);
		if (site->stack)
			sampling->sites[known++] = *site;
		else
			result = -EBADMSG;
	}
	if (known)
		qsort(sampling->sites, known, sizeof(*sampling->sites), compare_stacks);
	for (size_t i = 0; i < known; i++) {
		struct sampled_site *site = &sampling->sites[i],
				    *before = kept ? &sampling->sites[kept - 1] : NULL;
		if (!before || before->stack != site->stack) {
			sampling->sites[kept++] = *site;
			continue;
		}
		before->samples += site->samples;
		before->blocks_error = hypot(before->blocks_error, site->blocks_error);
		before->bytes_error = hypot(before->bytes_error, site->bytes_error);
	}
	if (sampling)
		sampling->site_count = kept;
	return result;
}

const struct sampled_site *sampling_site(const struct sampling *sampling, uint32_t stack)
{
	const struct sampled_site key = {.stack = stack};
	return sampling->site_count ? bsearch(&key, sampling->sites, sampling->site_count,
					      sizeof(key), compare_stacks)
				    : NULL;
}
