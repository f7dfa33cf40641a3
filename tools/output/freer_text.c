/* SPDX-License-Identifier: Apache-2.0 */
/*
 * freer_text: who frees the blocks of a site, in a few words.
 *
 * A function is named once, however many ways lead to it: the shares of its stacks are added up.
 */
#include "tools/output/freer_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/report.h"
#include "tools/output/frame_text.h"
#include "tools/output/function_name.h"
#include "tools/output/text_style.h"

/* With fewer samples a function that frees a quarter of the blocks would be missed more than once in
 * twenty times (0.75 to the 11 is 0.042). */
#define FEW_SAMPLES 11
/* One function is named when it frees more than half, two when they free nearly all. */
#define MOST 0.5
#define NEARLY_ALL 0.9
#define NAME_COLUMNS 56
#define DESTRUCTOR_COLUMNS 24

/* Where a frame of a stack is. */
struct named_freer {
	const struct freer *freer;
	const struct frame *frame;
	char name[FRAME_NAME_BYTES];
	double share;
};

/* The program's own function that frees; null where there is none. */
static const struct frame *own_frame(const struct freer *freer)
{
	const struct frame *second_best = NULL;
	for (size_t i = 0; i < freer->frame_count; i++) {
		const struct frame *frame = &freer->frames[i];
		if (frame->is_pseudo || frame->is_wrapper)
			continue;
		if (!frame->is_destructor)
			return frame;
		second_best = frame; /* the outermost says most */
	}
	return second_best;
}

/* The object that is ended: the innermost of the program's own. */
static const struct frame *destructor_before(const struct freer *freer, const struct frame *own)
{
	for (size_t i = 0; i < freer->frame_count && &freer->frames[i] != own; i++)
		if (freer->frames[i].is_destructor)
			return &freer->frames[i];
	return NULL;
}

static size_t name_functions(const struct freer_list *list, struct named_freer *named)
{
	size_t count = 0;
	for (size_t i = 0; i < list->count; i++) {
		const struct freer *freer = &list->freers[i];
		const struct frame *frame = own_frame(freer);
		char buffer[FRAME_NAME_BYTES];
		size_t same = 0;
		if (!frame)
			continue;
		const char *name = frame_name(frame, buffer);
		while (same < count && strncmp(named[same].name, name, FRAME_NAME_BYTES - 1) != 0)
			same++;
		if (same == count) {
			/* The first one of a function is its most frequent. */
			named[count] = (struct named_freer){.freer = freer, .frame = frame};
			snprintf(named[count++].name, FRAME_NAME_BYTES, "%s", name);
		}
		named[same].share += freer->share;
	}
	return count;
}

static int compare_shares(const void *left, const void *right)
{
	const struct named_freer *a = left, *b = right;
	if (a->share != b->share)
		return a->share < b->share ? 1 : -1;
	return strcmp(a->name, b->name);
}

static void describe(struct freer_text *text, const struct report_site *site,
		     const struct named_freer *named)
{
	static const struct text_style style = {.width = NAME_COLUMNS, .is_utf8 = true};
	const struct report_site stack = {
		.profile = site->profile,
		.frames = named->freer->frames,
		.frame_count = named->freer->frame_count,
	};
	const struct frame *ended = destructor_before(named->freer, named->frame);
	char place[FRAME_PLACE_BYTES], buffer[FRAME_NAME_BYTES];
	char *name = function_name_fit(&style, named->name, NAME_COLUMNS), *object = NULL;

	if (ended)
		object = function_name_fit(&style, frame_name(ended, buffer), DESTRUCTOR_COLUMNS);
	frame_place(&stack, named->frame, place);
	snprintf(text->text, sizeof(text->text), "%.230s%s%.60s%s%.100s%s",
		 name ? name : named->name, *place ? " " : "", place, object ? " (" : "",
		 object ? object : "", object ? ")" : "");
	text->share = named->share;
	free(name);
	free(object);
}

size_t freer_text_of(const struct report_site *site, struct freer_text texts[FREER_TEXT_MAX])
{
	struct named_freer named[FREER_LIST_MAX];
	const struct freer_list *list = &site->freed_by;
	size_t count;

	if (list->samples < FEW_SAMPLES)
		return 0;
	count = name_functions(list, named);
	if (count)
		qsort(named, count, sizeof(*named), compare_shares);
	bool are_two = count > 1 && named[0].share < NEARLY_ALL &&
		       named[0].share + named[1].share >= NEARLY_ALL;
	if (!count || (!are_two && named[0].share <= MOST))
		return 0;
	for (size_t i = 0; i < 1u + are_two; i++)
		describe(&texts[i], site, &named[i]);
	return 1u + are_two;
}
