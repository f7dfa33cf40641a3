/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrong_free: the list of a report, and what identifies one of them.
 */
#include "tools/model/wrong_free.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/allocator_family.h"
#include "tools/model/profile.h"

struct wrong_free *wrong_frees_add(struct report *report)
{
	struct wrong_free *list = report->wrong_frees;
	size_t count = report->wrong_free_count;

	if ((count & (count - 1)) == 0) {
		list = realloc(list, (count ? 2 * count : 1) * sizeof(*list));
		if (!list)
			return NULL;
		report->wrong_frees = list;
	}
	report->wrong_free_count++;
	list[count] = (struct wrong_free){0};
	return &list[count];
}

/* The 64-bit FNV-1a hash, of the text and the zero behind it. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	do
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	while (*text++);
	return hash;
}

/* Without lines, so that it survives a change of the source; an address only where no function is known. */
static uint64_t hash_frame(uint64_t hash, const struct report_site *site, size_t index)
{
	const struct frame *frame = &site->frames[index];
	const char *slash = frame->module ? strrchr(frame->module, '/') : NULL;
	char offset[24];

	hash = hash_text(hash, slash ? slash + 1 : "");
	if (frame->function)
		return hash_text(hash, frame->function);
	snprintf(offset, sizeof(offset), "%" PRIx64, frame->offset);
	return hash_text(hash, offset);
}

void wrong_free_identify(struct wrong_free *wrong, size_t allocating_frame, size_t freeing_frame)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	if (wrong->fatal) {
		hash = hash_text(hash, wrong->fatal->message);
	} else {
		hash = hash_text(hash, allocator_family_word(wrong->allocator));
		hash = hash_frame(hash, &wrong->allocated, allocating_frame);
	}
	hash = hash_text(hash, allocator_family_word(wrong->freed.freed_with));
	hash = hash_frame(hash, &wrong->freed, freeing_frame);
	snprintf(wrong->freed.id, sizeof(wrong->freed.id), "%016" PRIx64, hash);
}

void wrong_free_text(const struct wrong_free *wrong, char text[WRONG_FREE_BYTES])
{
	const struct fatal_free *fatal = wrong->fatal;

	if (fatal && fatal->raw.allocated_by)
		snprintf(text, WRONG_FREE_BYTES,
			 "%.100s, %" PRIu64 " bytes into a block of %" PRIu64 " bytes",
			 fatal->message, fatal->raw.block_offset, fatal->raw.block_bytes);
	else if (fatal)
		snprintf(text, WRONG_FREE_BYTES, "%.100s", fatal->message);
	else
		snprintf(text, WRONG_FREE_BYTES, "allocated with %s, freed with %s",
			 allocator_family_word(wrong->allocator),
			 allocator_family_word(wrong->freed.freed_with));
}

size_t wrong_frees_count(const struct report *report)
{
	size_t count = 0;

	for (size_t i = 0; i < report->wrong_free_count; i++)
		count += !report->wrong_frees[i].freed.suppression;
	return count;
}
