/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_frames: the frames of one stack after the other, innermost first.
 *
 * A stack is walked from its innermost node outwards. Each program counter leads through its module to
 * frames, which the frame cache remembers; so the cost follows the number of different addresses, not
 * that of stacks.
 */
#include "tools/symbols/stack_frames.h"

#include <stdlib.h>
#include <string.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/symbols/address_lines.h"
#include "tools/symbols/frame_cache.h"
#include "tools/symbols/module_debug.h"
#include "tools/symbols/module_notes.h"
#include "tools/symbols/open_modules.h"

/* The library keeps at most 512; more is a damaged or hostile file. */
#define STACK_FRAMES_MAX 4096

static bool add_frame(struct stack_frames *frames, const struct frame *frame)
{
	if (frames->count == frames->capacity) {
		size_t capacity = frames->capacity ? 2 * frames->capacity : 256;
		struct frame *grown = realloc(frames->frames, capacity * sizeof(*grown));
		if (!grown)
			return false;
		frames->frames = grown;
		frames->capacity = capacity;
	}
	frames->frames[frames->count++] = *frame;
	return true;
}

static bool add_pseudo_frame(struct stack_frames *frames, const char *text)
{
	return add_frame(frames, &(struct frame){
					 .function = report_text(frames->report, text),
					 .is_pseudo = true,
				 });
}

/* Of what calls main the functions are not missed. */
static bool is_of_libc(const struct module *module)
{
	const char *slash = module->path ? strrchr(module->path, '/') : NULL;

	return slash && (strncmp(slash, "/libc.so", 8) == 0 || strncmp(slash, "/ld-linux", 9) == 0);
}

/* `is_exact`: pc is the interrupted instruction itself. A return address belongs to the call
 * before it, which may be on another line or even in another function. */
static bool add_code_frames(struct stack_frames *frames, const struct profile *profile,
			    const struct stack_node *node, bool is_exact)
{
	if (node->module >= profile->module_count)
		return add_frame(frames, &(struct frame){.offset = node->pc});

	const struct module *module = &profile->modules[node->module];
	uint64_t offset = node->pc - module->load_bias;
	const char *path = module->path && module->path[0] != '\0'
				   ? report_text(frames->report, module->path)
				   : NULL;
	if (frames->has_modules_only)
		return add_frame(frames, &(struct frame){.module = path, .offset = offset});
	struct open_module *opened = open_modules_get(frames->modules, profile, node->module);
	if (!opened)
		return false;

	struct cached_frames found =
		frame_cache_find(frames->cache, opened->lines, offset - !is_exact);
	for (size_t i = 0; i < found.count; i++) {
		struct frame frame = found.frames[i];
		frame.module = path;
		frame.offset = offset;
		if (!add_frame(frames, &frame))
			return false;
	}
	bool is_usable = opened->debug->state == MODULE_USABLE;
	if (is_usable && found.count && !found.frames[0].function && !is_of_libc(module))
		module_notes_add(frames->notes, PROBLEM_NO_SYMBOLS, module->path);
	else if (module->flags & SEEP_MODULE_IS_EXECUTABLE && is_usable &&
		 !address_lines_has_debug_info(opened->lines))
		module_notes_add(frames->notes, PROBLEM_NO_DEBUG_INFO, module->path);
	return found.count > 0;
}

/* Such frames are left out wherever they are: inside the allocator, under an operator new of the
 * C++ library that libseep called, around a thread that it started. */
static bool is_in_libseep(const struct profile *profile, const struct stack_node *node)
{
	return node->module < profile->module_count &&
	       profile->modules[node->module].flags & SEEP_MODULE_IS_LIBSEEP;
}

bool stack_frames_collect(struct stack_frames *frames, const struct profile *profile,
			  uint32_t stack, uint32_t depth)
{
	bool is_exact = false;
	frames->count = 0;

	uint32_t id = stack;
	while (id != 0 && id < profile->node_count) {
		const struct stack_node *node = &profile->nodes[id];
		bool is_added = true;
		if (frames->count >= STACK_FRAMES_MAX)
			return add_pseudo_frame(frames, seep_pseudo_pc_text(SEEP_PC_CUT));
		if (node->pc < SEEP_PC_LIMIT) {
			is_added = add_pseudo_frame(frames, seep_pseudo_pc_text(node->pc));
		} else if (!is_in_libseep(profile, node)) {
			is_added = add_code_frames(frames, profile, node, is_exact);
		}
		if (!is_added)
			return false;
		is_exact = node->pc == SEEP_PC_SIGNAL;
		if (node->parent >= id || --depth == 0)
			break;
		id = node->parent;
	}
	return frames->count > 0 || add_pseudo_frame(frames, "[no stack]");
}

bool stack_frames_of_address(struct stack_frames *frames, const struct profile *profile,
			     uint32_t module, uint64_t pc)
{
	const struct stack_node node = {.module = module, .pc = pc};
	frames->count = 0;
	return add_code_frames(frames, profile, &node, false);
}

void stack_frames_keep_innermost_wrappers(struct stack_frames *collected)
{
	struct frame *frames = collected->frames;
	size_t count = collected->count;
	bool is_innermost = true;
	size_t last_wrapper = SIZE_MAX;
	for (size_t i = 0; i < count; i++) {
		if (frames[i].is_pseudo)
			continue;
		is_innermost = is_innermost && frames[i].is_wrapper;
		frames[i].is_wrapper = is_innermost;
		if (is_innermost)
			last_wrapper = i;
	}
	if (is_innermost && last_wrapper != SIZE_MAX)
		frames[last_wrapper].is_wrapper = false;
}

struct frame *stack_frames_copy(const struct stack_frames *frames)
{
	struct frame *copies = report_frames(frames->report, frames->count);
	if (copies)
		memcpy(copies, frames->frames, frames->count * sizeof(*copies));
	return copies;
}

void stack_frames_free(struct stack_frames *frames)
{
	free(frames->frames);
}
