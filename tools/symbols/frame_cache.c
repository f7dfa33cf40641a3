/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_cache: the frames of each address that was looked up, over all modules.
 *
 * What was found outlives a report (a diff resolves two), but a report owns the texts that it
 * shows. So an entry keeps what was found and, marked with the number of the report that it was
 * made for, the copy for that report.
 */
#include "tools/symbols/frame_cache.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "tools/model/report.h"
#include "tools/symbols/address_lines.h"
#include "tools/symbols/allocator_wrappers.h"

#define FRAMES_MAX 128 /* inlined into one another at one address */

struct cache_key {
	const struct address_lines *lines;
	uint64_t address;
};

struct cache_entry {
	UT_hash_handle hh;
	struct cache_key key;
	unsigned report_number; /* that `shown` was made for */
	size_t count;
	struct source_frame *found;
	struct frame *shown;
};

struct frame_cache {
	struct cache_entry *entries;
	struct report *report;
	unsigned report_number;
};

struct frame_cache *frame_cache_new(void)
{
	return calloc(1, sizeof(struct frame_cache));
}

static void free_entry(struct cache_entry *entry)
{
	free(entry->found);
	free(entry->shown);
	free(entry);
}

void frame_cache_free(struct frame_cache *cache)
{
	if (!cache)
		return;
	struct cache_entry *entry, *next;
	HASH_ITER(hh, cache->entries, entry, next)
	{
		HASH_DEL(cache->entries, entry);
		free_entry(entry);
	}
	free(cache);
}

void frame_cache_serve(struct frame_cache *cache, struct report *report)
{
	cache->report = report;
	cache->report_number++;
}

static struct cache_entry *add_entry(struct frame_cache *cache, struct address_lines *lines,
				     const struct cache_key *key)
{
	struct source_frame found[FRAMES_MAX];
	size_t count = address_lines_find(lines, key->address, found, FRAMES_MAX);

	struct cache_entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->key = *key;
	entry->count = count;
	entry->found = malloc(count * sizeof(*entry->found));
	entry->shown = calloc(count, sizeof(*entry->shown));
	if (!entry->found || !entry->shown) {
		free_entry(entry);
		return NULL;
	}
	memcpy(entry->found, found, count * sizeof(*found));
	for (size_t i = 0; i < count; i++)
		entry->shown[i] = (struct frame){
			.line = found[i].line,
			.is_inlined = found[i].is_inlined,
			.is_wrapper =
				found[i].function && allocator_wrappers_have(found[i].function),
		};
	HASH_ADD(hh, cache->entries, key, sizeof(entry->key), entry);
	if (!entry->hh.tbl) {
		free_entry(entry);
		return NULL;
	}
	return entry;
}

static const char *text_for(struct report *report, const char *text)
{
	return text ? report_text(report, text) : NULL;
}

struct cached_frames frame_cache_find(struct frame_cache *cache, struct address_lines *lines,
				      uint64_t address)
{
	struct cache_key key;
	memset(&key, 0, sizeof(key)); /* hashed as bytes, padding included */
	key.lines = lines;
	key.address = address;

	struct cache_entry *entry;
	HASH_FIND(hh, cache->entries, &key, sizeof(key), entry);
	if (!entry)
		entry = add_entry(cache, lines, &key);
	if (!entry)
		return (struct cached_frames){0};
	if (entry->report_number != cache->report_number) {
		for (size_t i = 0; i < entry->count; i++) {
			entry->shown[i].function =
				text_for(cache->report, entry->found[i].function);
			entry->shown[i].linkage_name =
				text_for(cache->report, entry->found[i].linkage_name);
			entry->shown[i].file = text_for(cache->report, entry->found[i].file);
		}
		entry->report_number = cache->report_number;
	}
	return (struct cached_frames){.frames = entry->shown, .count = entry->count};
}
