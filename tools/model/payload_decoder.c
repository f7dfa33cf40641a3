/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload_decoder: see the layout in include/seep/snapshot_format.h.
 *
 * A fixed struct says its own length, so that a later minor version can make it longer; what we do
 * not know of it is skipped.
 */
#include "tools/model/payload_decoder.h"

#include <string.h>

/* Far more than are written. Who looks for detours compares each step of a path with all before it. */
#define PATH_STEPS_MAX 64u

static size_t bytes_left(const struct payload *payload)
{
	return (size_t)(payload->end - payload->at);
}

/* Takes `length` bytes; null when there are fewer. */
static const void *take(struct payload *payload, size_t length)
{
	if (bytes_left(payload) < length)
		return NULL;
	const void *taken = payload->at;
	payload->at += length;
	return taken;
}

/* Copies a fixed struct that begins with its own length, and steps behind that length. What older
 * versions did not write behind the first `least_bytes` is 0. */
static bool take_grown_struct(struct payload *payload, void *fixed, size_t known_bytes,
			      size_t least_bytes)
{
	uint32_t struct_bytes;
	if (bytes_left(payload) < least_bytes)
		return false;
	memcpy(&struct_bytes, payload->at, sizeof(struct_bytes));
	if (struct_bytes < least_bytes)
		return false;
	const void *taken = take(payload, struct_bytes);
	memset(fixed, 0, known_bytes);
	if (taken)
		memcpy(fixed, taken, struct_bytes < known_bytes ? struct_bytes : known_bytes);
	return taken;
}

static bool take_struct(struct payload *payload, void *fixed, size_t known_bytes)
{
	return take_grown_struct(payload, fixed, known_bytes, known_bytes);
}

static bool take_varint(struct payload *payload, uint64_t *value)
{
	uint64_t sum = 0;
	for (unsigned shift = 0; shift < 70 && payload->at < payload->end; shift += 7) {
		uint8_t byte = *payload->at++;
		if (shift == 63 && byte > 1)
			return false; /* more than 64 bits */
		sum |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*value = sum;
			return true;
		}
	}
	return false;
}

bool payload_process(struct payload payload, struct decoded_process *process)
{
	struct seep_process *fixed = &process->fixed;
	return take_grown_struct(&payload, fixed, sizeof(*fixed),
				 offsetof(struct seep_process, sample_bytes)) &&
	       (process->exe = take(&payload, fixed->exe_bytes)) &&
	       (process->name = take(&payload, fixed->name_bytes)) &&
	       (process->command = take(&payload, fixed->command_bytes));
}

bool payload_end(struct payload payload, struct seep_end *end)
{
	const void *fixed = take(&payload, sizeof(*end));
	if (fixed)
		memcpy(end, fixed, sizeof(*end));
	return fixed;
}

bool payload_unload(struct payload *payload, struct seep_module_unload *unload)
{
	const void *fixed = take(payload, sizeof(*unload));
	if (fixed)
		memcpy(unload, fixed, sizeof(*unload));
	return fixed;
}

bool payload_suppressions(struct payload payload, const void **text, uint32_t *bytes)
{
	struct seep_suppressions fixed;
	if (!take_struct(&payload, &fixed, sizeof(fixed)) ||
	    fixed.text_bytes > SEEP_SUPPRESSIONS_MAX_BYTES)
		return false;
	*bytes = fixed.text_bytes;
	return (*text = take(&payload, fixed.text_bytes));
}

bool payload_fatal_free(struct payload payload, struct seep_fatal_free *fatal, const void **words)
{
	return take_struct(&payload, fatal, sizeof(*fatal)) &&
	       fatal->message_bytes <= SEEP_FATAL_FREE_MESSAGE_MAX_BYTES &&
	       (fatal->allocated_by ? fatal->block_offset < fatal->block_bytes
				    : !fatal->block_bytes && !fatal->block_offset) &&
	       (*words = take(&payload, fatal->message_bytes));
}

bool payload_self_check(struct payload *payload, struct seep_self_check *check)
{
	return take_struct(payload, check, sizeof(*check)) &&
	       check->difference_bytes >= sizeof(struct seep_difference) &&
	       check->difference_count <= bytes_left(payload) / check->difference_bytes;
}

bool payload_difference(struct payload *payload, const struct seep_self_check *check,
			struct seep_difference *difference)
{
	const void *fixed = take(payload, check->difference_bytes);
	if (fixed)
		memcpy(difference, fixed, sizeof(*difference));
	return fixed;
}

bool payload_samples(struct payload *payload, struct seep_samples *samples)
{
	/* A site has four varints. */
	return take_struct(payload, samples, sizeof(*samples)) &&
	       samples->site_count <= bytes_left(payload) / 4;
}

bool payload_sampled_site(struct payload *payload, uint32_t *last_stack,
			  struct decoded_sampled_site *site)
{
	uint64_t step;
	if (!take_varint(payload, &step) || !take_varint(payload, &site->samples) ||
	    !take_varint(payload, &site->blocks_error) || !take_varint(payload, &site->bytes_error))
		return false;
	if (step < 1 || step > UINT32_MAX - *last_stack)
		return false;
	*last_stack += (uint32_t)step;
	site->stack = *last_stack;
	return true;
}

bool payload_frees(struct payload *payload, struct seep_frees *frees)
{
	/* A pair has three varints. */
	return take_struct(payload, frees, sizeof(*frees)) &&
	       frees->pair_count <= bytes_left(payload) / 3;
}

bool payload_free_pair(struct payload *payload, struct decoded_free_pair *pair)
{
	uint64_t step, free_stack;
	if (!take_varint(payload, &step) || !take_varint(payload, &free_stack) ||
	    !take_varint(payload, &pair->samples))
		return false;
	/* Pairs rise, and 0 is the root. */
	uint64_t least = step ? 1 : (uint64_t)pair->free_stack + 1;
	if (step > UINT32_MAX - pair->stack || pair->stack + step == 0 || free_stack < least ||
	    free_stack > UINT32_MAX)
		return false;
	pair->stack += (uint32_t)step;
	pair->free_stack = (uint32_t)free_stack;
	return true;
}

bool payload_pins(struct payload *payload, struct seep_pins *pins)
{
	/* A site has two varints. */
	return take_struct(payload, pins, sizeof(*pins)) &&
	       pins->site_count <= bytes_left(payload) / 2;
}

bool payload_pinned_site(struct payload *payload, uint32_t *last_stack,
			 struct decoded_pinned_site *site)
{
	uint64_t step;
	if (!take_varint(payload, &step) || !take_varint(payload, &site->bytes))
		return false;
	if (step < 1 || step > UINT32_MAX - *last_stack)
		return false;
	*last_stack += (uint32_t)step;
	site->stack = *last_stack;
	return true;
}

bool payload_alert(struct payload payload, struct seep_alert *alert)
{
	return take_struct(&payload, alert, sizeof(*alert));
}

bool payload_scan(struct payload *payload, struct seep_scan *scan)
{
	/* A site has eleven varints. */
	return take_struct(payload, scan, sizeof(*scan)) &&
	       (scan->outcome != SEEP_SCAN_DONE || scan->site_count <= bytes_left(payload) / 11);
}

bool payload_scanned_site(struct payload *payload, const struct seep_scan *scan,
			  uint32_t *last_stack, struct decoded_scanned_site *site)
{
	struct block_sum *const sums[] = {&site->definitely, &site->indirectly, &site->possibly,
					  &site->reachable, &site->below};
	uint64_t step, head = 0;
	if (!take_varint(payload, &step))
		return false;
	for (size_t i = 0; i < sizeof(sums) / sizeof(*sums); i++)
		if (!take_varint(payload, &sums[i]->blocks) ||
		    !take_varint(payload, &sums[i]->bytes))
			return false;
	if (scan->flags & SEEP_SCAN_HAS_HEADS && !take_varint(payload, &head))
		return false;
	if (step < 1 || step > UINT32_MAX - *last_stack || head > UINT32_MAX)
		return false;
	*last_stack += (uint32_t)step;
	site->stack = *last_stack;
	site->head = (uint32_t)head;
	return true;
}

bool payload_holders(struct payload *payload, struct seep_holders *holders, struct payload *paths)
{
	const uint8_t *start = payload->at;
	if (!take_struct(payload, holders, sizeof(*holders)) ||
	    holders->paths_offset < (size_t)(payload->at - start) ||
	    holders->paths_offset > (size_t)(payload->end - start))
		return false;
	*paths = (struct payload){start + holders->paths_offset, payload->end};
	payload->end = paths->at;
	/* A path has four varints at least. */
	return holders->root_count <= bytes_left(payload) / sizeof(struct seep_root) &&
	       holders->path_count <= bytes_left(paths) / 4;
}

bool payload_root(struct payload *payload, struct decoded_root *root)
{
	const uint8_t *start = payload->at;
	if (!take_struct(payload, &root->fixed, sizeof(root->fixed)) ||
	    !(root->name = take(payload, root->fixed.name_bytes)))
		return false;
	/* The next one begins on a multiple of 8, as the first one does. */
	if (!take(payload, -(size_t)(payload->at - start) % 8))
		payload->at = payload->end;
	return true;
}

bool payload_path(struct payload *payload, uint32_t *last_stack, struct decoded_path *path)
{
	uint64_t stack_step, root, steps;
	if (!take_varint(payload, &stack_step) || !take_varint(payload, &path->blocks) ||
	    !take_varint(payload, &root) || !take_varint(payload, &steps))
		return false;
	/* A site may have several paths; a step has three varints, and of many the middle is left out. */
	if (steps > PATH_STEPS_MAX || stack_step > UINT32_MAX - *last_stack ||
	    *last_stack + stack_step == 0 || root > UINT32_MAX || steps > bytes_left(payload) / 3)
		return false;
	*last_stack += (uint32_t)stack_step;
	path->stack = *last_stack;
	path->root = (uint32_t)root;
	path->step_count = (uint32_t)steps;
	return true;
}

bool payload_step(struct payload *payload, struct decoded_step *step)
{
	uint64_t stack;
	if (!take_varint(payload, &stack) || !take_varint(payload, &step->offset) ||
	    !take_varint(payload, &step->count) || stack > UINT32_MAX)
		return false;
	step->stack = (uint32_t)stack;
	return true;
}

bool payload_module(struct payload *payload, struct decoded_module *module)
{
	const uint8_t *start = payload->at;
	struct seep_module *fixed = &module->fixed;
	if (!take_struct(payload, fixed, sizeof(*fixed)) ||
	    !(module->build_id = take(payload, fixed->build_id_bytes)) ||
	    !(module->path = take(payload, fixed->path_bytes)))
		return false;
	/* Every module begins on a multiple of 8, the first one at the start of the payload. */
	size_t padding = -(size_t)(payload->at - start) % 8;
	if (!take(payload, padding))
		payload->at = payload->end;
	return fixed->start <= fixed->end;
}

bool payload_stacks(struct payload *payload, struct seep_stacks *stacks)
{
	return take_struct(payload, stacks, sizeof(*stacks));
}

bool payload_node(struct payload *payload, uint32_t id, uint64_t *last_pc,
		  struct decoded_node *node)
{
	uint64_t distance, pc_step, generation;
	if (!take_varint(payload, &distance) || !take_varint(payload, &pc_step) ||
	    !take_varint(payload, &generation))
		return false;
	if (distance < 1 || distance > id || generation > UINT32_MAX)
		return false;
	*last_pc += (pc_step >> 1) ^ -(pc_step & 1);
	node->parent = id - (uint32_t)distance;
	node->generation = (uint32_t)generation;
	node->pc = *last_pc;
	return true;
}

bool payload_snapshot(struct payload payload, struct decoded_snapshot *snapshot)
{
	struct seep_snapshot *fixed = &snapshot->fixed;
	const uint8_t *start = payload.at;
	if (!take_grown_struct(&payload, fixed, sizeof(*fixed),
			       offsetof(struct seep_snapshot, limit_bytes)) ||
	    !(snapshot->label = take(&payload, fixed->label_bytes)))
		return false;
	if (fixed->entries_offset < (size_t)(payload.at - start) ||
	    fixed->entries_offset > (size_t)(payload.end - start))
		return false;
	snapshot->entries = (struct payload){start + fixed->entries_offset, payload.end};
	return true;
}

bool payload_entry(struct payload *payload, uint32_t *last_stack, struct decoded_entry *entry)
{
	uint64_t step;
	if (!take_varint(payload, &step) || !take_varint(payload, &entry->live_blocks) ||
	    !take_varint(payload, &entry->live_bytes) ||
	    !take_varint(payload, &entry->allocations) ||
	    !take_varint(payload, &entry->allocated_bytes) ||
	    !take_varint(payload, &entry->cohort_count))
		return false;
	/* Ids rise and 0 is the root, so a step is never 0; a cohort has three varints. */
	if (step < 1 || step > UINT32_MAX - *last_stack ||
	    entry->cohort_count > bytes_left(payload) / 3)
		return false;
	*last_stack += (uint32_t)step;
	entry->stack = *last_stack;
	return true;
}

bool payload_cohort(struct payload *payload, uint32_t *last_epoch, bool is_first,
		    struct decoded_cohort *cohort)
{
	uint64_t step;
	if (!take_varint(payload, &step) || !take_varint(payload, &cohort->blocks) ||
	    !take_varint(payload, &cohort->bytes))
		return false;
	if ((step < 1 && !is_first) || step > UINT32_MAX - *last_epoch)
		return false;
	*last_epoch += (uint32_t)step;
	cohort->epoch = *last_epoch;
	return true;
}
