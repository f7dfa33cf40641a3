/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrong_free_search: for each pair of a stack that allocates and one that frees, the names that both have
 * called.
 *
 * The operators of the C++ libraries end in malloc and free, which is why all this works at all. Those of new
 * have a frame, those of delete jump and have none; the call in the first frame outside names the operator
 * in either case. That name is what the programmer wrote, unless:
 *
 *   - the operators are the program's own: then new and free may be meant for each other. Any module that has
 *     some, exported or not, ends the search;
 *   - such operators were inlined, and what is called is malloc: a module with C++ in it that takes no
 *     operator from elsewhere is not believed, nor is a frame that says it was an operator's;
 *   - the C++ library has them in two functions each, of which the inner one calls malloc;
 *   - the program has a malloc of its own in front of ours: what we see is only what that passes on;
 *   - a block was freed unseen, and its address given out unseen: then the stack is another block's;
 *   - one block in many is recorded (--sample): a block that was freed unseen is then known for longer.
 *
 * A function that jumps on to free is called by its own name, which is no allocator's; so it is not
 * known what it does.
 */
#include "tools/symbols/wrong_free_search.h"

#include <stdlib.h>
#include <string.h>

#include "tools/model/allocator_family.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/wrong_free.h"
#include "tools/symbols/allocator_calls.h"
#include "tools/symbols/freeing_frames.h"
#include "tools/symbols/open_modules.h"
#include "tools/symbols/stack_frames.h"

/* Who has called an allocator, and by which name. */
struct call {
	const char *name;  /* null where it is not known */
	uint32_t node;	   /* of the stack */
	uint32_t inner;	   /* nodes inside of it: of operators that it called, and of libseep */
	bool has_operator; /* among them is one of the C++ library */
};

static bool has_name(const struct module *module, const char *const *names, size_t count)
{
	const char *slash = module->path ? strrchr(module->path, '/') : NULL;

	for (size_t i = 0; slash && i < count; i++)
		if (strncmp(slash + 1, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static bool is_cxx_library(const struct module *module)
{
	static const char *const names[] = {"libstdc++.so", "libc++.so", "libc++abi.so"};

	return has_name(module, names, sizeof(names) / sizeof(*names));
}

static bool is_c_library(const struct module *module)
{
	static const char *const names[] = {"libc.so", "libc-2."};

	return has_name(module, names, sizeof(names) / sizeof(*names));
}

/* As far as that has shown: by an address that was given out again. */
static bool has_unseen_frees(const struct profile *profile)
{
	size_t count = profile->snapshot_count;

	return count && profile->snapshots[count - 1].raw.unseen_frees;
}

/* Without them all is malloc's. */
static bool has_cxx_library(const struct profile *profile)
{
	for (size_t i = 0; i < profile->module_count; i++)
		if (is_cxx_library(&profile->modules[i]))
			return true;
	return false;
}

/* ---- one stack ------------------------------------------------------------------------------ */

/* What an operator calls in its own library may be a part of it, or make the exception that it throws. */
static bool is_called_by_operator(const struct profile *profile, const struct stack_node *node,
				  const struct allocator_calls *calls)
{
	const struct stack_node *caller = &profile->nodes[node->parent];

	return node->parent && caller->module == node->module &&
	       allocator_calls_is_in_operator(
		       calls, caller->pc - profile->modules[node->module].load_bias - 1);
}

static struct call find_call(const struct stack_frames *frames, const struct profile *profile,
			     uint32_t stack)
{
	struct call call = {0};

	for (uint32_t id = stack; id && id < profile->node_count; id = profile->nodes[id].parent) {
		const struct stack_node *node = &profile->nodes[id];
		if (node->pc < SEEP_PC_LIMIT || node->module >= profile->module_count)
			return call;
		const struct module *module = &profile->modules[node->module];
		uint64_t address = node->pc - module->load_bias;
		call.inner++;
		if (module->flags & SEEP_MODULE_IS_LIBSEEP)
			continue;
		const struct allocator_calls *calls =
			open_modules_calls(frames->modules, profile, node->module);
		if (!calls)
			return call;
		if (is_cxx_library(module) && allocator_calls_is_in_operator(calls, address - 1)) {
			call.has_operator = true;
			continue;
		}
		call.inner--;
		call.node = id;
		if (!is_cxx_library(module) || !is_called_by_operator(profile, node, calls))
			call.name = allocator_calls_name(calls, address);
		return call;
	}
	return call;
}

/* Can malloc and free, called here by their names, be no part of an operator that was inlined? */
static bool is_plain(const struct stack_frames *frames, const struct profile *profile,
		     const struct call *call)
{
	uint32_t index = profile->nodes[call->node].module;
	const struct module *module = &profile->modules[index];
	const struct allocator_calls *calls = open_modules_calls(frames->modules, profile, index);

	return is_c_library(module) || is_cxx_library(module) ||
	       (calls &&
		(allocator_calls_imports_operators(calls) || !allocator_calls_has_cxx(calls)));
}

/* The family of what was given out or taken back, where the stack looks as it must for it. */
static enum allocator_family family_of(const struct stack_frames *frames,
				       const struct profile *profile, const struct call *call,
				       enum allocator_family named, bool is_new)
{
	if (named == FAMILY_UNKNOWN)
		return FAMILY_UNKNOWN;
	if (named == FAMILY_MALLOC)
		return !call->has_operator && is_plain(frames, profile, call) ? named
									      : FAMILY_UNKNOWN;
	/* Any operator new but the C++ library's would have no frame there. */
	return !is_new || call->has_operator ? named : FAMILY_UNKNOWN;
}

/* ---- the whole process ---------------------------------------------------------------------- */

static bool has_own_operators(const struct stack_frames *frames, const struct profile *profile)
{
	for (size_t i = 0; i < profile->module_count; i++) {
		const struct module *module = &profile->modules[i];
		if (module->flags & (SEEP_MODULE_IS_LIBSEEP | SEEP_MODULE_IS_VDSO) ||
		    is_cxx_library(module))
			continue;
		struct allocator_calls *calls =
			open_modules_calls(frames->modules, profile, (uint32_t)i);
		if (!calls || allocator_calls_has_own_operators(calls))
			return true;
	}
	return false;
}

/* ---- what is found -------------------------------------------------------------------------- */

static bool is_operator_frame(const struct frame *frame)
{
	return frame->function && (strncmp(frame->function, "operator new", 12) == 0 ||
				   strncmp(frame->function, "operator delete", 15) == 0);
}

/* Fills in the frames of a side; `*own` becomes the frame of the function that calls. Its first one
 * and those that are inlined into it are looked at: `*is_inlined_operator`. */
static bool resolve_side(struct stack_frames *frames, const struct profile *profile,
			 const struct call *call, bool is_free, struct report_site *site,
			 size_t *own, bool *is_inlined_operator)
{
	size_t first = 0;

	if (call->inner) {
		if (!stack_frames_collect(frames, profile, site->stack, call->inner))
			return false;
		first = frames->count;
		/* Where those are libseep's, there is only a line that says that there are none. */
		if (first == 1 && frames->frames[0].is_pseudo)
			first = 0;
	}
	if (!stack_frames_collect(frames, profile, site->stack, 0) || first >= frames->count)
		return false;
	if (is_free)
		freeing_frames_mark(frames->frames, frames->count);
	else
		stack_frames_keep_innermost_wrappers(frames);
	for (size_t i = first; i < frames->count; i++) {
		*is_inlined_operator |= is_operator_frame(&frames->frames[i]);
		if (!frames->frames[i].is_inlined)
			break;
	}
	*own = first;
	while (*own + 1 < frames->count && frames->frames[*own].is_wrapper)
		++*own;
	site->frames = stack_frames_copy(frames);
	site->frame_count = frames->count;
	if (site->frames)
		report_site_identify(site);
	return site->frames;
}

/* One place that allocates and one that frees are one mistake, however many ways lead to them. */
static struct wrong_free *find_known(struct report *report, const char *id, size_t but)
{
	for (size_t i = 0; i < but; i++)
		if (strcmp(report->wrong_frees[i].freed.id, id) == 0)
			return &report->wrong_frees[i];
	return NULL;
}

static bool add(struct stack_frames *frames, struct report *report, const struct free_pair *pair,
		const struct call *allocation, const struct call *free_call)
{
	const struct profile *profile = report->profile;
	struct wrong_free *wrong = wrong_frees_add(report);
	bool is_inlined_operator = false;
	size_t allocating, freeing;

	if (!wrong)
		return false;
	*wrong = (struct wrong_free){
		.allocated = {.profile = profile, .stack = pair->stack},
		.freed = {.profile = profile,
			  .stack = pair->free_stack,
			  .freed_with = free_call->name},
		.allocator = allocation->name,
		.samples = pair->samples,
	};
	if (!resolve_side(frames, profile, allocation, false, &wrong->allocated, &allocating,
			  &is_inlined_operator) ||
	    !resolve_side(frames, profile, free_call, true, &wrong->freed, &freeing,
			  &is_inlined_operator))
		return false;
	wrong_free_identify(wrong, allocating, freeing);
	struct wrong_free *known =
		find_known(report, wrong->freed.id, report->wrong_free_count - 1);
	if (known && !is_inlined_operator)
		known->samples += wrong->samples;
	if (known || is_inlined_operator)
		report->wrong_free_count--;
	return true;
}

static bool search_pairs(struct stack_frames *frames, struct report *report)
{
	const struct profile *profile = report->profile;
	const struct free_samples *samples = profile->frees;
	bool is_looked_at = false;

	if (!samples || !samples->pair_count || profile->sample_bytes || profile->has_own_malloc ||
	    frames->has_modules_only || has_unseen_frees(profile) || !has_cxx_library(profile))
		return true;
	for (size_t i = 0; i < samples->pair_count; i++) {
		const struct free_pair *pair = &samples->pairs[i];
		struct call allocation = find_call(frames, profile, pair->stack);
		enum allocator_family given = allocator_family_given(allocation.name);
		if (given == FAMILY_UNKNOWN)
			continue;
		struct call free_call = find_call(frames, profile, pair->free_stack);
		enum allocator_family taken = allocator_family_taken(free_call.name);
		if (taken == FAMILY_UNKNOWN || given == taken ||
		    family_of(frames, profile, &allocation, given, true) != given ||
		    family_of(frames, profile, &free_call, taken, false) != taken)
			continue;
		if (!is_looked_at && has_own_operators(frames, profile))
			return true;
		is_looked_at = true;
		if (!add(frames, report, pair, &allocation, &free_call))
			return false;
	}
	return true;
}

/* ---- the free that has ended the program ----------------------------------------------------- */

static bool add_fatal(struct stack_frames *frames, struct report *report)
{
	const struct profile *profile = report->profile;
	const struct fatal_free *fatal = profile->fatal_free;
	struct call call = find_call(frames, profile, fatal->raw.freed_by);
	bool is_named = allocator_family_taken(call.name) != FAMILY_UNKNOWN, ignored = false;
	struct wrong_free *wrong = wrong_frees_add(report);
	size_t own = 0, allocating = 0;

	if (!wrong)
		return false;
	*wrong = (struct wrong_free){
		.allocated = {.profile = profile, .stack = fatal->raw.allocated_by},
		.freed = {.profile = profile,
			  .stack = fatal->raw.freed_by,
			  .freed_with = is_named ? call.name : "free"},
		.samples = 1,
		.fatal = fatal,
	};
	call.inner = 0;
	if (!resolve_side(frames, profile, &call, true, &wrong->freed, &own, &ignored))
		return false;
	wrong_free_identify(wrong, 0, own);
	return !fatal->raw.allocated_by || resolve_side(frames, profile, &call, false,
							&wrong->allocated, &allocating, &ignored);
}

bool wrong_free_search(struct stack_frames *frames, struct report *report)
{
	if (report->profile->fatal_free && !add_fatal(frames, report))
		return false;
	return search_pairs(frames, report);
}
