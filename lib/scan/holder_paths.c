/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holder_paths: by what a sample of the blocks of each site is held.
 *
 * How many blocks of a site are reachable is known by now, so a sample of them needs nothing but a
 * look at all: each block of a site of which n are still to come and k are still wanted is taken with
 * probability k / n (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S). All samples of
 * that size are equally likely.
 *
 * Large sites, of which there cannot be many, have a sample of 100. The others share what is left.
 * Where the record would be too long all samples become smaller; where one block a site is still too
 * much, those with the fewest bytes have none.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    scan_memory: 16 bytes a site, 4 bytes and two words of a hash for each sampled block; payload
 *   Calls     what scan_memory and root_list's describe call
 *   Failure   an empty payload
 */
#include "lib/scan/holder_paths.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "lib/base/invariant.h"
#include "lib/scan/root_numbers.h"

#include "lib/base/poison.h"

#define SAMPLE_OF_SITE 100u
#define LARGE_SHARE 2000u /* a site with more of the reachable bytes than one in so many is large */
#define SAMPLE_OF_OTHERS (64u << 10) /* of all sites that are not */
#define SMALLER 4u		     /* times, when the record is too long */
#define STEPS_MAX 16u
#define STEPS_OUTSIDE 8u /* nearest to the root, where some are left out */
#define STEPS_INSIDE (STEPS_MAX - STEPS_OUTSIDE - 1)
/* Steps that all paths together may have before those that are left are left out: two sites that take turns
 * in a list of a million nodes make a path of a million. */
#define STEPS_WALKED (32u << 20)
#define AHEAD 16u

struct sampled_site {
	uint32_t first;	 /* place of its samples among all */
	uint32_t taken;	 /* blocks in the sample so far */
	uint32_t wanted; /* how many there will be */
	uint32_t left;	 /* blocks that have not been looked at */
};

struct path_step {
	uint64_t place, count;
	uint32_t stack;
};

struct path {
	uint32_t root;
	uint32_t step_count;
	uint32_t blocks;
	struct path_step steps[STEPS_MAX];
};

struct sampling {
	const struct holder_question *question;
	struct scan_memory *memory;
	struct sampled_site *sites; /* by number */
	uint32_t *samples;	    /* places in the queue, site by site */
	uint32_t sample_count;
	uint64_t steps_left;
	struct root_numbers roots;
	struct payload paths;
	uint32_t path_count, last_stack;
	struct path found[SAMPLE_OF_SITE]; /* of one site */
	uint32_t found_count;
};

/* ---- the sample ------------------------------------------------------------------------------ */

/* Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t value = *state += 0x9e3779b97f4a7c15ull;

	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ull;
	value = (value ^ value >> 27) * 0x94d049bb133111ebull;
	return value ^ value >> 31;
}

static bool is_large(const struct class_sum *sum, uint64_t all_bytes)
{
	return sum->bytes > all_bytes / LARGE_SHARE;
}

static uint32_t least_of(uint64_t one, uint64_t other)
{
	return (uint32_t)(one < other ? one : other);
}

/* So many bytes, a power of two, that no more than `most_sites` sites have as many. */
static uint64_t least_bytes(const struct site_classes *classes, uint32_t most_sites)
{
	uint32_t sites_of[65] = {0}, sites = 0, bits = 65;

	for (uint32_t i = 0; i < classes->numbers->count; i++) {
		const struct class_sum *sum = &classes->sites[i].reachable;

		if (sum->blocks > 0)
			sites_of[sum->bytes == 0 ? 0 : 64 - __builtin_clzll(sum->bytes)]++;
	}
	while (bits > 0 && sites + sites_of[bits - 1] <= most_sites)
		sites += sites_of[--bits];
	return bits == 0 ? 0 : bits == 65 ? UINT64_MAX : 1ull << (bits - 1);
}

/* How many of each site; a sample is `smaller` times smaller than it might be. */
static bool plan(struct sampling *sampling, uint32_t smaller, uint32_t most_sites)
{
	const struct site_classes *classes = sampling->question->classes;
	uint64_t least = least_bytes(classes, most_sites), all_bytes = 0;
	uint32_t count = classes->numbers->count, others = 0, first = 0, of_other;

	for (uint32_t i = 0; i < count; i++)
		all_bytes += classes->sites[i].reachable.bytes;
	for (uint32_t i = 0; i < count; i++)
		others += classes->sites[i].reachable.blocks > 0 &&
			  classes->sites[i].reachable.bytes >= least &&
			  !is_large(&classes->sites[i].reachable, all_bytes);
	of_other = others == 0 ? 0 : least_of(SAMPLE_OF_OTHERS / others, SAMPLE_OF_SITE);
	for (uint32_t i = 0; i < count; i++) {
		const struct class_sum *sum = &classes->sites[i].reachable;
		uint32_t wanted = is_large(sum, all_bytes) ? SAMPLE_OF_SITE : of_other;

		if (sum->bytes < least)
			wanted = 0;
		wanted = least_of((wanted + smaller - 1) / smaller, sum->blocks);
		sampling->sites[i] = (struct sampled_site){
			.first = first, .wanted = wanted, .left = (uint32_t)sum->blocks};
		first += wanted;
	}
	sampling->sample_count = first;
	sampling->samples = scan_memory_map(sampling->memory,
					    ((uint64_t)first + 1) * sizeof(*sampling->samples));
	return sampling->samples != NULL;
}

static void ask_ahead(const struct block_queue *queue, uint32_t place)
{
	block_ref ref;

	if (queue->tail - place <= AHEAD)
		return;
	ref = block_queue_ref(queue, place + AHEAD);
	if ((ref & BLOCK_REF_IS_SIDE) == 0)
		__builtin_prefetch(live_table_word(ref << 3));
}

static void draw(struct sampling *sampling)
{
	const struct holder_question *question = sampling->question;
	const struct block_queue *queue = question->queue;
	uint64_t random = question->seed;

	for (uint32_t place = 0; place < queue->tail; place++) {
		uint32_t stack = block_index_stack(question->index, block_queue_ref(queue, place));
		struct sampled_site *site =
			&sampling->sites[site_numbers_get(question->classes->numbers, stack)];

		ask_ahead(queue, place);
		INVARIANT(site->left > 0, stack, place);
		if ((next_random(&random) >> 32) * site->left >> 32 < site->wanted - site->taken)
			sampling->samples[site->first + site->taken++] = place;
		site->left--;
	}
}

/* ---- a path ---------------------------------------------------------------------------------- */

/* Puts another step nearer to the root before those that there are; where there are too many, it goes
 * round among the places of the outer ones. */
struct walk {
	struct path_step inside[STEPS_MAX]; /* from the block on: all, or STEPS_INSIDE of many */
	struct path_step outside[STEPS_OUTSIDE];
	uint64_t count;
};

static void add_step(struct walk *walk, const struct path_step *step)
{
	if (walk->count < STEPS_MAX)
		walk->inside[walk->count] = *step;
	walk->outside[walk->count % STEPS_OUTSIDE] = *step;
	walk->count++;
}

static void store_steps(const struct walk *walk, struct path *path)
{
	uint32_t count = 0;

	if (walk->count <= STEPS_MAX) {
		for (uint64_t i = walk->count; i > 0; i--)
			path->steps[count++] = walk->inside[i - 1];
		path->step_count = count;
		return;
	}
	for (uint64_t i = 1; i <= STEPS_OUTSIDE; i++)
		path->steps[count++] = walk->outside[(walk->count - i) % STEPS_OUTSIDE];
	path->steps[count++] =
		(struct path_step){.count = walk->count - STEPS_OUTSIDE - STEPS_INSIDE};
	for (uint32_t i = STEPS_INSIDE; i > 0; i--)
		path->steps[count++] = walk->inside[i - 1];
	path->step_count = count;
}

/* False when it is too far to the root, or there is no memory for one more. */
static bool find_path(struct sampling *sampling, uint32_t place, struct path *path)
{
	const struct holder_question *question = sampling->question;
	const struct block_queue *queue = question->queue;
	struct walk walk = {.count = 0};
	struct block_path step = block_queue_path(queue, place);

	for (uint32_t run; (run = block_queue_run(queue, place)) > 0;
	     step = block_queue_path(queue, place)) {
		if (sampling->steps_left == 0)
			return false;
		sampling->steps_left--;
		INVARIANT(step.up < place, step.up, place);
		add_step(&walk, &(struct path_step){
					.place = (uint64_t)step.place * 8,
					.count = run,
					.stack = block_index_stack(
						question->index, block_queue_ref(queue, step.up))});
		place = step.up;
	}
	path->blocks = 1;
	path->root = root_numbers_get(&sampling->roots, question->roots, step.up & ~BLOCK_PATH_ROOT,
				      step.place);
	store_steps(&walk, path);
	return path->root != ROOT_NUMBER_NONE;
}

static bool are_equal(const struct path *one, const struct path *other)
{
	if (one->root != other->root || one->step_count != other->step_count)
		return false;
	for (uint32_t i = 0; i < one->step_count; i++)
		if (one->steps[i].stack != other->steps[i].stack ||
		    one->steps[i].place != other->steps[i].place)
			return false;
	return true;
}

static void add_path(struct sampling *sampling, const struct path *path)
{
	for (uint32_t i = 0; i < sampling->found_count; i++) {
		struct path *found = &sampling->found[i];

		if (!are_equal(found, path))
			continue;
		found->blocks++;
		for (uint32_t s = 0; s < path->step_count; s++)
			if (path->steps[s].count > found->steps[s].count)
				found->steps[s].count = path->steps[s].count;
		return;
	}
	sampling->found[sampling->found_count++] = *path;
}

/* ---- the record ------------------------------------------------------------------------------ */

static void write_path(struct sampling *sampling, uint32_t stack, const struct path *path)
{
	struct payload *payload = &sampling->paths;

	payload_add_varint(payload, sampling->memory, stack - sampling->last_stack);
	payload_add_varint(payload, sampling->memory, path->blocks);
	payload_add_varint(payload, sampling->memory, path->root);
	payload_add_varint(payload, sampling->memory, path->step_count);
	for (uint32_t i = 0; i < path->step_count; i++) {
		payload_add_varint(payload, sampling->memory, path->steps[i].stack);
		payload_add_varint(payload, sampling->memory, path->steps[i].place);
		payload_add_varint(payload, sampling->memory, path->steps[i].count);
	}
	sampling->last_stack = stack;
	sampling->path_count++;
}

static void write_site(struct sampling *sampling, uint32_t stack)
{
	const struct sampled_site *site =
		&sampling->sites[site_numbers_get(sampling->question->classes->numbers, stack)];
	struct path path;

	sampling->found_count = 0;
	for (uint32_t i = 0; i < site->taken; i++)
		if (find_path(sampling, sampling->samples[site->first + i], &path))
			add_path(sampling, &path);
	for (uint32_t i = 0; i < sampling->found_count; i++)
		write_path(sampling, stack, &sampling->found[i]);
}

/* The whole record; empty when there is no memory. */
static struct payload put_together(struct sampling *sampling)
{
	struct seep_holders head = {.struct_bytes = sizeof(head),
				    .root_count = sampling->roots.count,
				    .path_count = sampling->path_count};
	struct payload payload = {0};

	payload_add(&payload, sampling->memory, &head, sizeof(head));
	root_numbers_write(&sampling->roots, sampling->question->roots, &payload, sampling->memory);
	if (!payload.is_failed) {
		head.paths_offset = (uint32_t)payload.bytes;
		memcpy(payload.start, &head, sizeof(head));
	}
	payload_add(&payload, sampling->memory, sampling->paths.start, sampling->paths.bytes);
	if (payload.is_failed || sampling->paths.is_failed)
		payload_release(&payload, sampling->memory);
	return payload;
}

static void forget(struct sampling *sampling)
{
	if (sampling->samples != NULL)
		scan_memory_unmap(sampling->memory, sampling->samples,
				  ((uint64_t)sampling->sample_count + 1) *
					  sizeof(*sampling->samples));
	sampling->samples = NULL;
	root_numbers_release(&sampling->roots, sampling->memory);
	payload_release(&sampling->paths, sampling->memory);
	sampling->path_count = sampling->last_stack = 0;
}

static struct payload try_record(struct sampling *sampling, uint32_t smaller, uint32_t most_sites)
{
	const struct site_numbers *numbers = sampling->question->classes->numbers;

	sampling->steps_left = STEPS_WALKED;
	if (!plan(sampling, smaller, most_sites) ||
	    !root_numbers_start(&sampling->roots, sampling->memory, sampling->sample_count))
		return (struct payload){0};
	draw(sampling);
	for (uint32_t stack = 0; stack < numbers->stack_count; stack++)
		if (numbers->of_stack[stack] != 0)
			write_site(sampling, stack);
	return put_together(sampling);
}

/* Smaller samples until the record is short enough, and then fewer sites. */
static struct payload make_record(struct sampling *sampling)
{
	uint64_t most_bytes = sampling->question->most_bytes;
	uint32_t smaller = 1, most_sites = SAMPLE_OF_OTHERS;
	struct payload payload = {0};

	while (most_sites > 0) {
		payload = try_record(sampling, smaller, most_sites);
		forget(sampling);
		if (payload.bytes <= most_bytes)
			break;
		if (smaller < SAMPLE_OF_SITE)
			smaller *= SMALLER;
		else
			most_sites =
				least_of(most_sites, sampling->question->classes->numbers->count) *
				most_bytes / payload.bytes;
		payload_release(&payload, sampling->memory);
	}
	return payload;
}

struct payload holder_paths_record(const struct holder_question *question,
				   struct scan_memory *memory)
{
	uint64_t sites_bytes =
		((uint64_t)question->classes->numbers->count + 1) * sizeof(struct sampled_site);
	struct payload payload = {0};
	struct sampling *sampling;

	if (question->queue->paths == NULL)
		return payload;
	sampling = scan_memory_map(memory, sizeof(*sampling));
	if (sampling == NULL)
		return payload;
	sampling->question = question;
	sampling->memory = memory;
	sampling->sites = scan_memory_map(memory, sites_bytes);
	if (sampling->sites != NULL)
		payload = make_record(sampling);
	scan_memory_unmap(memory, sampling->sites, sites_bytes);
	scan_memory_unmap(memory, sampling, sizeof(*sampling));
	return payload;
}
