/* SPDX-License-Identifier: Apache-2.0 */
/*
 * undo_history: an editor keeps the last so many edits; what is taken back can be done again until
 * the next edit.
 *
 * Sick: the edits that were taken back are not freed by the next edit.
 *
 *   leak edit_record
 */
#include "tests/corpus/part.h"

#include <stdlib.h>

struct edit {
	struct edit *older, *newer;
	char text[];
};

static struct edit *newest, *oldest, *taken_back;
static unsigned count, most;
static double undos;

static SITE struct edit *edit_record(struct part *part)
{
	return part_check(malloc(sizeof(struct edit) + part_bytes(part)));
}

static void drop_taken_back(void)
{
	for (struct edit *edit = taken_back, *next; edit; edit = next) {
		next = edit->older;
		free(edit);
	}
}

static void add(struct edit *edit)
{
	*edit = (struct edit){.older = newest};
	if (newest)
		newest->newer = edit;
	else
		oldest = edit;
	newest = edit;
	count++;
}

static void take_back(void)
{
	struct edit *edit = newest;

	newest = edit->older;
	if (newest)
		newest->newer = NULL;
	else
		oldest = NULL;
	edit->older = taken_back;
	taken_back = edit;
	count--;
}

static void forget_oldest(void)
{
	struct edit *edit = oldest;

	oldest = edit->newer;
	if (oldest)
		oldest->older = NULL;
	else
		newest = NULL;
	free(edit);
	count--;
}

static void start(struct part *part)
{
	undos = part_draw_scale(part, "undos", 0.02, 0.2);
	most = 1 + (unsigned)(part->rate * part->periods * part_draw(part, "most", 0.02, 0.35));
}

static void step(struct part *part)
{
	for (unsigned i = part_requests(part); i; i--) {
		if (newest && part_chance(part, undos)) {
			take_back();
			continue;
		}
		if (!part->is_sick)
			drop_taken_back();
		taken_back = NULL;
		add(edit_record(part));
		if (count > most)
			forget_oldest();
	}
}

KIND(undo_history);
