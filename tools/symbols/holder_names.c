/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holder_names: what is on the ways by which blocks are held, for symbols.
 *
 * The same places and the same tables are on the ways to the blocks of many sites; each is looked at once.
 */
#include "tools/symbols/holder_names.h"

#include <stdlib.h>

#include "tools/model/holders.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/symbols/global_names.h"
#include "tools/symbols/open_modules.h"
#include "tools/symbols/stack_frames.h"

/* One of the frames at hand, or null where `index` is beyond them. False without memory. */
static bool keep_frame(const struct stack_frames *frames, size_t index, const struct frame **kept)
{
	*kept = NULL;
	if (index >= frames->count)
		return true;
	struct frame *frame = report_frames(frames->report, 1);
	if (frame)
		*frame = frames->frames[index];
	*kept = frame;
	return frame != NULL;
}

/* The program's own function that allocates the blocks of a site. */
static bool find_allocating(struct holder_names *names, const struct profile *profile,
			    uint32_t stack, const struct frame **frame)
{
	struct stack_frames *frames = names->frames;
	if (stack >= profile->node_count)
		return true;
	const struct frame **known = &names->allocating[stack];
	if (!*known) {
		size_t own = 0;
		if (!stack_frames_collect(frames, profile, stack, 0))
			return false;
		stack_frames_keep_innermost_wrappers(frames);
		while (own < frames->count &&
		       (frames->frames[own].is_wrapper || frames->frames[own].is_pseudo))
			own++;
		if (!keep_frame(frames, own < frames->count ? own : 0, known))
			return false;
	}
	*frame = *known;
	return true;
}

static bool name_variable(const struct stack_frames *frames, const struct holder_root *root,
			  struct holder_place *place)
{
	struct report *report = frames->report;
	const struct profile *profile = report->profile;
	if (root->module >= profile->module_count || frames->has_modules_only)
		return true;
	struct open_module *opened = open_modules_get(frames->modules, profile, root->module);
	if (!opened)
		return false;
	bool is_of_thread = root->kind == SEEP_ROOT_TLS;
	struct global_name name = global_names_find(
		opened->globals, is_of_thread ? SPACE_OF_THREADS : SPACE_OF_MEMORY,
		is_of_thread ? root->offset
			     : root->address - profile->modules[root->module].load_bias);
	place->name = name.name ? report_text(report, name.name) : NULL;
	place->function = name.function ? report_text(report, name.function) : NULL;
	place->file = name.file ? report_text(report, name.file) : NULL;
	place->section = name.section ? report_text(report, name.section) : NULL;
	place->section_offset = name.section_offset;
	return true;
}

/* The function that runs on a stack, without what is inlined into it. */
static bool name_running(struct stack_frames *frames, const struct holder_root *root,
			 struct holder_place *place)
{
	if (root->pc < SEEP_PC_LIMIT)
		return true;
	return stack_frames_of_address(frames, frames->report->profile, root->pc_module,
				       root->pc) &&
	       keep_frame(frames, frames->count - 1, &place->frame);
}

static bool name_place(struct stack_frames *frames, uint32_t index)
{
	const struct holder_root *root = &frames->report->profile->holders->roots[index];
	struct holder_place *place = &frames->report->holder_places[index];
	if (place->is_resolved)
		return true;
	place->is_resolved = true;
	switch (root->kind) {
	case SEEP_ROOT_MODULE:
	case SEEP_ROOT_TLS:
		return name_variable(frames, root, place);
	case SEEP_ROOT_STACK:
	case SEEP_ROOT_REGISTER:
		return name_running(frames, root, place);
	default:
		return true;
	}
}

bool holder_names_fill_in(struct holder_names *names, const struct report_site *site)
{
	const struct profile *profile = names->frames->report->profile;
	const struct holder_shapes *held_by = &site->held_by;
	if (!held_by->count)
		return true;
	if (!names->allocating)
		names->allocating = calloc(profile->node_count, sizeof(*names->allocating));
	if (!names->allocating)
		return false;
	for (size_t i = 0; i < held_by->count; i++) {
		struct holder_shape *shape = &held_by->shapes[i];
		if (!name_place(names->frames, shape->root))
			return false;
		for (size_t s = 0; s < shape->step_count; s++) {
			struct shape_step *step = &shape->steps[s];
			if (step->stack &&
			    !find_allocating(names, profile, step->stack, &step->frame))
				return false;
		}
	}
	return true;
}

void holder_names_free(struct holder_names *names)
{
	free(names->allocating);
}
