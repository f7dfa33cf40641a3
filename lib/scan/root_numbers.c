/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root_numbers: the roots that are named in a record, each once.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    scan_memory: 32 bytes for each root that there may be
 *   Calls     what scan_memory, payload and root_list's describe call
 *   Failure   false, ROOT_NUMBER_NONE, or the payload's is_failed
 */
#include "lib/scan/root_numbers.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/poison.h"

#define NAME_BYTES_MAX 4096u

struct named_root {
	uint64_t key; /* equal for words that are one root */
	uint32_t index, place;
};

bool root_numbers_start(struct root_numbers *numbers, struct scan_memory *memory, uint32_t room)
{
	*numbers = (struct root_numbers){.room = room + 1, .slot_count = 16};
	while (numbers->slot_count < 2 * numbers->room)
		numbers->slot_count *= 2;
	numbers->roots = scan_memory_map(memory, numbers->room * sizeof(*numbers->roots));
	numbers->slots = scan_memory_map(memory, numbers->slot_count * sizeof(*numbers->slots));
	return numbers->roots != NULL && numbers->slots != NULL;
}

void root_numbers_release(struct root_numbers *numbers, struct scan_memory *memory)
{
	scan_memory_unmap(memory, numbers->roots, numbers->room * sizeof(*numbers->roots));
	scan_memory_unmap(memory, numbers->slots, numbers->slot_count * sizeof(*numbers->slots));
	*numbers = (struct root_numbers){0};
}

static uint64_t word_of(const struct root *root, uint32_t place)
{
	return root->start + (uint64_t)place * 8;
}

/* Words lie on multiples of 8. */
static uint64_t key_of(const struct root *root, uint32_t place)
{
	switch (root->kind) {
	case SEEP_ROOT_MAPPING:
		return (root->start - root->offset) | 1;
	case SEEP_ROOT_LOADER:
		return 2;
	default:
		return word_of(root, place);
	}
}

static uint64_t hash_of(uint64_t key)
{
	uint64_t hash = key * 0x9e3779b97f4a7c15ull;

	return hash ^ hash >> 32;
}

uint32_t root_numbers_get(struct root_numbers *numbers, const struct root_list *list,
			  uint32_t index, uint32_t place)
{
	uint64_t key = key_of(&list->roots[index], place), slot = hash_of(key);
	uint32_t number;

	for (;; slot++) {
		number = numbers->slots[slot & (numbers->slot_count - 1)];
		if (number == 0)
			break;
		if (numbers->roots[number - 1].key == key)
			return number - 1;
	}
	if (numbers->count == numbers->room)
		return ROOT_NUMBER_NONE;
	numbers->roots[numbers->count] = (struct named_root){key, index, place};
	numbers->slots[slot & (numbers->slot_count - 1)] = ++numbers->count;
	return numbers->count - 1;
}

static uint64_t address_of(const struct root *root, uint32_t place)
{
	switch (root->kind) {
	case SEEP_ROOT_REGISTER:
		return root->offset / 8 + place;
	case SEEP_ROOT_THREAD:
	case SEEP_ROOT_MAPPING:
	case SEEP_ROOT_REGION:
		return root->start - root->offset;
	default:
		return word_of(root, place);
	}
}

static void write_root(const struct root_list *list, const struct named_root *named,
		       struct payload *payload, struct scan_memory *memory)
{
	static const uint8_t zeros[8];
	const struct root *root = &list->roots[named->index];
	const char *name = root->name == NULL ? "" : root->name;
	struct seep_root out = {
		.struct_bytes = sizeof(out),
		.kind = root->kind,
		.address = address_of(root, named->place),
		.offset = root->offset + (uint64_t)named->place * 8,
		.module = root->module == ROOT_OF_NONE ? SEEP_ROOT_NO_MODULE : root->module,
		.kib = root->whole_bytes >> 10 > UINT32_MAX ? UINT32_MAX
							    : (uint32_t)(root->whole_bytes >> 10),
	};

	if (list->describe != NULL)
		list->describe(list, root, word_of(root, named->place), &out, &name);
	out.name_bytes = 0;
	while (out.name_bytes < NAME_BYTES_MAX && name[out.name_bytes] != 0)
		out.name_bytes++;
	payload_add(payload, memory, &out, sizeof(out));
	payload_add(payload, memory, name, out.name_bytes);
	payload_add(payload, memory, zeros, (8 - payload->bytes % 8) % 8);
}

void root_numbers_write(const struct root_numbers *numbers, const struct root_list *list,
			struct payload *payload, struct scan_memory *memory)
{
	for (uint32_t i = 0; i < numbers->count; i++)
		write_root(list, &numbers->roots[i], payload, memory);
}
