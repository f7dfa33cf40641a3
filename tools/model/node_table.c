/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_table: an array by id, and a hash table to find doubles.
 *
 * Ids are handed out one by one and a node takes at least three bytes of the file, so the file's
 * size bounds the ids. Ids may be missing where records were lost; ROOM_FOR_LOST_IDS of them, since
 * records that were never written take no bytes.
 */
#include "tools/model/node_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "seep/snapshot_format.h"
#include "tools/model/arena.h"
#include "tools/model/payload_decoder.h"
#include "tools/model/profile.h"

#define NODE_BYTES_IN_FILE 3
#define ROOM_FOR_LOST_IDS (1u << 20)
#define NO_PARENT UINT32_MAX /* in `parent` of an id that no record named */
_Static_assert(NODE_MAX_DOUBLES < UINT8_MAX, "they are counted in a byte");

void node_table_start(struct node_table *table, size_t file_bytes)
{
	*table = (struct node_table){
		.id_limit = file_bytes / NODE_BYTES_IN_FILE + ROOM_FOR_LOST_IDS,
	};
}

static bool make_room(struct node_table *table, size_t count)
{
	if (!array_reserve((void **)&table->nodes, &table->node_capacity, count,
			   sizeof(*table->nodes)) ||
	    !array_reserve((void **)&table->generations, &table->generation_capacity, count,
			   sizeof(*table->generations)))
		return false;
	for (size_t id = table->count; id < count; id++) {
		table->nodes[id] = (struct stack_node){NO_PARENT, PROFILE_NO_MODULE, 0};
		table->generations[id] = 0;
	}
	if (!table->count)
		table->nodes[0].parent = 0;
	if (count > table->count)
		table->count = count;
	return true;
}

int node_table_add(struct node_table *table, uint32_t id, const struct decoded_node *node)
{
	if (id < 1 || id >= table->id_limit || id == NO_PARENT)
		return -EBADMSG;
	if (!make_room(table, (size_t)id + 1))
		return -ENOMEM;

	struct stack_node *known = &table->nodes[id];
	if (known->parent == NO_PARENT) {
		known->parent = node->parent;
		known->pc = node->pc;
		table->generations[id] = node->generation;
		return 0;
	}
	bool is_same = known->parent == node->parent && known->pc == node->pc &&
		       table->generations[id] == node->generation;
	return is_same ? 0 : -EBADMSG;
}

/* ---- modules ---- */

/* Modules of one generation do not overlap, so the one that begins last before pc is it. */
static int compare_modules(const void *left, const void *right, void *context)
{
	const struct module *modules = context;
	const struct module *a = &modules[*(const uint32_t *)left];
	const struct module *b = &modules[*(const uint32_t *)right];
	if (a->generation != b->generation)
		return a->generation < b->generation ? -1 : 1;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

static uint32_t find_module(const struct module *modules, const uint32_t *order, size_t count,
			    uint64_t pc, uint32_t generation)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct module *module = &modules[order[middle]];
		if (module->generation < generation ||
		    (module->generation == generation && module->start <= pc))
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return PROFILE_NO_MODULE;
	const struct module *module = &modules[order[low - 1]];
	bool is_inside = module->generation == generation && pc < module->end;
	return is_inside ? order[low - 1] : PROFILE_NO_MODULE;
}

static int link_modules(struct node_table *table, const struct module *modules, size_t count)
{
	uint32_t *order = malloc((count + 1) * sizeof(*order));
	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, count, sizeof(*order), compare_modules, (void *)modules);

	for (size_t id = 1; id < table->count; id++) {
		struct stack_node *node = &table->nodes[id];
		if (node->parent != NO_PARENT && node->pc >= SEEP_PC_LIMIT)
			node->module = find_module(modules, order, count, node->pc,
						   table->generations[id]);
	}
	free(order);
	return 0;
}

/* ---- doubles ---- */

/* The seed differs from run to run, so that nobody can write a file whose nodes all collide. */
static uint64_t hash_seed(void)
{
	uint64_t seed = 0;
	const void *random = (const void *)getauxval(AT_RANDOM);
	if (random)
		memcpy(&seed, random, sizeof(seed));
	return seed;
}

static uint64_t mix(uint64_t value)
{
	/* The finalizer of MurmurHash3. */
	value = (value ^ value >> 33) * UINT64_C(0xff51afd7ed558ccd);
	value = (value ^ value >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return value ^ value >> 33;
}

/* By build-id and path; those without a build-id are equal to none. */
static int compare_files(const void *left, const void *right, void *context)
{
	const struct module *modules = context;
	const struct module *a = &modules[*(const uint32_t *)left];
	const struct module *b = &modules[*(const uint32_t *)right];
	if (a->build_id_bytes != b->build_id_bytes)
		return a->build_id_bytes < b->build_id_bytes ? -1 : 1;
	int by_id = a->build_id_bytes ? memcmp(a->build_id, b->build_id, a->build_id_bytes) : 0;
	return by_id ? by_id : strcmp(a->path, b->path);
}

/* For each module the index of one that stands for all of the same file: a plug-in that is unloaded and
 * loaded again mostly lies elsewhere, and is the same code. */
static uint32_t *find_files(const struct module *modules, size_t count)
{
	uint32_t *files = malloc((count + 1) * sizeof(*files));
	uint32_t *order = malloc((count + 1) * sizeof(*order));
	for (size_t i = 0; order && i < count; i++)
		order[i] = (uint32_t)i;
	if (order && count)
		qsort_r(order, count, sizeof(*order), compare_files, (void *)modules);
	for (size_t i = 0; files && order && i < count; i++) {
		bool is_known = i && modules[order[i]].build_id_bytes &&
				!compare_files(&order[i - 1], &order[i], (void *)modules);
		files[order[i]] = is_known ? files[order[i - 1]] : order[i];
	}
	if (!order) {
		free(files);
		files = NULL;
	}
	free(order);
	return files;
}

/* Which code a node is, wherever it lay. */
struct code {
	uint64_t place; /* in the file, or the address where that is of no module */
	uint64_t where; /* the file, or the generation in which the address counts */
};

#define IN_A_FILE (UINT64_C(1) << 32)

static struct code code_of(const struct node_table *table, const struct module *modules,
			   const uint32_t *files, uint32_t id)
{
	const struct stack_node *node = &table->nodes[id];
	if (node->module == PROFILE_NO_MODULE)
		return (struct code){node->pc, table->generations[id]};
	return (struct code){node->pc - modules[node->module].load_bias,
			     IN_A_FILE | files[node->module]};
}

static int link_doubles(struct node_table *table, const struct module *modules, const uint32_t *files)
{
	size_t slot_count = 16;
	while (slot_count < 2 * table->count)
		slot_count *= 2;
	uint32_t *slots = calloc(slot_count, sizeof(*slots));
	uint8_t *double_counts = calloc(table->count, sizeof(*double_counts));
	if (!slots || !double_counts) {
		free(slots);
		free(double_counts);
		return -ENOMEM;
	}

	const uint64_t seed = hash_seed();
	int result = 0;
	/* A parent's id is smaller than its children's: parents are done before they are needed. */
	for (size_t id = 1; id < table->count; id++) {
		struct stack_node *node = &table->nodes[id];
		uint32_t parent = node->parent;
		if (parent == NO_PARENT || (parent && !table->first_ids[parent])) {
			/* Only a node that was told, and whose parent was not, is damage here;
			 * lost records are seen by their sequence. */
			if (parent != NO_PARENT)
				result = -EBADMSG;
			*node = (struct stack_node){0, PROFILE_NO_MODULE, 0};
			continue;
		}
		node->parent = table->first_ids[parent];

		const struct code code = code_of(table, modules, files, (uint32_t)id);
		uint64_t hash = mix(code.place ^ seed);
		hash = mix(mix(hash ^ code.where) ^ node->parent);
		size_t slot = hash & (slot_count - 1);
		for (; slots[slot]; slot = (slot + 1) & (slot_count - 1)) {
			const struct code other = code_of(table, modules, files, slots[slot]);
			if (other.place == code.place && other.where == code.where &&
			    table->nodes[slots[slot]].parent == node->parent)
				break;
		}
		/* When it stands for as many as it may, the next one does so for those to come. */
		if (!slots[slot] || double_counts[slots[slot]] >= NODE_MAX_DOUBLES)
			slots[slot] = (uint32_t)id;
		double_counts[slots[slot]]++;
		table->first_ids[id] = slots[slot];
	}
	free(slots);
	free(double_counts);
	return result;
}

int node_table_link(struct node_table *table, const struct module *modules, size_t module_count)
{
	if (!make_room(table, 1))
		return -ENOMEM;
	table->first_ids = calloc(table->count, sizeof(*table->first_ids));
	if (!table->first_ids)
		return -ENOMEM;
	uint32_t *files = find_files(modules, module_count);
	int result = files ? link_modules(table, modules, module_count) : -ENOMEM;
	if (!result)
		result = link_doubles(table, modules, files);
	free(files);
	return result;
}

uint32_t node_table_first_id(const struct node_table *table, uint32_t id)
{
	return id < table->count ? table->first_ids[id] : 0;
}

void node_table_free(struct node_table *table)
{
	free(table->nodes);
	free(table->generations);
	free(table->first_ids);
	*table = (struct node_table){0};
}
