/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_shape: which frames of a stack a person gets to see.
 */
#include "tools/output/stack_shape.h"

#include <string.h>

#include "tools/model/path_base.h"
#include "tools/model/report.h"

/* Longer stacks lose their middle: the frames near the allocation say what it is, the outermost
 * ones which part of the program asked. */
#define SHOWN_MAX 12
#define SHOWN_INNER 8
#define SHOWN_OUTER 3

/* What calls main and a thread's function, under the names that glibc's versions have for it. */
static bool is_startup(const struct frame *frame)
{
	static const char *const names[] = {
		"_start",	"__libc_start_main", "__libc_start_main_impl",
		"clone",	"__clone",	     "__libc_start_call_main",
		"start_thread", "__clone3",	     "clone3",
		"__GI___clone", "__GI___clone3",     "__libc_start_main_alias_2",
	};

	if (!frame->function)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(frame->function, names[i]) == 0)
			return true;
	return false;
}

/* How libstdc++ and libc++ come from a thread to what it is to do: half a dozen frames, inlined or not,
 * with long names that tell nothing. Theirs without symbols are such, too. */
static bool is_thread_glue(const struct frame *frame)
{
	static const char *const beginnings[] = {
		"std::thread::_",
		"std::jthread::_",
		"std::__invoke",
		"std::__1::__invoke",
		"std::__1::__thread_proxy",
		"std::__1::__thread_execute",
		"execute_native_thread_routine",
	};
	static const char *const libraries[] = {"libstdc++.so", "libc++.so"};

	for (size_t i = 0; frame->function && i < sizeof(beginnings) / sizeof(*beginnings); i++)
		if (strncmp(frame->function, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	/* A name may begin with the type of what is returned. */
	if (frame->function &&
	    strncmp(frame->function, "void std::__invoke", strlen("void std::__invoke")) == 0)
		return true;
	for (size_t i = 0; !frame->function && frame->module && i < 2; i++)
		if (strncmp(path_base(frame->module), libraries[i], strlen(libraries[i])) == 0)
			return true;
	return false;
}

static size_t find_own(const struct report_site *site)
{
	/* Of a finding the function that all its sites have in common: what that calls is nobody's
	 * own. Where what is allocated is lost for all callers, it is who allocates. */
	bool is_common = site->depth && !site->is_lost_by_place;
	for (size_t i = is_common ? site->frame_count : 0; i-- > 0;)
		if (!site->frames[i].is_pseudo)
			return i;
	for (size_t i = 0; i < site->frame_count; i++)
		if (!site->frames[i].is_wrapper && !site->frames[i].is_pseudo)
			return i;
	/* Nothing but wrappers: the outermost is the best there is. */
	return site->frame_count ? site->frame_count - 1 : 0;
}

struct stack_shape stack_shape_of(const struct report_site *site, bool is_full)
{
	struct stack_shape shape = {.own = find_own(site), .end = site->frame_count};

	if (is_full)
		return shape;
	/* Whatever called libc's start of main is _start, also in a program without symbols. */
	for (size_t i = shape.own + 1; i < shape.end; i++)
		if (site->frames[i].function && strncmp(site->frames[i].function, "__libc_start_",
							strlen("__libc_start_")) == 0)
			shape.end = i;
	while (shape.end > shape.own + 1 && is_startup(&site->frames[shape.end - 1]))
		shape.end--;
	while (shape.end > shape.own + 1 && is_thread_glue(&site->frames[shape.end - 1]))
		shape.end--;
	if (shape.end - shape.own > SHOWN_MAX) {
		shape.gap_begin = shape.own + SHOWN_INNER;
		shape.gap_end = shape.end - SHOWN_OUTER;
	}
	return shape;
}

const struct frame *stack_caller_frame(const struct report_site *site)
{
	size_t own = find_own(site);

	if (own >= site->frame_count || !frame_is_of_system(&site->frames[own]))
		return NULL;
	for (size_t i = own + 1; i < site->frame_count && !site->frames[i].is_pseudo; i++)
		if (site->frames[i].module && !frame_is_of_system(&site->frames[i]))
			return is_startup(&site->frames[i]) ? NULL : &site->frames[i];
	return NULL;
}

const struct frame *stack_own_frame(const struct report_site *site)
{
	return site->frame_count ? &site->frames[find_own(site)] : NULL;
}
