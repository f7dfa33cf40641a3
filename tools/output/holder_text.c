/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holder_text: who holds the blocks of a site, in words.
 *
 * What reads the same is the same for a reader: elements of one array, threads that run one function,
 * blocks that one function has allocated for different callers. So each way is first turned into the
 * words that name it, and only those that are left when equal ones are put together are counted out.
 */
#include "tools/output/holder_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/holders.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/output/frame_text.h"
#include "tools/output/function_name.h"
#include "tools/output/number_text.h"
#include "tools/output/text_line.h"
#include "tools/output/text_style.h"

#define NAME_COLUMNS 48
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
	const struct report *report;
	const struct text_style *style;
	const struct holder_root *root;
	const struct holder_place *place;
	char *key; /* the same for ways that read the same */
	struct named_step *steps;
	size_t step_count;
	double share;
	uint64_t own_most;
	const struct report_site *through;
	/* Over the ways that were put together. */
	uint64_t thread_count, register_count, mapping_count;
	uint64_t section_low, section_high;
	bool differs_in_line; /* that the threads are at */
};

/* ---- names ---- */

static char *copy_of_name(const struct way *way, const char *name)
{
	return way->style ? function_name_fit(way->style, name, NAME_COLUMNS) : strdup(name);
}

/* Where no file is known, the program's own functions stand without a place: a way has many of them. */
static bool says_only_program(const struct way *way, const struct frame *frame)
{
	const struct profile *profile = way->report->profile;

	if (frame->file || !frame->function || !frame->module)
		return false;
	for (size_t i = 0; i < profile->module_count; i++)
		if (profile->modules[i].flags & SEEP_MODULE_IS_EXECUTABLE &&
		    profile->modules[i].path &&
		    strcmp(profile->modules[i].path, frame->module) == 0)
			return true;
	return false;
}

/* "list_push list.c:9"; null without memory. */
static char *name_frame(const struct way *way, const struct frame *frame)
{
	static const struct frame unknown = {.function = "[no stack]", .is_pseudo = true};
	char buffer[FRAME_NAME_BYTES], place[FRAME_PLACE_BYTES], *text = NULL;
	struct frame only = frame ? *frame : unknown;
	const struct report_site stack = {
		.profile = way->report->profile, .frames = &only, .frame_count = 1};
	char *name = copy_of_name(way, frame_name(&only, buffer));

	frame_place(&stack, &only, place);
	if (says_only_program(way, &only))
		*place = 0;
	if (name && asprintf(&text, "%s%s%s", name, *place ? " " : "", place) < 0)
		text = NULL;
	free(name);
	return text;
}

static const struct module *module_of(const struct way *way)
{
	const struct profile *profile = way->report->profile;

	return way->root->module < profile->module_count ? &profile->modules[way->root->module]
							 : NULL;
}

static const char *module_name(const struct way *way)
{
	const struct module *module = module_of(way);

	return module && module->path && *module->path ? path_base(module->path) : "a module";
}

static bool is_of_program(const struct way *way)
{
	const struct module *module = module_of(way);

	return module && module->flags & SEEP_MODULE_IS_EXECUTABLE;
}

/* The general registers' numbers in DWARF come first, then those of xmm0 to xmm15 (psABI, 3.6.2). */
#define XMM_REGISTERS 16

/* "register rbx"; of another kind of processor its number. */
static void put_register(FILE *out, uint64_t number)
{
	static const char *const names[] = {"rax", "rdx", "rcx", "rbx", "rsi", "rdi",
					    "rbp", "rsp", "r8",	 "r9",	"r10", "r11",
					    "r12", "r13", "r14", "r15", "rip"};

	if (number < sizeof(names) / sizeof(*names))
		fprintf(out, "register %s", names[number]);
	else if (number - sizeof(names) / sizeof(*names) < XMM_REGISTERS)
		fprintf(out, "register xmm%zu", (size_t)number - sizeof(names) / sizeof(*names));
	else
		fprintf(out, "register %" PRIu64, number);
}

/* ---- roots ---- */

/* " (server.c)", " (cache.c, libfoo.so)", " (libfoo.so)"; nothing where only the program can be meant. */
static void put_origin(FILE *out, const struct way *way)
{
	const char *file = way->place->file ? path_base(way->place->file) : NULL;

	if (is_of_program(way) && file)
		fprintf(out, " (%s)", file);
	else if (!is_of_program(way) && file)
		fprintf(out, " (%s, %s)", file, module_name(way));
	else if (!is_of_program(way))
		fprintf(out, " (%s)", module_name(way));
}

/* What a mangled name says of its library's version is not for people: "cfg::lines[abi:cxx11]". */
static void put_name(FILE *out, const struct way *way, const char *name)
{
	const char *tag;

	while (way->style && (tag = strstr(name, "[abi:")) && strchr(tag, ']')) {
		fprintf(out, "%.*s", (int)(tag - name), name);
		name = strchr(tag, ']') + 1;
	}
	fputs(name, out);
}

static bool put_variable(FILE *out, const struct way *way)
{
	const struct holder_place *place = way->place;
	char *function = place->function ? copy_of_name(way, place->function) : NULL;
	bool is_fine = !place->function || function;

	if (way->root->kind == SEEP_ROOT_TLS)
		fputs("thread_local ", out);
	put_name(out, way, place->name);
	if (function)
		fprintf(out, " of %s", function);
	put_origin(out, way);
	free(function);
	return is_fine;
}

/* "libfoo.so .data+0x40"; of several places in it only the section. */
static void put_nameless(FILE *out, const struct way *way, bool is_key)
{
	const struct holder_place *place = way->place;

	if (way->root->kind == SEEP_ROOT_TLS) {
		fprintf(out, "thread-local data of %s", module_name(way));
		return;
	}
	bool is_one_place = !is_key && way->section_low == way->section_high;
	fputs(module_name(way), out);
	if (place->section)
		fprintf(out, " %s", place->section);
	else if (!is_one_place)
		fputs(" data", out);
	if (is_one_place)
		fprintf(out, "+0x%" PRIx64, way->section_low);
}

/* `stack of thread 4711 "worker"`, "stacks of 12 threads" */
static void put_thread(FILE *out, const struct way *way, bool is_key)
{
	const struct holder_root *root = way->root;
	bool is_main = root->thread == way->report->profile->pid;

	if (is_key)
		fputs(is_main ? "main thread" : "thread", out);
	else if (way->thread_count > 1)
		fprintf(out, "%s threads", number_count(way->thread_count).text);
	else if (is_main)
		fputs("the main thread", out);
	else if (root->thread)
		fprintf(out, "thread %" PRIu32, root->thread);
	else
		fputs("a thread", out);
	/* Threads of one function are told apart by it, and not by what it calls them. */
	if (*root->name && !is_main && (!way->place->frame || (!is_key && way->thread_count <= 1)))
		fprintf(out, " \"%s\"", root->name);
}

/* " in worker_main server.c:41"; of threads that are at different lines of it without one. */
static bool put_running(FILE *out, const struct way *way, bool is_key)
{
	struct frame frame;
	char *name;

	if (!way->place->frame)
		return true;
	frame = *way->place->frame;
	if (is_key || way->differs_in_line)
		frame.line = 0;
	name = name_frame(way, &frame);
	if (name)
		fprintf(out, " in %s", name);
	free(name);
	return name != NULL;
}

/* "an anonymous mapping of 64.0 MiB", "12 anonymous mappings", "[heap]", "the mapping of pool.db" */
static void put_mapping(FILE *out, const struct way *way, bool is_key)
{
	const char *name = way->root->name;

	if (*name == '[')
		fputs(name, out);
	else if (*name)
		fprintf(out, "the mapping of %s", path_base(name));
	else if (way->mapping_count > 1)
		fprintf(out, "%s anonymous mappings", number_count(way->mapping_count).text);
	else
		fputs("an anonymous mapping", out);
	if (!is_key && way->mapping_count <= 1 && *name != '[' && way->root->bytes)
		fprintf(out, " of %s", number_bytes(way->root->bytes).text);
}

/* `is_key`: without what may differ between ways that read the same. */
static bool put_root(FILE *out, const struct way *way, bool is_key)
{
	bool are_many = way->thread_count > 1;

	switch (way->root->kind) {
	case SEEP_ROOT_MODULE:
	case SEEP_ROOT_TLS:
		if (way->place->name)
			return put_variable(out, way);
		put_nameless(out, way, is_key);
		return true;
	case SEEP_ROOT_STACK:
		fputs(are_many ? "stacks of " : "stack of ", out);
		put_thread(out, way, is_key);
		return put_running(out, way, is_key);
	case SEEP_ROOT_REGISTER:
		if (is_key || are_many || way->register_count > 1)
			fputs("registers", out);
		else
			put_register(out, way->root->address);
		fputs(" of ", out);
		put_thread(out, way, is_key);
		return put_running(out, way, is_key);
	case SEEP_ROOT_THREAD:
		fputs("thread-specific data of ", out);
		put_thread(out, way, is_key);
		return true;
	case SEEP_ROOT_LOADER:
		fputs("the dynamic linker", out);
		return true;
	case SEEP_ROOT_MAPPING:
		put_mapping(out, way, is_key);
		return true;
	case SEEP_ROOT_REGION:
		fputs("a region that the program has declared", out);
		return true;
	case SEEP_ROOT_KERNEL:
		fprintf(out, "the kernel, for %s",
			*way->root->name ? way->root->name : "the program");
		return true;
	case SEEP_ROOT_IGNORED:
		fputs("what the program said is no leak", out);
		return true;
	}
	fputs("something that only a newer seep can name", out);
	return true;
}

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
		char *name = step->stack ? name_frame(way, step->frame) : NULL;
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
	is_fine = put_root(out, way, false);
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
	/* Roots of different kinds may have the same words. */
	fprintf(out, "%d ", (int)way->root->kind);
	is_fine = put_root(out, way, true);
	for (size_t i = 0; i < way->step_count; i++)
		fprintf(out, "\n%s", way->steps[i].name ? way->steps[i].name : "…");
	return fclose(out) == 0 && is_fine;
}

static bool make_way(struct way *way, const struct report *report, const struct text_style *style,
		     const struct holder_shape *shape)
{
	const struct holder_root *root = &report->profile->holders->roots[shape->root];
	const struct holder_place *place = &report->holder_places[shape->root];
	const struct module *module;

	*way = (struct way){
		.report = report,
		.style = style,
		.root = root,
		.place = place,
		.share = shape->share,
		.own_most = shape->own_most,
		.through = shape->through,
		.thread_count = 1,
		.register_count = 1,
		.mapping_count = 1,
	};
	module = module_of(way);
	way->section_low = way->section_high =
		place->section ? place->section_offset
			       : root->address - (module ? module->load_bias : 0);
	return name_steps(way, shape) && make_key(way);
}

static void free_way(struct way *way)
{
	for (size_t i = 0; way->steps && i < way->step_count; i++)
		free(way->steps[i].name);
	free(way->steps);
	free(way->key);
}

/* Of one key by thread and register, so that those can be counted. */
static int compare_ways(const void *left, const void *right)
{
	const struct way *a = left, *b = right;
	int order = strcmp(a->key, b->key);

	if (!order)
		order = (a->root->thread > b->root->thread) - (a->root->thread < b->root->thread);
	if (!order)
		order = (a->root->address > b->root->address) -
			(a->root->address < b->root->address);
	return order;
}

static void merge(struct way *into, const struct way *from, const struct way *before)
{
	into->share += from->share;
	into->own_most = into->own_most > from->own_most ? into->own_most : from->own_most;
	into->through = into->through ? into->through : from->through;
	into->thread_count += from->root->thread != before->root->thread;
	into->register_count += from->root->address != before->root->address;
	into->mapping_count += from->root->address != before->root->address;
	if (into->place->frame && from->place->frame)
		into->differs_in_line |= into->place->frame->line != from->place->frame->line;
	if (into->section_low > from->section_low)
		into->section_low = from->section_low;
	if (into->section_high < from->section_high)
		into->section_high = from->section_high;
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
		if (entry->site == site || (entry->finding && entry->finding == site->finding))
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
