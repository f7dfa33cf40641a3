/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_pattern: does a stack look like what somebody has written down?
 *
 * In one of two syntaxes, see suppression.h: a line of LeakSanitizer's is one pattern, a block of
 * Valgrind's has one for each frame, from the allocator outwards.
 */
#ifndef SEEP_MODEL_FRAME_PATTERN_H
#define SEEP_MODEL_FRAME_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

struct report_site;

enum frame_pattern_kind {
	PATTERN_ANYTHING, /* LeakSanitizer's text: function, file or module of any frame */
	PATTERN_FUNCTION,
	PATTERN_MODULE,
	PATTERN_SOURCE, /* "file.c:12" */
	PATTERN_GAP,	/* ... */
};

struct frame_pattern {
	enum frame_pattern_kind kind;
	const char *text;
};

/* Do these patterns, at least one, match the stack of the site? Its frames must have been filled in. */
bool frame_pattern_match(const struct frame_pattern *patterns, size_t count,
			 const struct report_site *site);

/* An allocator of Valgrind's stacks, which need not be there. */
bool frame_pattern_is_allocator(const struct frame_pattern *pattern);

/* Is the name one of those in a list with commas, in which * and ? are wildcards? */
bool frame_pattern_lists(const char *list, const char *name);

#endif
