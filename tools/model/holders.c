/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holders: the paths by which the program holds blocks.
 */
#include "tools/model/holders.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tools/model/arena.h"
#include "tools/model/node_table.h"
#include "tools/model/profile.h"

static int read_roots(struct holders *made, struct payload payload, struct arena *arena)
{
	made->roots = arena_take(arena, made->raw.root_count, sizeof(*made->roots));
	if (!made->roots)
		return -ENOMEM;
	while (made->root_count < made->raw.root_count) {
		struct decoded_root root;
		if (!payload_root(&payload, &root))
			return -EBADMSG;
		const char *name = arena_text(arena, root.name, root.fixed.name_bytes);
		if (!name)
			return -ENOMEM;
		made->roots[made->root_count++] = (struct holder_root){
			.kind = root.fixed.kind,
			.thread = root.fixed.thread,
			.module = root.fixed.module,
			.pc_module = PROFILE_NO_MODULE,
			.address = root.fixed.address,
			.pc = root.fixed.pc,
			.offset = root.fixed.offset,
			.bytes = (uint64_t)root.fixed.kib << 10,
			.name = name,
		};
	}
	return 0;
}

static int read_paths(struct holders *made, struct payload payload, struct arena *arena)
{
	/* A step has three varints, so there are no more of them. */
	size_t step_limit = (size_t)(payload.end - payload.at) / 3, steps = 0;
	struct holder_step *all = arena_take(arena, step_limit, sizeof(*all));
	uint32_t last_stack = 0;
	made->paths = arena_take(arena, made->raw.path_count, sizeof(*made->paths));
	if (!all || !made->paths)
		return -ENOMEM;
	while (made->path_count < made->raw.path_count) {
		struct decoded_path path;
		if (!payload_path(&payload, &last_stack, &path) || path.root >= made->root_count)
			return -EBADMSG;
		made->paths[made->path_count++] = (struct holder_path){
			.stack = path.stack,
			.root = path.root,
			.blocks = path.blocks,
			.step_count = path.step_count,
			.steps = &all[steps],
		};
		for (uint32_t i = 0; i < path.step_count; i++) {
			struct decoded_step step;
			if (!payload_step(&payload, &step))
				return -EBADMSG;
			all[steps++] = (struct holder_step){step.stack, step.offset, step.count};
		}
	}
	return 0;
}

int holders_read(struct holders **holders, struct payload payload, struct arena *arena)
{
	struct payload paths;
	struct seep_holders raw;
	if (!payload_holders(&payload, &raw, &paths))
		return -EBADMSG;
	struct holders *made = arena_take(arena, 1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	made->raw = raw;
	int result = read_roots(made, payload, arena);
	if (!result)
		result = read_paths(made, paths, arena);
	if (!result)
		*holders = made;
	return result;
}

/* By site; the last question only settles the order of equal ones: it is that of the file. */
static int compare_paths(const void *left, const void *right)
{
	const struct holder_path *a = left, *b = right;
	if (a->stack != b->stack)
		return a->stack > b->stack ? 1 : -1;
	if (a->blocks != b->blocks)
		return a->blocks < b->blocks ? 1 : -1;
	if (a->steps != b->steps)
		return a->steps > b->steps ? 1 : -1;
	return (a->root > b->root) - (a->root < b->root);
}

static bool link_paths(struct holders *holders, const struct node_table *nodes)
{
	bool is_sound = true;
	size_t known = 0;
	for (size_t i = 0; i < holders->path_count; i++) {
		struct holder_path path = holders->paths[i];
		path.stack = node_table_first_id(nodes, path.stack);
		/* They are ours, and each is of one path. */
		struct holder_step *steps = (struct holder_step *)path.steps;
		for (uint32_t j = 0; j < path.step_count; j++) {
			uint32_t told = steps[j].stack;
			steps[j].stack = node_table_first_id(nodes, told);
			is_sound &= !told || steps[j].stack;
		}
		is_sound &= path.stack != 0;
		if (path.stack)
			holders->paths[known++] = path;
	}
	holders->path_count = known;
	if (known)
		qsort(holders->paths, known, sizeof(*holders->paths), compare_paths);
	return is_sound;
}

static uint32_t index_of_id(const struct module *modules, size_t count, uint32_t id)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (modules[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && modules[low].id == id ? (uint32_t)low : PROFILE_NO_MODULE;
}

static int compare_starts(const void *left, const void *right, void *context)
{
	const struct module *modules = context;
	uint64_t a = modules[*(const uint32_t *)left].start,
		 b = modules[*(const uint32_t *)right].start;
	return (a > b) - (a < b);
}

/* `order`: those that are loaded, by address; they do not overlap. */
static uint32_t index_of_pc(const struct module *modules, const uint32_t *order, size_t count,
			    uint64_t pc)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (modules[order[middle]].start <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low && pc < modules[order[low - 1]].end ? order[low - 1] : PROFILE_NO_MODULE;
}

int holders_link(struct holders *holders, const struct node_table *nodes,
		 const struct module *modules, size_t module_count)
{
	if (!holders)
		return 0;
	uint32_t *order = malloc((module_count + 1) * sizeof(*order));
	size_t loaded = 0;
	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < module_count; i++)
		if (!modules[i].unloaded_epoch)
			order[loaded++] = (uint32_t)i;
	qsort_r(order, loaded, sizeof(*order), compare_starts, (void *)modules);

	bool is_sound = link_paths(holders, nodes);
	for (size_t i = 0; i < holders->root_count; i++) {
		struct holder_root *root = &holders->roots[i];
		uint32_t told = root->module;
		root->module = index_of_id(modules, module_count, told);
		is_sound &= told == SEEP_ROOT_NO_MODULE || root->module != PROFILE_NO_MODULE;
		if (root->pc)
			root->pc_module = index_of_pc(modules, order, loaded, root->pc);
	}
	free(order);
	return is_sound ? 0 : -EBADMSG;
}
