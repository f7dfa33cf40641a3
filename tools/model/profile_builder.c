/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_builder: one function for each type of record; those that have a file of their own read and link
 * it there.
 */
#include "tools/model/profile_builder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/alert_log.h"
#include "tools/model/arena.h"
#include "tools/model/fatal_free.h"
#include "tools/model/free_samples.h"
#include "tools/model/holders.h"
#include "tools/model/node_table.h"
#include "tools/model/payload_decoder.h"
#include "tools/model/point_list.h"
#include "tools/model/profile_memory.h"
#include "tools/model/record_reader.h"
#include "tools/model/sampling.h"
#include "tools/model/scan.h"
#include "tools/model/site_pins.h"
#include "tools/model/stack_differences.h"

struct profile_builder {
	struct profile *profile;
	struct node_table nodes;
	struct point_list points;
	struct seep_module_unload *unloads;
	size_t unload_count, unload_capacity;
	size_t module_capacity, snapshot_capacity;
	bool has_process, has_end;
};

static struct profile *profile_new(void)
{
	struct profile *profile = calloc(1, sizeof(*profile));
	if (!profile)
		return NULL;
	profile->memory = calloc(1, sizeof(*profile->memory));
	if (profile->memory)
		profile->memory->arena = arena_new();
	if (!profile->memory || !profile->memory->arena) {
		profile_free(profile);
		return NULL;
	}
	return profile;
}

struct profile_builder *profile_builder_new(size_t file_bytes)
{
	struct profile_builder *builder = calloc(1, sizeof(*builder));
	if (!builder)
		return NULL;
	builder->profile = profile_new();
	if (!builder->profile) {
		free(builder);
		return NULL;
	}
	node_table_start(&builder->nodes, file_bytes);
	return builder;
}

/* ---- the process ---- */

static bool split_command(struct profile *profile, const char *text, size_t bytes)
{
	struct arena *arena = profile->memory->arena;
	size_t count = 0;
	for (size_t i = 0; i < bytes; i++)
		count += text[i] == '\0' || i == bytes - 1;
	profile->command = arena_take(arena, count, sizeof(*profile->command));
	char *copy = arena_text(arena, text, bytes);
	if (!profile->command || !copy)
		return false;
	for (size_t at = 0; at < bytes; at += strlen(copy + at) + 1)
		profile->command[profile->command_count++] = copy + at;
	return true;
}

static int add_process(struct profile_builder *builder, struct payload payload)
{
	struct profile *profile = builder->profile;
	struct decoded_process process;
	if (!payload_process(payload, &process))
		return -EBADMSG;
	if (builder->has_process)
		return -EBADMSG;
	builder->has_process = true;

	const struct seep_process *fixed = &process.fixed;
	profile->pid = fixed->pid;
	profile->parent_pid = fixed->parent_pid;
	profile->forked_from = fixed->forked_from;
	profile->inherited_epoch = fixed->inherited_epoch;
	profile->stack_depth = fixed->stack_depth;
	profile->tracks_mappings = fixed->flags & SEEP_PROCESS_TRACKS_MMAP;
	profile->follows_allocator = fixed->flags & SEEP_PROCESS_FOLLOWS_ALLOCATOR;
	profile->has_own_malloc = fixed->flags & SEEP_PROCESS_HAS_OWN_MALLOC;
	profile->interval_ns = fixed->interval_ns;
	profile->start_ticks = fixed->start_ticks;
	profile->sample_bytes = fixed->sample_bytes;
	profile->single_epochs =
		fixed->single_epochs > 0 ? fixed->single_epochs : SEEP_SINGLE_EPOCHS_BEFORE_1_3;
	struct arena *arena = profile->memory->arena;
	profile->exe = arena_text(arena, process.exe, fixed->exe_bytes);
	profile->name = arena_text(arena, process.name, fixed->name_bytes);
	if (!profile->exe || !profile->name ||
	    !split_command(profile, process.command, fixed->command_bytes))
		return -ENOMEM;
	return 0;
}

static int add_end(struct profile_builder *builder, struct payload payload, double time_s)
{
	struct profile *profile = builder->profile;
	struct seep_end end;
	if (!payload_end(payload, &end))
		return -EBADMSG;
	if (end.how > SEEP_END_EXEC)
		end.how = SEEP_END_UNKNOWN; /* a newer minor version may know more ways */
	/* The surest wins, and among equals the first. */
	bool is_better = end.how != SEEP_END_UNKNOWN &&
			 (profile->end_how == SEEP_END_UNKNOWN || end.how < profile->end_how);
	if (!builder->has_end || is_better) {
		profile->end_how = end.how;
		profile->end_status = end.status;
		profile->ended_unix_ns = end.ended_unix_ns;
	}
	/* The library's own word comes first, by a clock that nobody sets. */
	if (!builder->has_end)
		profile->ended_s = time_s;
	builder->has_end = true;
	return 0;
}

/* ---- modules ---- */

static int add_modules(struct profile_builder *builder, struct payload payload)
{
	struct profile *profile = builder->profile;
	struct arena *arena = profile->memory->arena;
	while (payload.at < payload.end) {
		struct decoded_module module;
		if (!payload_module(&payload, &module))
			return -EBADMSG;
		if (!array_reserve((void **)&profile->modules, &builder->module_capacity,
				   profile->module_count + 1, sizeof(*profile->modules)))
			return -ENOMEM;
		const struct seep_module *fixed = &module.fixed;
		struct module *added = &profile->modules[profile->module_count];
		*added = (struct module){
			.id = fixed->id,
			.generation = fixed->generation,
			.loaded_epoch = fixed->loaded_epoch,
			.load_bias = fixed->load_bias,
			.start = fixed->start,
			.end = fixed->end,
			.flags = fixed->flags,
			.path = arena_text(arena, module.path, fixed->path_bytes),
			.build_id = arena_take(arena, fixed->build_id_bytes, 1),
			.build_id_bytes = fixed->build_id_bytes,
		};
		if (!added->path || !added->build_id)
			return -ENOMEM;
		memcpy(added->build_id, module.build_id, fixed->build_id_bytes);
		profile->module_count++;
	}
	return 0;
}

static int add_unloads(struct profile_builder *builder, struct payload payload)
{
	while (payload.at < payload.end) {
		if (!array_reserve((void **)&builder->unloads, &builder->unload_capacity,
				   builder->unload_count + 1, sizeof(*builder->unloads)))
			return -ENOMEM;
		if (!payload_unload(&payload, &builder->unloads[builder->unload_count]))
			return -EBADMSG;
		builder->unload_count++;
	}
	return 0;
}

static int compare_ids(const void *left, const void *right)
{
	uint32_t a = ((const struct module *)left)->id, b = ((const struct module *)right)->id;
	return (a > b) - (a < b);
}

/* An id is never used again: the second module of an id is damage, the first one is kept. */
static int link_modules(struct profile_builder *builder)
{
	struct profile *profile = builder->profile;
	int result = 0;
	if (profile->module_count)
		qsort(profile->modules, profile->module_count, sizeof(*profile->modules),
		      compare_ids);
	size_t kept = 0;
	for (size_t i = 0; i < profile->module_count; i++) {
		if (kept && profile->modules[kept - 1].id == profile->modules[i].id)
			result = -EBADMSG;
		else
			profile->modules[kept++] = profile->modules[i];
	}
	profile->module_count = kept;

	for (size_t i = 0; i < builder->unload_count; i++) {
		struct module key = {.id = builder->unloads[i].id};
		struct module *module =
			kept ? bsearch(&key, profile->modules, kept, sizeof(key), compare_ids)
			     : NULL;
		if (module)
			module->unloaded_epoch = builder->unloads[i].epoch;
		else
			result = -EBADMSG;
	}
	return result;
}

/* ---- stacks ---- */

static int add_stacks(struct profile_builder *builder, struct payload payload)
{
	struct seep_stacks stacks;
	if (!payload_stacks(&payload, &stacks))
		return -EBADMSG;
	int result = 0;
	uint64_t last_pc = 0;
	for (uint32_t i = 0; i < stacks.count; i++) {
		uint64_t id = (uint64_t)stacks.first_id + i;
		struct decoded_node node;
		if (id > UINT32_MAX || !payload_node(&payload, (uint32_t)id, &last_pc, &node))
			return -EBADMSG;
		int added = node_table_add(&builder->nodes, (uint32_t)id, &node);
		if (added == -ENOMEM)
			return added;
		if (added)
			result = added;
	}
	return result;
}

static int add_suppressions(struct profile_builder *builder, struct payload payload)
{
	const void *text;
	uint32_t bytes;
	if (!payload_suppressions(payload, &text, &bytes))
		return -EBADMSG;
	builder->profile->suppressions = arena_text(builder->profile->memory->arena, text, bytes);
	return builder->profile->suppressions ? 0 : -ENOMEM;
}

int profile_builder_add(struct profile_builder *builder, const struct record *record)
{
	struct payload payload = {record->payload, record->payload + record->payload_bytes};
	struct profile *profile = builder->profile;
	struct arena *arena = profile->memory->arena;
	double time_s = (double)record->time_ns / 1e9;
	switch (record->type) {
	case SEEP_RECORD_PROCESS:
		return add_process(builder, payload);
	case SEEP_RECORD_END:
		return add_end(builder, payload, time_s);
	case SEEP_RECORD_MODULES:
		return add_modules(builder, payload);
	case SEEP_RECORD_MODULE_UNLOAD:
		return add_unloads(builder, payload);
	case SEEP_RECORD_STACKS:
		return add_stacks(builder, payload);
	case SEEP_RECORD_SELF_CHECK:
		return stack_differences_read(&profile->self_check, payload, arena);
	case SEEP_RECORD_SAMPLES:
		return sampling_read(&profile->sampling, payload, arena);
	case SEEP_RECORD_PINS:
		return site_pins_read(&profile->pins, payload, arena);
	case SEEP_RECORD_FREES:
		return free_samples_read(&profile->frees, payload, arena);
	case SEEP_RECORD_SCAN:
		return scan_read(&profile->scan, payload, time_s, arena);
	case SEEP_RECORD_HOLDERS:
		return holders_read(&profile->holders, payload, arena);
	case SEEP_RECORD_SUPPRESSIONS:
		return add_suppressions(builder, payload);
	case SEEP_RECORD_FATAL_FREE:
		return fatal_free_read(&profile->fatal_free, payload, arena);
	case SEEP_RECORD_ALERT:
		return alert_log_add(profile, payload, time_s);
	default:
		return 0; /* added by a later minor version */
	}
}

/* Without memory nothing else matters. */
static void note(int *result, int next)
{
	if (next && *result != -ENOMEM)
		*result = next;
}

int profile_builder_link(struct profile_builder *builder)
{
	struct profile *profile = builder->profile;
	profile->is_running = !builder->has_end; /* as far as the file knows */
	if (!builder->has_process) {
		profile->single_epochs = SEEP_SINGLE_EPOCHS_BEFORE_1_3;
		profile->exe = profile->name = arena_text(profile->memory->arena, "", 0);
		if (!profile->name)
			return -ENOMEM;
	}
	int result = link_modules(builder);
	int linked = node_table_link(&builder->nodes, profile->modules, profile->module_count);
	if (linked == -ENOMEM)
		return linked;
	const struct node_table *nodes = &builder->nodes;
	note(&result, linked);
	note(&result, stack_differences_link(profile->self_check, nodes));
	note(&result, sampling_link(profile->sampling, nodes));
	note(&result, free_samples_link(profile->frees, nodes));
	note(&result, fatal_free_link(&profile->fatal_free, nodes));
	note(&result, site_pins_link(profile->pins, nodes));
	note(&result, alert_log_link(profile, nodes));
	note(&result, scan_link(profile->scan, nodes));
	note(&result,
	     holders_link(profile->holders, nodes, profile->modules, profile->module_count));
	note(&result, point_list_start(&builder->points, builder->nodes.count));
	return result;
}

/* ---- snapshots ---- */

int profile_builder_add_snapshot(struct profile_builder *builder, const struct record *record)
{
	struct profile *profile = builder->profile;
	struct payload payload = {record->payload, record->payload + record->payload_bytes};
	struct decoded_snapshot decoded;
	if (!payload_snapshot(payload, &decoded))
		return -EBADMSG;
	const struct seep_snapshot *fixed = &decoded.fixed;
	double time_s = (double)record->time_ns / 1e9;
	if (profile->snapshot_count) {
		const struct snapshot *before = &profile->snapshots[profile->snapshot_count - 1];
		if (fixed->number <= before->number || fixed->epoch < before->epoch ||
		    time_s < before->time_s)
			return -EBADMSG;
	}
	if (profile->snapshot_count == UINT32_MAX ||
	    !array_reserve((void **)&profile->snapshots, &builder->snapshot_capacity,
			   profile->snapshot_count + 1, sizeof(*profile->snapshots)))
		return -ENOMEM;

	int result = point_list_add_snapshot(&builder->points, &builder->nodes, decoded.entries,
					     fixed, (uint32_t)profile->snapshot_count);
	if (result == -ENOMEM)
		return result;
	if (result == -EILSEQ)
		return -EBADMSG;

	struct snapshot *snapshot = &profile->snapshots[profile->snapshot_count];
	*snapshot = (struct snapshot){
		.number = fixed->number,
		.epoch = fixed->epoch,
		.time_s = time_s,
		.reason = fixed->reason,
		.flags = fixed->flags,
		.label = arena_text(profile->memory->arena, decoded.label, fixed->label_bytes),
		.raw = *fixed,
	};
	if (!snapshot->label)
		return -ENOMEM;
	profile->snapshot_count++;
	return result;
}

struct profile *profile_builder_finish(struct profile_builder *builder)
{
	struct profile *profile = builder->profile;
	if (point_list_make_sites(&builder->points, &builder->nodes, profile) < 0)
		return NULL;
	profile->nodes = builder->nodes.nodes;
	profile->node_count = builder->nodes.count;
	builder->nodes.nodes = NULL;
	builder->profile = NULL;
	return profile;
}

void profile_builder_free(struct profile_builder *builder)
{
	if (!builder)
		return;
	node_table_free(&builder->nodes);
	point_list_free(&builder->points);
	free(builder->unloads);
	profile_free(builder->profile);
	free(builder);
}
