/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holder_text: who holds the blocks of a site, in words.
 *
 * What reads the same is the same for a reader: elements of one array, threads that run one function,
 * blocks that one function has allocated for different callers. So each way is first turned into the
 * words that name it, and only those that are left when equal ones are put together are counted out.
 */
#include "tools/output/holder_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/report.h"
#include "tools/output/number_text.h"
#include "tools/output/root_name.h"
#include "tools/output/text_line.h"
#include "tools/output/text_style.h"

/* A second way is named where the first one is not nearly all, and it is more than a few blocks. */
#define NEARLY_ALL 0.9
#define WORTH_A_LINE 0.1
#define LINES_IN_FULL 12
/* Of a sample of a hundred; the rest may be what a register held by chance. */
#define HELD_BY_ANOTHER 0.95

/* Blocks on a way, by the function that allocates them. */
struct named_step {
	char *name; /* "list_push list.c:9"; null where blocks are left out */
	struct shape_step step;
};

struct way {
	struct root_name root;
	char *key; /* the same for ways that read the same */
	struct named_step *steps;
	size_t step_count;
	double share;
	uint64_t own_most;
	const struct report_site *through;
};

/* ---- steps ---- */

static void add_places(struct shape_step *into, const struct shape_step *from)
{
	for (size_t i = 0; i < from->place_count; i++) {
		size_t same = 0;
		while (same < into->place_count && into->places[same] != from->places[i])
			same++;
		if (same == into->place_count && same < SHAPE_PLACES_MAX)
			into->places[into->place_count++] = from->places[i];
	}
}

static bool is_same_name(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* The steps of a shape, those that follow each other and read the same as one. */
static bool name_steps(struct way *way, const struct holder_shape *shape)
{
	way->steps = calloc(shape->step_count + 1, sizeof(*way->steps));
	if (!way->steps)
		return false;
	for (size_t i = 0; i < shape->step_count; i++) {
		const struct shape_step *step = &shape->steps[i];
		char *name = step->stack ? root_name_frame(&way->root, step->frame) : NULL;
		struct named_step *last = way->step_count ? &way->steps[way->step_count - 1] : NULL;

		if (step->stack && !name)
			return false;
		if (last && is_same_name(last->name, name)) {
			free(name);
			last->step.least += step->least;
			last->step.most += step->most;
			add_places(&last->step, step);
		} else {
			way->steps[way->step_count++] =
				(struct named_step){.name = name, .step = *step};
		}
	}
	return true;
}

/* What a block is like, as far as the ways through it tell. */
static const char *kind_of_step(const struct shape_step *step)
{
	if (step->most > 1)
		return "node";
	return step->place_count >= SHAPE_PLACES_MAX ? "table" : "block";
}

/* " (×1,000)", " (up to ×1,000)" */
static void put_times(FILE *out, uint64_t least, uint64_t most)
{
	if (most > 1)
		fprintf(out, " (%s×%s)", least == most ? "" : "up to ", number_count(most).text);
}

static char *text_of(const struct way *way)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	bool is_fine;

	if (!out)
		return NULL;
	is_fine = root_name_put(&way->root, out, false);
	for (size_t i = 0; i < way->step_count; i++) {
		const struct named_step *step = &way->steps[i];
		if (!step->name) {
			fputs(" → …", out);
			continue;
		}
		fprintf(out, " → %s of %s", kind_of_step(&step->step), step->name);
		put_times(out, step->step.least, step->step.most);
	}
	if (way->own_most)
		fputs(way->own_most == 1 ? " → another of this kind" : " → others of this kind",
		      out);
	put_times(out, 0, way->own_most);
	fputs(" → this", out);
	if (fclose(out) != 0 || !is_fine) {
		free(text);
		return NULL;
	}
	return text;
}

/* ---- ways that read the same ---- */

static bool make_key(struct way *way)
{
	size_t bytes;
	FILE *out = open_memstream(&way->key, &bytes);
	bool is_fine;

	if (!out)
		return false;
	is_fine = root_name_put(&way->root, out, true);
	for (size_t i = 0; i < way->step_count; i++)
		fprintf(out, "\n%s", way->steps[i].name ? way->steps[i].name : "…");
	return fclose(out) == 0 && is_fine;
}

static bool make_way(struct way *way, const struct report *report, const struct text_style *style,
		     const struct holder_shape *shape)
{
	*way = (struct way){
		.share = shape->share,
		.own_most = shape->own_most,
		.through = shape->through,
	};
	root_name_start(&way->root, report, style, shape->root);
	return name_steps(way, shape) && make_key(way);
}

static void free_way(struct way *way)
{
	for (size_t i = 0; way->steps && i < way->step_count; i++)
		free(way->steps[i].name);
	free(way->steps);
	free(way->key);
}

static int compare_ways(const void *left, const void *right)
{
	const struct way *a = left, *b = right;
	int order = strcmp(a->key, b->key);

	return order ? order : root_name_compare(&a->root, &b->root);
}

static void merge(struct way *into, const struct way *from, const struct way *before)
{
	into->share += from->share;
	into->own_most = into->own_most > from->own_most ? into->own_most : from->own_most;
	into->through = into->through ? into->through : from->through;
	root_name_merge(&into->root, &from->root, &before->root);
	for (size_t i = 0; i < into->step_count && i < from->step_count; i++) {
		struct shape_step *step = &into->steps[i].step;
		const struct shape_step *other = &from->steps[i].step;
		step->least = step->least < other->least ? step->least : other->least;
		step->most = step->most > other->most ? step->most : other->most;
		add_places(step, other);
	}
}

static int compare_texts(const void *left, const void *right)
{
	const struct holder_text *a = left, *b = right;

	if (a->share != b->share)
		return a->share < b->share ? 1 : -1;
	return strcmp(a->path, b->path);
}

static bool put_together(struct holder_texts *made, struct way *ways, size_t count)
{
	qsort(ways, count, sizeof(*ways), compare_ways);
	for (size_t i = 0; i < count;) {
		struct way *first = &ways[i];
		struct holder_text *text = &made->texts[made->count];
		for (i++; i < count && strcmp(ways[i].key, first->key) == 0; i++)
			merge(first, &ways[i], &ways[i - 1]);
		*text = (struct holder_text){
			.path = text_of(first),
			.share = first->share,
			.through = first->through,
		};
		if (!text->path)
			return false;
		made->count++;
	}
	qsort(made->texts, made->count, sizeof(*made->texts), compare_texts);
	return true;
}

bool holder_texts_make(struct holder_texts *made, const struct report *report,
		       const struct report_site *site, const struct text_style *style)
{
	const struct holder_shapes *held_by = &site->held_by;
	size_t count = held_by->count, done = 0;
	bool is_fine;

	*made = (struct holder_texts){0};
	if (!held_by->shapes)
		return true;
	made->texts = calloc(count + 1, sizeof(*made->texts));
	if (!made->texts || !count)
		return made->texts;
	struct way *ways = calloc(count, sizeof(*ways));
	is_fine = ways;
	while (is_fine && done < count)
		is_fine = make_way(&ways[done], report, style, &held_by->shapes[done]), done++;
	is_fine = is_fine && put_together(made, ways, count);
	for (size_t i = 0; ways && i < done; i++)
		free_way(&ways[i]);
	free(ways);
	if (!is_fine)
		holder_texts_free(made);
	return is_fine;
}

void holder_texts_free(struct holder_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free(texts->texts[i].path);
	free(texts->texts);
	*texts = (struct holder_texts){0};
}

/* ---- in a report ---- */

/* Where it stands in the report, from 1; 0 where it does not. */
static size_t rank_of(const struct report *report, const struct report_site *site)
{
	for (size_t i = 0; i < report->entry_count; i++) {
		const struct report_entry *entry = &report->entries[i];
		if (entry->site == site ||
		    (entry->finding && entry->finding == report_site_finding(site)))
			return i + 1;
	}
	return 0;
}

/* Rounded down: all is not claimed. */
static int percent(double share)
{
	return share > 1 - 1e-9 ? 100 : (int)floor(100 * share);
}

/* "held only by what finding 2 keeps" */
static void write_other_site(FILE *stream, const struct text_style *style,
			     const struct report *report, const struct holder_texts *texts,
			     int indent)
{
	const struct report_site *other = texts->count ? texts->texts[0].through : NULL;
	size_t rank = other ? rank_of(report, other) : 0;
	double share = 0;
	char line[160];

	for (size_t i = 0; rank && i < texts->count; i++)
		if (texts->texts[i].through && rank_of(report, texts->texts[i].through) == rank)
			share += texts->texts[i].share;
	if (share < HELD_BY_ANOTHER)
		return;
	snprintf(line, sizeof(line), "held only by blocks of finding %zu: it goes when they do",
		 rank);
	text_paragraph(stream, style, INK_PLAIN, "", indent, line);
}

static void write_way(FILE *stream, const struct text_style *style, const struct holder_text *text,
		      const char *lead, int indent)
{
	char *line;

	if (asprintf(&line, "%s %s: %d %%", lead, text->path, percent(text->share)) < 0)
		return;
	text_paragraph(stream, style, INK_PLAIN, "", indent, line);
	free(line);
}

void holder_text_write(FILE *stream, const struct text_style *style, const struct report *report,
		       const struct report_site *site, int indent, bool is_full)
{
	struct holder_texts texts;
	size_t limit = is_full ? LINES_IN_FULL : 2;

	if (!holder_texts_make(&texts, report, site, style))
		return;
	if (!is_full && texts.count && texts.texts[0].share >= NEARLY_ALL)
		limit = 1;
	for (size_t i = 0; i < texts.count && i < limit; i++) {
		if (i && !is_full && texts.texts[i].share < WORTH_A_LINE)
			break;
		write_way(stream, style, &texts.texts[i], i ? "and by" : "held by", indent);
	}
	write_other_site(stream, style, report, &texts, indent);
	holder_texts_free(&texts);
}
