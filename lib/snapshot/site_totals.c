/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_totals: all live blocks added up by site and by cohort, from one walk over the live table.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    region, given back after the snapshot: 20 bytes a stack (84 in a process that
 *             samples), 40 to 64 a cohort; see page_fill
 *   Calls     mmap, munmap
 *   Failure   is_failed: the snapshot is not written
 */
#include "lib/snapshot/site_totals.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/invariant.h"
#include "lib/base/scratch.h"
#include "lib/record/live_table.h"
#include "lib/record/map_table.h"
#include "lib/record/recorder.h"
#include "lib/record/sample_sums.h"
#include "lib/record/sampler.h"
#include "lib/record/site_counters.h"

#include "lib/base/poison.h"

#define FIRST_COHORTS 4096u

uint32_t site_totals_cohort(uint32_t birth, uint32_t now)
{
	/* Inherited blocks stay apart from the process's own. Epochs count from 1. */
	uint32_t oldest = birth > recorder_inherited_epoch ? recorder_inherited_epoch + 1 : 1;
	uint32_t width = 1;

	/* Pairs when the younger of the two is 16 epochs old, fours when the youngest is 32, and so
	 * on; at most 16 + 8 per doubling. Groups are aligned and judged by their youngest, so all of
	 * a group agree, and a cohort is only ever merged with its neighbour, never torn apart. */
	for (uint32_t wider = 2; wider <= LIVE_BLOCK_EPOCH_MAX; wider *= 2) {
		uint32_t youngest = birth - birth % wider + wider - 1;

		if (youngest > now || now - youngest < SITE_TOTALS_SINGLE_EPOCHS * (wider / 2))
			break;
		width = wider;
	}
	birth -= birth % width;
	return birth < oldest ? oldest : birth;
}

static uint64_t hash_of(uint32_t stack, uint32_t epoch)
{
	uint64_t hash = ((uint64_t)stack << 32 | epoch) * 0x9e3779b97f4a7c15ull;

	return hash ^ hash >> 32;
}

static bool grow(struct site_totals *totals)
{
	uint64_t room = totals->cohort_room == 0 ? FIRST_COHORTS : totals->cohort_room * 2;
	struct site_cohort *cohorts = scratch_map(room * sizeof(*cohorts));
	uint32_t *slots = scratch_map(2 * room * sizeof(*slots));

	if (cohorts == NULL || slots == NULL) {
		if (cohorts != NULL)
			scratch_unmap(cohorts, room * sizeof(*cohorts));
		if (slots != NULL)
			scratch_unmap(slots, 2 * room * sizeof(*slots));
		totals->is_failed = true;
		return false;
	}
	for (uint64_t i = 0; i < totals->cohort_count; i++) {
		uint64_t slot = hash_of(totals->cohorts[i].stack, totals->cohorts[i].epoch);

		cohorts[i] = totals->cohorts[i];
		while (slots[slot & (2 * room - 1)] != 0)
			slot++;
		slots[slot & (2 * room - 1)] = (uint32_t)i + 1;
	}
	if (totals->cohorts != NULL) {
		scratch_unmap(totals->cohorts, totals->cohort_room * sizeof(*cohorts));
		scratch_unmap(totals->slots, totals->slot_count * sizeof(*slots));
	}
	totals->cohorts = cohorts;
	totals->cohort_room = room;
	totals->slots = slots;
	totals->slot_count = 2 * room;
	return true;
}

static struct site_cohort *cohort_of(struct site_totals *totals, uint32_t stack, uint32_t epoch)
{
	uint64_t mask, slot;
	struct site_cohort *cohort;

	if (totals->cohort_count == totals->cohort_room && !grow(totals))
		return NULL;
	mask = totals->slot_count - 1;
	for (slot = hash_of(stack, epoch);; slot++) {
		uint32_t index = totals->slots[slot & mask];

		if (index == 0)
			break;
		cohort = &totals->cohorts[index - 1];
		if (cohort->stack == stack && cohort->epoch == epoch)
			return cohort;
	}
	cohort = &totals->cohorts[totals->cohort_count++];
	*cohort = (struct site_cohort){
		.epoch = epoch, .stack = stack, .next = totals->first_cohort[stack]};
	totals->slots[slot & mask] = (uint32_t)totals->cohort_count;
	totals->first_cohort[stack] = (uint32_t)totals->cohort_count;
	return cohort;
}

static void add(struct site_totals *totals, const struct live_block *block, uint64_t blocks,
		uint64_t bytes)
{
	/* Epochs may begin during the walk. What is born since the snapshot began is one cohort. */
	uint32_t epoch = block->epoch > totals->epoch ? totals->epoch + 1 : block->epoch;
	struct site_cohort *cohort;

	if (totals->is_failed)
		return;
	cohort = cohort_of(totals, block->stack, site_totals_cohort(epoch, totals->epoch));
	if (cohort == NULL)
		return;
	cohort->blocks += blocks;
	cohort->bytes += bytes;
}

/* The variance that a sample adds is estimated by (1 - p) / p^2 for its block, with w = 1 / p by
 * w (w - 1); see seep_samples. */
static void add_sample(struct site_totals *totals, const struct live_block *block)
{
	struct sample_weight weight = sample_weight_of(block->bytes, sampler_mean_bytes);
	struct site_samples *samples = &totals->samples[block->stack];
	uint64_t excess = weight.blocks - SAMPLE_ONE_BLOCK;
	unsigned __int128 all_bytes = (unsigned __int128)block->bytes * weight.blocks;
	unsigned __int128 excess_bytes = (unsigned __int128)block->bytes * excess;

	samples->count++;
	samples->blocks_variance += (unsigned __int128)weight.blocks * excess >> SAMPLE_BLOCK_BITS;
	/* Each with half of the 16 bits too many. */
	samples->bytes_variance +=
		(all_bytes >> SAMPLE_BLOCK_BITS / 2) * (excess_bytes >> SAMPLE_BLOCK_BITS / 2);
	add(totals, block, weight.blocks, weight.bytes);
}

static void visit_block(uint64_t addr, const struct live_block *block, void *context)
{
	struct site_totals *totals = context;

	if (!totals->fill.is_failed)
		page_fill_add(&totals->fill, addr, block->bytes);
	if (block->stack >= totals->stack_count)
		return; /* a stack that is younger than this snapshot */
	totals->recorded_blocks++;
	totals->recorded_inherited_blocks += block->epoch <= recorder_inherited_epoch;
	if (totals->samples != NULL) {
		add_sample(totals, block);
		return;
	}
	totals->live_blocks++;
	totals->live_bytes += block->bytes;
	if (block->epoch <= recorder_inherited_epoch) {
		totals->inherited_blocks++;
		totals->inherited_bytes += block->bytes;
	}
	add(totals, block, 1, block->bytes);
}

static void visit_mapping(uint64_t addr, const struct live_block *block, void *context)
{
	struct site_totals *totals = context;

	(void)addr;
	if (block->stack >= totals->stack_count)
		return;
	totals->mapped_bytes += block->bytes;
	if (totals->samples != NULL) {
		totals->samples[block->stack].mappings++;
		totals->samples[block->stack].mapped_bytes += block->bytes;
		add(totals, block, SAMPLE_ONE_BLOCK, block->bytes << SAMPLE_BYTE_BITS);
		return;
	}
	add(totals, block, 1, block->bytes);
}

/* ---- from parts to whole blocks and bytes -------------------------------------------------------- */

/* A site is rounded once; what its cohorts are given is all of it. */
static void round_site(struct site_totals *totals, uint32_t stack)
{
	uint64_t blocks = 0, bytes = 0, blocks_given = 0, bytes_given = 0;

	for (uint32_t index = totals->first_cohort[stack]; index != 0;) {
		struct site_cohort *cohort = &totals->cohorts[index - 1];

		blocks += cohort->blocks;
		bytes += cohort->bytes;
		cohort->blocks = sample_round(blocks, SAMPLE_BLOCK_BITS) - blocks_given;
		cohort->bytes = sample_round(bytes, SAMPLE_BYTE_BITS) - bytes_given;
		blocks_given += cohort->blocks;
		bytes_given += cohort->bytes;
		if (totals->samples[stack].count > 0 && cohort->epoch <= recorder_inherited_epoch) {
			totals->inherited_blocks += cohort->blocks;
			totals->inherited_bytes += cohort->bytes;
		}
		index = cohort->next;
	}
	totals->live_blocks += blocks_given - totals->samples[stack].mappings;
	totals->live_bytes += bytes_given - totals->samples[stack].mapped_bytes;
}

static void round_sites(struct site_totals *totals)
{
	struct site_samples *all = &totals->all_samples;

	for (uint32_t stack = 0; stack < totals->stack_count; stack++) {
		struct site_counters *allocated = &totals->allocated[stack];
		const struct site_samples *samples = &totals->samples[stack];

		round_site(totals, stack);
		allocated->allocations = sample_round(allocated->allocations, SAMPLE_BLOCK_BITS);
		allocated->allocated_bytes =
			sample_round(allocated->allocated_bytes, SAMPLE_BYTE_BITS);
		all->count += samples->count;
		all->blocks_variance += samples->blocks_variance;
		all->bytes_variance += samples->bytes_variance;
	}
}

/* Mappings are counted one by one, and samples by what they stand for. */
static void count_allocations(struct site_totals *totals)
{
	site_counters_sum(totals->allocated, totals->stack_count);
	if (totals->samples == NULL)
		return;
	for (uint32_t stack = 0; stack < totals->stack_count; stack++) {
		totals->allocated[stack].allocations <<= SAMPLE_BLOCK_BITS;
		totals->allocated[stack].allocated_bytes <<= SAMPLE_BYTE_BITS;
	}
	sample_sums_by_stack(totals->allocated, totals->stack_count);
}

void site_totals_verify(const struct site_totals *totals)
{
	uint64_t bytes = 0, blocks = 0, cohorts = 0, slots = 0;

	if (!INVARIANTS_ARE_CHECKED)
		return;
	INVARIANT(totals->first_cohort[CALL_TREE_ROOT] == 0, totals->first_cohort[0], 0);
	for (uint32_t stack = 0; stack < totals->stack_count; stack++) {
		for (uint32_t index = totals->first_cohort[stack]; index != 0;) {
			const struct site_cohort *cohort = &totals->cohorts[index - 1];

			INVARIANT(index <= totals->cohort_count, index, totals->cohort_count);
			INVARIANT(cohort->stack == stack, cohort->stack, stack);
			INVARIANT(cohort->next < index, cohort->next, index);
			INVARIANT(cohort->blocks > 0, cohort->blocks, cohort->epoch);
			/* Blocks may be born while the walk goes on. */
			INVARIANT(cohort->epoch <= totals->epoch + 1, cohort->epoch, totals->epoch);
			blocks += cohort->blocks;
			bytes += cohort->bytes;
			cohorts++;
			index = cohort->next;
		}
	}
	for (uint64_t slot = 0; slot < totals->slot_count; slot++)
		slots += totals->slots[slot] != 0;
	INVARIANT(cohorts == totals->cohort_count, cohorts, totals->cohort_count);
	INVARIANT(slots == totals->cohort_count, slots, totals->cohort_count);
	INVARIANT(bytes == totals->live_bytes + totals->mapped_bytes, bytes, totals->live_bytes);
	INVARIANT(blocks >= totals->live_blocks, blocks, totals->live_blocks);
	INVARIANT(blocks == totals->live_blocks || totals->mapped_bytes > 0, blocks,
		  totals->live_blocks);
	INVARIANT(totals->inherited_blocks <= totals->live_blocks &&
			  totals->inherited_bytes <= totals->live_bytes,
		  totals->inherited_blocks, totals->inherited_bytes);
}

void site_totals_take(struct site_totals *totals, uint32_t epoch, uint32_t stack_count,
		      bool is_quiet, bool fills_pages)
{
	*totals = (struct site_totals){.stack_count = stack_count, .epoch = epoch};
	page_fill_start(&totals->fill, live_table_has_neighbours, sampler_is_on);
	totals->fill.is_failed = !fills_pages;
	totals->first_cohort = scratch_map(totals->stack_count * sizeof(uint32_t));
	totals->allocated = scratch_map(totals->stack_count * sizeof(*totals->allocated));
	if (sampler_is_on)
		totals->samples = scratch_map(totals->stack_count * sizeof(*totals->samples));
	if (totals->first_cohort == NULL || totals->allocated == NULL ||
	    (sampler_is_on && totals->samples == NULL)) {
		totals->is_failed = true;
		return;
	}
	/* The blocks before the counters: a block that was seen has been counted. */
	live_table_walk(visit_block, totals);
	page_fill_finish(&totals->fill);
	map_table_walk(visit_mapping, totals, is_quiet);
	count_allocations(totals);
	if (totals->samples != NULL)
		round_sites(totals);
	if (!totals->is_failed)
		site_totals_verify(totals);
}

void site_totals_release(struct site_totals *totals)
{
	page_fill_release(&totals->fill);
	if (totals->first_cohort != NULL)
		scratch_unmap(totals->first_cohort, totals->stack_count * sizeof(uint32_t));
	if (totals->allocated != NULL)
		scratch_unmap(totals->allocated, totals->stack_count * sizeof(*totals->allocated));
	if (totals->samples != NULL)
		scratch_unmap(totals->samples, totals->stack_count * sizeof(*totals->samples));
	if (totals->cohorts != NULL) {
		scratch_unmap(totals->cohorts, totals->cohort_room * sizeof(*totals->cohorts));
		scratch_unmap(totals->slots, totals->slot_count * sizeof(*totals->slots));
	}
	*totals = (struct site_totals){0};
}
