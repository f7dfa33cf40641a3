/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suppression_index: what is found is only a first choice. suppression_matches has the last word, so that
 * nothing here can make a suppression mean something else; a wrong "no" is all that must not happen.
 */
#include "tools/model/suppression_index.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "tools/model/arena.h"
#include "tools/model/frame_pattern.h"
#include "tools/model/report.h"
#include "tools/model/suppression.h"

#define LETTERS 3u

struct number_list {
	uint32_t *numbers;
	size_t count, room;
};

/* By three letters, or the id of a baseline's. */
struct shelf {
	UT_hash_handle hh;
	uint64_t key;
	size_t use_count; /* by how many suppressions it could be used; of letters */
	struct number_list list;
};

/* A name of a frame, and what may match because of it. */
struct known_name {
	UT_hash_handle hh;
	const char *text;
	struct number_list list;
};

/* Letters that stand in each stack that a suppression matches. */
struct part {
	const char *text;
	size_t length;
};

struct suppression_index {
	struct arena *arena;
	struct part *parts; /* of each suppression, the one it is found by */
	size_t count;
	struct shelf *shelves, *ids;
	struct number_list always; /* those without such letters */
	struct number_list answer;
	/* Of the present report. */
	struct arena *name_arena;
	struct known_name *names;
};

/* ---- letters ---- */

static uint64_t letters_at(const char *text)
{
	uint64_t key = 0;

	memcpy(&key, text, LETTERS);
	return key;
}

/* The next run of a pattern without a wildcard; false at its end. */
static bool next_part(const struct frame_pattern *pattern, const char **at, struct part *part)
{
	bool is_line = pattern->kind == PATTERN_ANYTHING;
	const char *wildcards = is_line ? "*$" : "*?", *text = *at;

	/* ^ means something at the beginning only; and what stands behind $ means nothing. */
	if (is_line && text == pattern->text && *text == '^')
		text++;
	if (is_line && text > pattern->text && text[-1] == '$')
		return false;
	/* What comes later may be of the line's number, which is no name. */
	if (!*text || (pattern->kind == PATTERN_SOURCE && text > pattern->text))
		return false;
	part->text = text;
	part->length = strcspn(text, pattern->kind == PATTERN_SOURCE ? "*?:" : wildcards);
	text += part->length;
	*at = text + (*text != '\0');
	return true;
}

/* Calls for each part that has to be there. */
static bool walk_parts(const struct suppression *suppression,
		       bool (*visit)(struct suppression_index *index, struct part part,
				     struct part *best),
		       struct suppression_index *index, struct part *best)
{
	struct part part;

	for (size_t i = 0; i < suppression->pattern_count; i++) {
		const struct frame_pattern *pattern = &suppression->patterns[i];
		const char *at = pattern->text;
		/* The allocator itself need not be there. */
		if (pattern->kind == PATTERN_GAP || (i == 0 && frame_pattern_is_allocator(pattern)))
			continue;
		while (next_part(pattern, &at, &part))
			if (part.length >= LETTERS && !visit(index, part, best))
				return false;
	}
	return true;
}

static struct shelf *shelf_of(struct shelf *shelves, uint64_t key)
{
	struct shelf *shelf;

	HASH_FIND(hh, shelves, &key, sizeof(key), shelf);
	return shelf;
}

static struct shelf *add_shelf(struct suppression_index *index, struct shelf **shelves,
			       uint64_t key)
{
	struct shelf *shelf = shelf_of(*shelves, key);

	if (shelf)
		return shelf;
	shelf = arena_take(index->arena, 1, sizeof(*shelf));
	if (!shelf)
		return NULL;
	shelf->key = key;
	HASH_ADD(hh, *shelves, key, sizeof(shelf->key), shelf);
	return shelf->hh.tbl ? shelf : NULL;
}

static bool count_letters(struct suppression_index *index, struct part part, struct part *best)
{
	(void)best;
	for (size_t i = 0; i + LETTERS <= part.length; i++) {
		struct shelf *shelf = add_shelf(index, &index->shelves, letters_at(part.text + i));
		if (!shelf)
			return false;
		shelf->use_count++;
	}
	return true;
}

static size_t use_count(const struct suppression_index *index, const char *text)
{
	return shelf_of(index->shelves, letters_at(text))->use_count;
}

static bool choose_letters(struct suppression_index *index, struct part part, struct part *best)
{
	for (size_t i = 0; i + LETTERS <= part.length; i++)
		if (!best->text || use_count(index, part.text + i) < use_count(index, best->text))
			*best = (struct part){part.text + i, part.length - i};
	return true;
}

/* ---- lists ---- */

static bool append(struct number_list *list, uint32_t number)
{
	if (!array_reserve((void **)&list->numbers, &list->room, list->count + 1,
			   sizeof(*list->numbers)))
		return false;
	list->numbers[list->count++] = number;
	return true;
}

static bool append_all(struct number_list *list, const struct number_list *more)
{
	for (size_t i = 0; i < more->count; i++)
		if (!append(list, more->numbers[i]))
			return false;
	return true;
}

static int compare_numbers(const void *a, const void *b)
{
	const uint32_t *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

static void put_in_order(struct number_list *list)
{
	size_t count = 0;

	if (list->count)
		qsort(list->numbers, list->count, sizeof(*list->numbers), compare_numbers);
	for (size_t i = 0; i < list->count; i++)
		if (!count || list->numbers[count - 1] != list->numbers[i])
			list->numbers[count++] = list->numbers[i];
	list->count = count;
}

/* ---- the index ---- */

static bool put(struct suppression_index *index, const struct suppression *suppression,
		uint32_t number)
{
	struct part *best = &index->parts[number];
	struct shelf *shelf;

	if (suppression->site_id) {
		shelf = add_shelf(index, &index->ids, strtoull(suppression->site_id, NULL, 16));
		return shelf && append(&shelf->list, number);
	}
	walk_parts(suppression, choose_letters, index, best);
	if (!best->text)
		return append(&index->always, number);
	return append(&shelf_of(index->shelves, letters_at(best->text))->list, number);
}

struct suppression_index *suppression_index_new(const struct suppressions *suppressions)
{
	struct suppression_index *index = calloc(1, sizeof(*index));

	if (!index || !(index->arena = arena_new()) || !(index->name_arena = arena_new()) ||
	    !(index->parts = arena_take(index->arena, suppressions->count, sizeof(*index->parts))))
		goto fail;
	index->count = suppressions->count;
	for (size_t i = 0; i < index->count; i++)
		if (!suppressions->list[i].site_id &&
		    !walk_parts(&suppressions->list[i], count_letters, index, NULL))
			goto fail;
	for (size_t i = 0; i < index->count; i++)
		if (!put(index, &suppressions->list[i], (uint32_t)i))
			goto fail;
	return index;
fail:
	suppression_index_free(index);
	return NULL;
}

static void free_shelves(struct shelf *shelves)
{
	for (struct shelf *shelf = shelves; shelf; shelf = shelf->hh.next)
		free(shelf->list.numbers);
	HASH_CLEAR(hh, shelves);
}

static void free_names(struct suppression_index *index)
{
	for (struct known_name *name = index->names; name; name = name->hh.next)
		free(name->list.numbers);
	HASH_CLEAR(hh, index->names);
}

void suppression_index_free(struct suppression_index *index)
{
	if (!index)
		return;
	free_shelves(index->shelves);
	free_shelves(index->ids);
	free_names(index);
	free(index->always.numbers);
	free(index->answer.numbers);
	arena_free(index->name_arena);
	arena_free(index->arena);
	free(index);
}

size_t suppression_index_count(const struct suppression_index *index)
{
	return index->count;
}

void suppression_index_forget(struct suppression_index *index)
{
	struct arena *arena = arena_new();

	free_names(index);
	/* Without memory for another one it grows. */
	if (!arena)
		return;
	arena_free(index->name_arena);
	index->name_arena = arena;
}

/* ---- looking ---- */

static bool find_by_name(struct suppression_index *index, struct known_name *name, size_t length)
{
	for (size_t i = 0; i + LETTERS <= length; i++) {
		const struct shelf *shelf = shelf_of(index->shelves, letters_at(name->text + i));
		for (size_t n = 0; shelf && n < shelf->list.count; n++) {
			uint32_t number = shelf->list.numbers[n];
			const struct part *part = &index->parts[number];
			if (part->length <= length - i &&
			    memcmp(part->text, name->text + i, part->length) == 0 &&
			    !append(&name->list, number))
				return false;
		}
	}
	put_in_order(&name->list);
	return true;
}

static bool add_by_name(struct suppression_index *index, const char *text)
{
	struct known_name *name;
	size_t length = text ? strlen(text) : 0;

	if (length < LETTERS)
		return true;
	HASH_FIND(hh, index->names, text, length, name);
	if (!name) {
		name = arena_take(index->name_arena, 1, sizeof(*name));
		if (!name)
			return false;
		name->text = text;
		HASH_ADD_KEYPTR(hh, index->names, name->text, length, name);
		if (!name->hh.tbl || !find_by_name(index, name, length))
			return false;
	}
	return append_all(&index->answer, &name->list);
}

static bool add_by_id(struct suppression_index *index, const char *id)
{
	const struct shelf *shelf =
		index->ids ? shelf_of(index->ids, strtoull(id, NULL, 16)) : NULL;

	return !shelf || append_all(&index->answer, &shelf->list);
}

static void take_answer(struct suppression_index *index, const uint32_t **numbers, size_t *count)
{
	put_in_order(&index->answer);
	*numbers = index->answer.numbers;
	*count = index->answer.count;
}

bool suppression_index_find(struct suppression_index *index, const struct report_site *site,
			    const uint32_t **numbers, size_t *count)
{
	index->answer.count = 0;
	if (!append_all(&index->answer, &index->always) || !add_by_id(index, site->id))
		return false;
	for (size_t i = 0; index->shelves && i < site->frame_count; i++) {
		const struct frame *frame = &site->frames[i];
		if (!add_by_name(index, frame->function) ||
		    !add_by_name(index, frame->linkage_name) || !add_by_name(index, frame->file) ||
		    !add_by_name(index, frame->module))
			return false;
	}
	take_answer(index, numbers, count);
	return true;
}

bool suppression_index_find_ids(struct suppression_index *index, const char *const *ids,
				size_t id_count, const uint32_t **numbers, size_t *count)
{
	index->answer.count = 0;
	for (size_t i = 0; i < id_count; i++)
		if (!add_by_id(index, ids[i]))
			return false;
	take_answer(index, numbers, count);
	return true;
}
