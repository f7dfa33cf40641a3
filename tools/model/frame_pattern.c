/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_pattern: does a stack look like what somebody has written down?
 *
 * Both tools are followed to the letter where a file of theirs would otherwise mean something else
 * here: LeakSanitizer searches for a text, Valgrind compares frame by frame from the allocator on.
 */
#include "tools/model/frame_pattern.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tools/model/report.h"

#define SOURCE_BYTES 512
#define NAME_BYTES 256

/* ---- LeakSanitizer's texts ------------------------------------------------------------------ */

/* As TemplateMatch, word for word: the parts between the stars are found one after the other, each at its
 * first place, so foo$ does not match foofoo; ^ ties the first one to the beginning, $ the last one to
 * the end. */
static bool text_contains(const char *text, const char *pattern)
{
	bool is_start = *pattern == '^', is_star = false;

	if (!text || !*text)
		return false;
	pattern += is_start;
	while (*pattern) {
		if (*pattern == '*') {
			pattern++;
			is_start = false;
			is_star = true;
			continue;
		}
		if (*pattern == '$')
			return !*text || is_star;
		if (!*text)
			return false;
		size_t length = strcspn(pattern, "*$");
		const char *found = memmem(text, strlen(text), pattern, length);
		if (!found || (is_start && found != text))
			return false;
		text = found + length;
		pattern += length;
		is_start = is_star = false;
	}
	return true;
}

static bool line_matches(const char *pattern, const struct report_site *site)
{
	for (size_t i = 0; i < site->frame_count; i++) {
		const struct frame *frame = &site->frames[i];
		if (text_contains(frame->function, pattern) ||
		    text_contains(frame->file, pattern) || text_contains(frame->module, pattern))
			return true;
	}
	return false;
}

/* ---- Valgrind's frames ---------------------------------------------------------------------- */

/* * is any text and ? any character; a pattern of n stars needs no more than n passes over the text. */
static bool glob_matches(const char *pattern, const char *text)
{
	const char *star = NULL, *resume = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			resume = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

static bool frame_matches(const struct frame_pattern *pattern, const struct frame *frame)
{
	char source[SOURCE_BYTES];

	switch (pattern->kind) {
	case PATTERN_FUNCTION:
		return (frame->function && glob_matches(pattern->text, frame->function)) ||
		       (frame->linkage_name && glob_matches(pattern->text, frame->linkage_name));
	case PATTERN_MODULE:
		return frame->module && glob_matches(pattern->text, frame->module);
	case PATTERN_SOURCE:
		if (!frame->file)
			return false;
		const char *base = strrchr(frame->file, '/');
		snprintf(source, sizeof(source), "%s:%d", base ? base + 1 : frame->file,
			 frame->line);
		return glob_matches(pattern->text, source) ||
		       glob_matches(pattern->text, base ? base + 1 : frame->file);
	default:
		return false;
	}
}

static bool is_of_valgrind(const struct frame_pattern *pattern)
{
	return pattern->kind == PATTERN_MODULE &&
	       (strstr(pattern->text, "vgpreload_memcheck") ||
		glob_matches(pattern->text, "/vgpreload_memcheck.so"));
}

/* A stack begins here with the caller of the allocator, there with the allocator itself. */
bool frame_pattern_is_allocator(const struct frame_pattern *pattern)
{
	static const char *const names[] = {"malloc",	"calloc",	  "realloc",
					    "memalign", "posix_memalign", "aligned_alloc",
					    "valloc",	"pvalloc",	  "reallocarray"};

	if (pattern->kind != PATTERN_FUNCTION)
		return is_of_valgrind(pattern);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (glob_matches(pattern->text, names[i]))
			return true;
	return false;
}

/* The same of a stack that frees, of which it is known with which function. */
static bool is_freer(const struct frame_pattern *pattern, const char *freed_with)
{
	return pattern->kind == PATTERN_FUNCTION ? glob_matches(pattern->text, freed_with)
						 : is_of_valgrind(pattern);
}

/* Frame by frame; a gap stands for any number of frames, of which one pass back is enough, as with the
 * star of a text. What lies outside of the last pattern does not matter. */
static bool frames_match(const struct frame_pattern *patterns, size_t pattern_count,
			 const struct frame *frames, size_t frame_count)
{
	size_t p = 0, f = 0, gap = SIZE_MAX, resume = 0;

	while (p < pattern_count) {
		if (patterns[p].kind == PATTERN_GAP) {
			gap = p++;
			resume = f;
		} else if (f < frame_count && frame_matches(&patterns[p], &frames[f])) {
			p++;
			f++;
		} else if (gap != SIZE_MAX && resume < frame_count) {
			p = gap + 1;
			f = ++resume;
		} else {
			return false;
		}
	}
	return true;
}

static bool block_matches(const struct frame_pattern *patterns, size_t count,
			  const struct report_site *site)
{
	/* In C++ the first frame may be operator new of either, or the malloc behind it. */
	return frames_match(patterns, count, site->frames, site->frame_count) ||
	       ((site->freed_with ? is_freer(&patterns[0], site->freed_with)
				  : frame_pattern_is_allocator(&patterns[0])) &&
		frames_match(patterns + 1, count - 1, site->frames, site->frame_count));
}

/* ---- both ----------------------------------------------------------------------------------- */

bool frame_pattern_match(const struct frame_pattern *patterns, size_t count,
			 const struct report_site *site)
{
	return patterns[0].kind == PATTERN_ANYTHING ? line_matches(patterns[0].text, site)
						    : block_matches(patterns, count, site);
}

bool frame_pattern_lists(const char *list, const char *name)
{
	char pattern[NAME_BYTES];

	for (const char *next = list;; next++) {
		size_t length = strcspn(next, ",");
		snprintf(pattern, sizeof(pattern), "%.*s", (int)length, next);
		if (length < sizeof(pattern) && glob_matches(pattern, name))
			return true;
		next += length;
		if (!*next)
			return false;
	}
}
