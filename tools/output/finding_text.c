/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding_text: what sites have in common that are one leak, then their sum as if it were a site.
 */
#include "tools/output/finding_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/report.h"
#include "tools/model/scan.h"
#include "tools/output/frame_text.h"
#include "tools/output/function_name.h"
#include "tools/output/number_text.h"
#include "tools/output/site_text.h"
#include "tools/output/stack_shape.h"
#include "tools/output/stack_text.h"
#include "tools/output/text_line.h"
#include "tools/output/text_report.h"

/* So many sites are named that another one has lost, that come to a place where all is lost, or that are born
 * together. */
#define PLACES_SHOWN 4
#define CALLERS_SHOWN 4
#define PARTS_SHOWN 12
/* Where nothing is freed the same part is no likeness. */
#define ALL_KEPT 0.995

/* Does each of the sites lie in this function itself, or in an allocator's wrapper that it calls? */
static bool allocates_itself(const struct report_finding *finding)
{
	const struct report_site *sum = &finding->sum;

	for (size_t i = 0; i < finding->site_count; i++) {
		const struct report_site *site = finding->sites[i];
		const struct frame *own = site->frames ? stack_own_frame(site) : NULL;

		if (!own || own + sum->frame_count != site->frames + site->frame_count)
			return false;
	}
	return true;
}

/* "what parse_string allocates is lost, whoever calls it"; of more than one function in common "what xname
 * allocates for parse_item is lost, whoever calls that". */
static void say_lost_by_place(const struct report_finding *finding, const char *name, char *text,
			      size_t size)
{
	const struct report_site *sum = &finding->sum;
	const struct frame *own = stack_own_frame(sum);
	const struct frame *outer = sum->frame_count ? &sum->frames[sum->frame_count - 1] : NULL;
	char buffer[FRAME_NAME_BYTES];

	if (own && outer != own)
		snprintf(text, size, "what %.200s allocates for %.200s is lost, whoever calls that",
			 name, frame_name(outer, buffer));
	else
		snprintf(text, size, "what %.200s allocates is lost, whoever calls it",
			 name ? name : "this");
}

/* What each request forgets is in step with all else that it forgets: these may be several mistakes. */
static bool may_be_several(const struct report_finding *finding)
{
	return (finding->kind == FINDING_TOGETHER && !finding->is_held_by_first) ||
	       (finding->kind == FINDING_CALLER && !finding->sum.is_lost_by_place &&
		!(finding->share_kept < ALL_KEPT) && !allocates_itself(finding));
}

/* "20 sites are one leak: whoever calls xdup keeps 5 % of the blocks", "2 sites are one leak:
 * open_session keeps 5 % of what it allocates", "8 sites are one leak, or several: …" */
static void write_what_is_one(const struct report_finding *finding, const struct site_text *text)
{
	const struct text_style *style = &text->options->style;
	const struct frame *frame = stack_own_frame(&finding->sum);
	bool is_caller = finding->kind == FINDING_CALLER;
	char buffer[FRAME_NAME_BYTES], line[512], share[32];
	int used;
	if (finding->kind == FINDING_LOST)
		return; /* its first reason says it */
	char *name = frame ? function_name_fit(style, frame_name(frame, buffer), style->width / 2)
			   : NULL;

	snprintf(share, sizeof(share), "%.*f %%", finding->share_kept < 0.0995 ? 1 : 0,
		 100 * fmin(1, finding->share_kept));
	used = snprintf(line, sizeof(line),
			"%s sites %s%s: ", number_count(finding->all_count).text,
			finding->sum.judgement.is_flagged ? "are one leak" : "grow as one",
			may_be_several(finding) ? ", or several" : "");
	if (finding->kind == FINDING_TOGETHER)
		snprintf(line + used, sizeof(line) - (size_t)used,
			 "they are born and kept together, in every period %s",
			 finding->is_same_number ? "as many of each" : "in the same proportion");
	else if (finding->sum.is_lost_by_place)
		say_lost_by_place(finding, name, line + used, sizeof(line) - (size_t)used);
	else if (!is_caller)
		snprintf(line + used, sizeof(line) - (size_t)used,
			 "whoever calls %.200s keeps %s of the blocks", name ? name : "this",
			 share);
	else if (allocates_itself(finding))
		snprintf(line + used, sizeof(line) - (size_t)used,
			 "%.200s keeps %s of what it allocates", name ? name : "this", share);
	else
		snprintf(line + used, sizeof(line) - (size_t)used,
			 "on their ways from %.200s they keep %s of their blocks",
			 name ? name : "here", share);
	free(name);
	text_paragraph(text->stream, style, INK_TITLE, "", SITE_TEXT_INDENT, line);
}

/* Sites of which a line would say the same: a tree that a function builds by calling itself has one for each
 * depth. */
struct place {
	const struct report_site *first;
	struct block_sum sum;
	size_t site_count;
};

struct places {
	struct place list[PLACES_SHOWN];
	size_t count, left; /* of sites that found no room */
};

static bool are_at_one_place(const struct report_site *one, const struct report_site *other)
{
	const struct frame *a = stack_own_frame(one), *b = stack_own_frame(other);

	if (!a || !b || a->module != b->module)
		return false;
	if (!a->function || !b->function || !a->file || !b->file)
		return a->offset == b->offset;
	return a->line == b->line && strcmp(a->function, b->function) == 0 &&
	       strcmp(a->file, b->file) == 0;
}

static void add_place(struct places *places, const struct report_site *site, struct block_sum sum)
{
	size_t at = 0;

	while (at < places->count && site->frames &&
	       !are_at_one_place(places->list[at].first, site))
		at++;
	if (at == PLACES_SHOWN || !site->frames) {
		places->left++;
		return;
	}
	struct place *place = &places->list[at];
	if (at == places->count) {
		*place = (struct place){.first = site};
		places->count++;
	}
	place->sum.bytes += sum.bytes;
	place->sum.blocks += sum.blocks;
	place->site_count++;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *one = a, *other = b;

	return (one->sum.bytes < other->sum.bytes) - (one->sum.bytes > other->sum.bytes);
}

static void put_place(struct text_line *line, const struct place *place)
{
	text_line_pad(line, SITE_TEXT_STACK_INDENT);
	text_line_print(line, INK_TITLE, "%s", number_bytes(place->sum.bytes).text);
	text_line_print(line, INK_PLAIN, " in %s block%s  ", number_count(place->sum.blocks).text,
			number_plural(place->sum.blocks));
	if (place->site_count > 1) {
		stack_text_put_own(line, place->first);
		text_line_print(line, INK_DIM, "  %s sites", number_count(place->site_count).text);
	} else {
		stack_text_put_chain(line, place->first);
	}
	text_line_end(line);
}

static void put_places(struct text_line *line, struct places *places)
{
	qsort(places->list, places->count, sizeof(*places->list), compare_places);
	for (size_t i = 0; i < places->count; i++)
		put_place(line, &places->list[i]);
	if (!places->left)
		return;
	text_line_pad(line, SITE_TEXT_STACK_INDENT);
	text_line_print(line, INK_DIM, "and at %s more site%s", number_count(places->left).text,
			number_plural(places->left));
	text_line_end(line);
}

static void put_title(struct text_line *line, const char *title)
{
	text_line_pad(line, SITE_TEXT_INDENT);
	text_line_put(line, INK_TITLE, title);
	text_line_end(line);
}

/* What hangs under the first of them, shortly. */
static void write_hanging(const struct report_finding *finding, const struct site_text *text)
{
	struct places places = {.count = 0};
	struct text_line line;

	text_line_begin(&line, text->stream, &text->options->style);
	put_title(&line, "lost with it:");
	for (size_t i = 0; i < finding->site_count; i++) {
		const struct report_site *site = finding->sites[i];
		if (site->stack == finding->sum.stack || !site->scanned)
			continue;
		if (text->options->site_limit || !site->frames)
			add_place(&places, site, site->scanned->indirectly);
		else
			put_place(&line, &(struct place){.first = site,
							 .sum = site->scanned->indirectly,
							 .site_count = 1});
	}
	put_places(&line, &places);
}

/* Who allocates what a caller of theirs is named for, shortly: who reads it looks there. */
static void write_allocators(const struct report_finding *finding, const struct site_text *text)
{
	const bool is_given_back = report_site_is_given_back(&finding->sum);
	struct places places = {.count = 0};
	struct text_line line;

	for (size_t i = 0; i < finding->site_count; i++) {
		const struct report_site *site = finding->sites[i];
		add_place(&places, site,
			  is_given_back ? (struct block_sum){.bytes = site->peak_bytes,
							     .blocks = site->peak_blocks}
					: (struct block_sum){.bytes = site->live_bytes,
							     .blocks = site->live_blocks});
	}
	/* The place that stands above. */
	if (places.count + places.left < 2)
		return;
	text_line_begin(&line, text->stream, &text->options->style);
	put_title(&line, "allocated by:");
	put_places(&line, &places);
}

/* "84.3 KiB in 130 blocks  +17.7 MiB/h, 27,900 blocks/h". */
static void put_amount(struct text_line *line, const struct report_site *site, bool has_block_rate)
{
	const struct growth *growth = &site->judgement.growth;

	text_line_print(line, INK_TITLE, "%s", number_bytes(site->live_bytes).text);
	text_line_print(line, INK_PLAIN, " in %s block%s", number_count(site->live_blocks).text,
			number_plural(site->live_blocks));
	if (!site_text_has_rate(site))
		return;
	text_line_print(line, INK_PLAIN, "  %s", number_rate(growth->bytes_per_hour).text);
	if (has_block_rate && growth->blocks_per_hour >= 1)
		text_line_print(line, INK_PLAIN, ", %s blocks/h",
				number_count((uint64_t)llround(growth->blocks_per_hour)).text);
}

static void write_rest(struct text_line *line, size_t count)
{
	if (!count)
		return;
	text_line_pad(line, SITE_TEXT_STACK_INDENT);
	text_line_print(line, INK_DIM, "and %s more site%s", number_count(count).text,
			number_plural(count));
	text_line_end(line);
}

/* Its sites, shortly. */
static void write_members(const struct report_finding *finding, const struct site_text *text)
{
	size_t limit = finding->sum.is_lost_by_place && text->options->has_findings_only
			       ? CALLERS_SHOWN
			       : SIZE_MAX;
	struct text_line line;

	text_line_begin(&line, text->stream, &text->options->style);
	for (size_t i = 0; i < finding->site_count && i < limit; i++) {
		const struct report_site *site = finding->sites[i];
		/* From where they part: what is further in stands above. */
		struct report_site apart = *site;
		size_t common = finding->kind == FINDING_CALLEE ? finding->sum.frame_count : 0;
		if (common < apart.frame_count) {
			apart.frames += common;
			apart.frame_count -= common;
		}
		text_line_pad(&line, SITE_TEXT_STACK_INDENT);
		put_amount(&line, site, false);
		text_line_end(&line);
		text_line_pad(&line, SITE_TEXT_STACK_INDENT + 2);
		stack_text_put_chain(&line, &apart);
		text_line_end(&line);
	}
	write_rest(&line, finding->site_count > limit ? finding->site_count - limit : 0);
}

/* So many innermost frames do not tell the part from one of the others. */
static size_t count_alike(const struct report_finding *finding, size_t part)
{
	const struct report_site *site = report_entry_site(&finding->parts[part]);
	size_t most = 0;

	for (size_t i = 0; i < finding->part_count; i++) {
		const struct report_site *other = report_entry_site(&finding->parts[i]);
		size_t alike = 0;
		while (i != part && alike + 1 < site->frame_count && alike < other->frame_count &&
		       site->frames[alike].offset == other->frames[alike].offset &&
		       site->frames[alike].function == other->frames[alike].function)
			alike++;
		most = alike > most ? alike : most;
	}
	return most;
}

/* What is born together, each by itself; who holds the others comes first. */
static void write_parts(const struct report_finding *finding, const struct site_text *text)
{
	const size_t limit = text->options->site_limit ? PARTS_SHOWN : SIZE_MAX;
	struct text_line line;
	size_t left = 0;

	text_line_begin(&line, text->stream, &text->options->style);
	put_title(&line, "together:");
	for (size_t i = 0; i < finding->part_count; i++) {
		const struct report_entry *part = &finding->parts[i];
		const struct report_site *site = report_entry_site(part);
		struct report_site apart = *site;
		size_t count = part->finding ? part->finding->all_count : 1;
		if (i >= limit || !site->frames) {
			left += count;
			continue;
		}
		text_line_pad(&line, SITE_TEXT_STACK_INDENT);
		put_amount(&line, site, true);
		if (count > 1)
			text_line_print(&line, INK_DIM, "  %s sites", number_count(count).text);
		text_line_end(&line);
		text_line_pad(&line, SITE_TEXT_STACK_INDENT + 2);
		size_t alike = count_alike(finding, i);
		apart.frames += alike;
		apart.frame_count -= alike;
		stack_text_put_chain(&line, &apart);
		text_line_end(&line);
	}
	write_rest(&line, left);
}

void finding_text_write(const struct site_text *text, const struct report_finding *finding,
			size_t rank)
{
	const struct report_site *sum = &finding->sum;

	site_text_write_numbers(text, sum, rank);
	write_what_is_one(finding, text);
	site_text_write_reasons(text, sum, true);
	site_text_write_curve(text, sum);
	stack_text_write(text->stream, &text->options->style, sum, SITE_TEXT_STACK_INDENT,
			 text->options->has_full_stacks);
	if (finding->kind == FINDING_LOST)
		write_hanging(finding, text);
	else if (finding->kind == FINDING_TOGETHER)
		write_parts(finding, text);
	else if (text->options->site_limit == 0)
		write_members(finding, text);
	else if (finding->kind == FINDING_CALLER)
		write_allocators(finding, text);
}
