/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frees_record: who frees, as a record of the file.
 *
 * It must not push snapshots out of the file. Of each site the pairs with the most samples are
 * named; where that is still too much for the file's size, only pairs with twice as many samples,
 * or four times, and so on. What is left out is part of the sum that the record begins with.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    scratch: 20 bytes a pair, and 4 a stack
 *   Calls     what scratch and buffer call
 *   Failure   there is nothing to write; the next snapshot tries again
 */
#include "lib/snapshot/frees_record.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/invariant.h"
#include "lib/base/options.h"
#include "lib/base/scratch.h"
#include "lib/record/free_pairs.h"
#include "lib/record/free_turn.h"
#include "lib/record/sampler.h"
#include "lib/snapshot/snapshot_reason.h"

#include "lib/base/poison.h"

#define PAIRS_OF_SITE 4u /* named at most */
#define FILE_SHARE 64u	 /* of the largest file, for one record */
#define NEWS_SHARE 8u	 /* of the samples, for the next one */
#define NEW_PAIRS 256u	 /* that may come between counting and reading them; others wait */

/* What a record has said. */
struct state {
	uint64_t samples; /* of how many it spoke, with those that were lost */
	bool has_all;	  /* no pair came too late, and no stack was too new for the file */
};
static struct state written, made; /* in the file; by the last payload */

/* The pairs, and by the stack that allocated: the index + 1 of the first one; 0: none. */
struct sites {
	struct stack_pair *pairs;
	uint32_t *next, *first;
	uint32_t count, room, stack_end;
};

static bool is_in_file(const struct sites *sites, const struct stack_pair *pair)
{
	return pair->allocated_by < sites->stack_end && pair->freed_by < sites->stack_end;
}

static bool take_sites(struct sites *sites)
{
	sites->pairs = scratch_map(sites->room * sizeof(*sites->pairs));
	sites->next = scratch_map(sites->room * sizeof(*sites->next));
	sites->first = scratch_map(sites->stack_end * sizeof(*sites->first));
	if (sites->pairs == NULL || sites->next == NULL || sites->first == NULL)
		return false;
	sites->count = free_pairs_read(sites->pairs, sites->room);
	for (uint32_t i = 0; i < sites->count; i++) {
		uint32_t site = sites->pairs[i].allocated_by;

		if (!is_in_file(sites, &sites->pairs[i]))
			continue;
		sites->next[i] = sites->first[site];
		sites->first[site] = i + 1;
	}
	return true;
}

static void release_sites(struct sites *sites)
{
	if (sites->pairs != NULL)
		scratch_unmap(sites->pairs, sites->room * sizeof(*sites->pairs));
	if (sites->next != NULL)
		scratch_unmap(sites->next, sites->room * sizeof(*sites->next));
	if (sites->first != NULL)
		scratch_unmap(sites->first, sites->stack_end * sizeof(*sites->first));
}

/* More samples first; of as many, the older stack. */
static bool is_before(const struct stack_pair *one, const struct stack_pair *other)
{
	return one->samples != other->samples ? one->samples > other->samples
					      : one->freed_by < other->freed_by;
}

/* Puts the pair where it belongs among `count` others, of which the last may drop out. Returns how
 * many there are now. */
static uint32_t insert(const struct stack_pair *most[], uint32_t count,
		       const struct stack_pair *pair)
{
	uint32_t place = count;

	for (; place > 0 && is_before(pair, most[place - 1]); place--)
		if (place < PAIRS_OF_SITE)
			most[place] = most[place - 1];
	if (place < PAIRS_OF_SITE)
		most[place] = pair;
	return count < PAIRS_OF_SITE ? count + 1 : count;
}

/* Stores the pairs of the site with the most samples, at least `least`, by rising stack that frees. */
static uint32_t choose(const struct sites *sites, uint32_t site, uint64_t least,
		       const struct stack_pair *chosen[])
{
	uint32_t count = 0;

	for (uint32_t index = sites->first[site]; index != 0; index = sites->next[index - 1])
		if (sites->pairs[index - 1].samples >= least)
			count = insert(chosen, count, &sites->pairs[index - 1]);
	for (uint32_t i = 1; i < count; i++) {
		const struct stack_pair *pair = chosen[i];
		uint32_t place = i;

		for (; place > 0 && chosen[place - 1]->freed_by > pair->freed_by; place--)
			chosen[place] = chosen[place - 1];
		chosen[place] = pair;
	}
	return count;
}

/* Fills the payload with the pairs that have at least `least` samples; their number. */
static uint32_t add_pairs(struct buffer *payload, const struct sites *sites, uint64_t least)
{
	uint32_t last = 0, count = 0;

	for (uint32_t site = 0; site < sites->stack_end; site++) {
		const struct stack_pair *chosen[PAIRS_OF_SITE];
		uint32_t chosen_count = choose(sites, site, least, chosen);

		for (uint32_t i = 0; i < chosen_count; i++) {
			INVARIANT(i == 0 || chosen[i - 1]->freed_by < chosen[i]->freed_by, site, i);
			buffer_add_varint(payload, site - last);
			buffer_add_varint(payload, chosen[i]->freed_by);
			buffer_add_varint(payload, chosen[i]->samples);
			last = site;
		}
		count += chosen_count;
	}
	return count;
}

static void fill(struct buffer *payload, const struct sites *sites, struct seep_frees *head)
{
	size_t most = options.max_file_bytes / FILE_SHARE;
	uint64_t least = 1;

	do {
		payload->bytes = 0;
		buffer_add(payload, head, sizeof(*head));
		head->pair_count = add_pairs(payload, sites, least);
		least *= 2;
	} while (!payload->is_failed && payload->bytes > most && head->pair_count > 0);
	if (!payload->is_failed)
		memcpy(payload->start, head, sizeof(*head));
}

static bool has_news(const struct free_pairs_sums *sums, enum seep_snapshot_reason reason)
{
	uint64_t samples = sums->samples + sums->lost;

	if (samples == written.samples)
		return samples > 0 && !written.has_all;
	/* After one of memory there may be none. */
	return !snapshot_reason_is_automatic(reason) || reason == SEEP_REASON_MEMORY ||
	       samples >= written.samples + written.samples / NEWS_SHARE;
}

struct buffer frees_record_payload(uint32_t number, enum seep_snapshot_reason reason,
				   uint32_t stack_end)
{
	struct free_pairs_sums sums = free_pairs_sum();
	struct seep_frees head = {.struct_bytes = sizeof(head),
				  .snapshot = number,
				  .one_in = sampler_is_on ? 1 : FREE_TURN_ONE_IN,
				  .samples = sums.lost,
				  .lost = sums.lost};
	struct sites sites = {.stack_end = stack_end, .room = sums.pairs + NEW_PAIRS};
	struct buffer payload = {0};

	made = written;
	if (has_news(&sums, reason) && take_sites(&sites)) {
		made.has_all = sites.count < sites.room;
		/* Those of these pairs: while threads go on, there are more by now. */
		for (uint32_t i = 0; i < sites.count; i++) {
			head.samples += sites.pairs[i].samples;
			made.has_all &= is_in_file(&sites, &sites.pairs[i]);
		}
		made.samples = head.samples;
		fill(&payload, &sites, &head);
	}
	release_sites(&sites);
	if (payload.is_failed) {
		buffer_release(&payload);
		made = written;
	}
	return payload;
}

void frees_record_note_written(void)
{
	written = made;
}

void frees_record_postfork_child(void)
{
	written = made = (struct state){0};
}
