/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_cache: the frames of each address that was looked up, over all modules.
 *
 * Stacks share most of their frames; each address is looked up, demangled and copied into a report
 * once.
 */
#ifndef SEEP_SYMBOLS_FRAME_CACHE_H
#define SEEP_SYMBOLS_FRAME_CACHE_H

#include <stddef.h>
#include <stdint.h>

struct address_lines;
struct frame;
struct frame_cache;
struct report;

/* What one address stands for: `count` frames, innermost first, at least one. Module and offset
 * are not filled in; is_wrapper says what the function is by name. */
struct cached_frames {
	const struct frame *frames;
	size_t count;
};

struct frame_cache *frame_cache_new(void); /* null without memory */
void frame_cache_free(struct frame_cache *cache);

/* Texts of the frames will belong to `report` from now on. */
void frame_cache_serve(struct frame_cache *cache, struct report *report);

/* The frames of `address` in the module of `lines`; valid until the next frame_cache_serve. A count
 * of 0 means that memory is short. */
struct cached_frames frame_cache_find(struct frame_cache *cache, struct address_lines *lines,
				      uint64_t address);

#endif
