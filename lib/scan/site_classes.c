/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_classes: how many blocks and bytes of each site are lost, possibly lost and reachable.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    scan_memory: 88 bytes a site with live blocks; payload
 *   Calls     what scan_memory calls
 *   Failure   false, or payload.is_failed
 */
#include "lib/scan/site_classes.h"

#include <string.h>

#include "lib/base/poison.h"

bool site_classes_start(struct site_classes *classes, struct scan_memory *memory,
			const struct site_numbers *numbers)
{
	uint64_t bytes = ((uint64_t)numbers->count + 1) * sizeof(*classes->sites);

	*classes = (struct site_classes){.numbers = numbers};
	classes->sites = scan_memory_map(memory, bytes);
	return classes->sites != NULL;
}

void site_classes_release(struct site_classes *classes, struct scan_memory *memory)
{
	if (classes->sites != NULL)
		scan_memory_unmap(memory, classes->sites,
				  ((uint64_t)classes->numbers->count + 1) *
					  sizeof(*classes->sites));
	*classes = (struct site_classes){0};
}

static void add(struct class_sum *sum, uint64_t blocks, uint64_t bytes)
{
	sum->blocks += blocks;
	sum->bytes += bytes;
}

static struct class_sum *class_of(struct site_class *site, enum block_mark mark)
{
	switch (mark) {
	case MARK_HEAD:
		return &site->definitely;
	case MARK_INDIRECT:
	case MARK_COUNTED:
		return &site->indirectly;
	default:
		return &site->possibly;
	}
}

struct taking {
	struct site_classes *classes;
	const struct block_index *index;
	uint32_t since_epoch;
};

static void take(block_ref ref, void *context)
{
	struct taking *taking = context;
	enum block_mark mark = block_index_mark(taking->index, ref);
	const struct side_block *side;
	uint64_t word;

	if ((ref & BLOCK_REF_IS_SIDE) != 0) {
		side = &taking->index->side[ref & ~BLOCK_REF_IS_SIDE];
		if (side->epoch >= taking->since_epoch)
			add(class_of(site_classes_get(taking->classes, side->stack), mark), 1,
			    side->bytes);
		return;
	}
	word = *live_table_word(ref << 3);
	if (live_word_epoch(word) >= taking->since_epoch)
		add(class_of(site_classes_get(taking->classes, live_word_stack(word)), mark), 1,
		    live_word_bytes(word));
}

void site_classes_take_others(struct site_classes *classes, struct block_index *index,
			      uint32_t since_epoch)
{
	struct taking taking = {.classes = classes, .index = index, .since_epoch = since_epoch};

	block_index_walk(index, ((1u << MARK_LIMIT) - 1) & ~(1u << MARK_REACHED), false, take,
			 &taking);
}

void site_classes_note_under(struct site_classes *classes, const struct block_index *index,
			     block_ref head, block_ref ref)
{
	struct indexed_block block = block_index_get(index, ref);
	uint32_t head_stack = block_index_stack(index, head);

	add(&site_classes_get(classes, head_stack)->under, 1, block.bytes);
	site_classes_get(classes, block.stack)->head_stack = head_stack;
}

static void add_sum(struct payload *payload, struct scan_memory *memory,
		    const struct class_sum *sum)
{
	payload_add_varint(payload, memory, sum->blocks);
	payload_add_varint(payload, memory, sum->bytes);
}

static void add_up(struct seep_scan *head, const struct site_class *site)
{
	head->definitely_blocks += site->definitely.blocks;
	head->definitely_bytes += site->definitely.bytes;
	head->indirectly_blocks += site->indirectly.blocks;
	head->indirectly_bytes += site->indirectly.bytes;
	head->possibly_blocks += site->possibly.blocks;
	head->possibly_bytes += site->possibly.bytes;
	head->reachable_blocks += site->reachable.blocks;
	head->reachable_bytes += site->reachable.bytes;
}

struct payload site_classes_record(const struct site_classes *classes, struct scan_memory *memory,
				   struct seep_scan *head)
{
	struct payload payload = {0};
	uint32_t last = 0;

	head->struct_bytes = sizeof(*head);
	head->flags |= SEEP_SCAN_HAS_HEADS;
	payload_add(&payload, memory, head, sizeof(*head));
	for (uint32_t stack = 0; stack < classes->numbers->stack_count; stack++) {
		const struct site_class *site;

		if (classes->numbers->of_stack[stack] == 0)
			continue;
		site = site_classes_get(classes, stack);
		payload_add_varint(&payload, memory, stack - last);
		add_sum(&payload, memory, &site->definitely);
		add_sum(&payload, memory, &site->indirectly);
		add_sum(&payload, memory, &site->possibly);
		add_sum(&payload, memory, &site->reachable);
		add_sum(&payload, memory, &site->under);
		payload_add_varint(&payload, memory, site->head_stack);
		add_up(head, site);
		head->site_count++;
		last = stack;
	}
	if (!payload.is_failed)
		memcpy(payload.start, head, sizeof(*head));
	return payload;
}
