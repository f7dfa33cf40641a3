/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding_text: what sites have in common that are one leak, then their sum as if it were a site.
 */
#include "tools/output/finding_text.h"

#include <math.h>
#include <stdlib.h>

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

/* So many sites are named that another one has lost. */
#define HANGING_SHOWN 4

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

/* "20 sites are one leak: whoever calls xdup keeps 5 % of the blocks", "2 sites are one leak:
 * open_session keeps 5 % of what it allocates" */
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
	used = snprintf(line, sizeof(line), "%s sites %s: ", number_count(finding->all_count).text,
			finding->sum.judgement.is_flagged ? "are one leak" : "grow as one");
	if (!is_caller)
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

/* What hangs under the first of them, shortly. */
static void write_hanging(const struct report_finding *finding, const struct site_text *text)
{
	const size_t limit = text->options->site_limit ? HANGING_SHOWN : SIZE_MAX;
	struct text_line line;
	size_t shown = 0, left = 0;

	text_line_begin(&line, text->stream, &text->options->style);
	text_line_pad(&line, SITE_TEXT_INDENT);
	text_line_put(&line, INK_TITLE, "lost with it:");
	text_line_end(&line);
	for (size_t i = 0; i < finding->site_count; i++) {
		const struct report_site *site = finding->sites[i];
		if (site->stack == finding->sum.stack || !site->scanned)
			continue;
		if (shown == limit || !site->frames) {
			left++;
			continue;
		}
		shown++;
		text_line_pad(&line, SITE_TEXT_STACK_INDENT);
		const struct block_sum lost = site->scanned->indirectly;
		text_line_print(&line, INK_TITLE, "%s", number_bytes(lost.bytes).text);
		text_line_print(&line, INK_PLAIN, " in %s block%s  ",
				number_count(lost.blocks).text, number_plural(lost.blocks));
		stack_text_put_chain(&line, site);
		text_line_end(&line);
	}
	if (!left)
		return;
	text_line_pad(&line, SITE_TEXT_STACK_INDENT);
	text_line_print(&line, INK_DIM, "and at %s more site%s", number_count(left).text,
			number_plural(left));
	text_line_end(&line);
}

/* Its sites, shortly. */
static void write_members(const struct report_finding *finding, const struct site_text *text)
{
	struct text_line line;

	text_line_begin(&line, text->stream, &text->options->style);
	for (size_t i = 0; i < finding->site_count; i++) {
		const struct report_site *site = finding->sites[i];
		/* From where they part: what is further in stands above. */
		struct report_site apart = *site;
		size_t common = finding->kind == FINDING_CALLEE ? finding->sum.frame_count : 0;
		if (common < apart.frame_count) {
			apart.frames += common;
			apart.frame_count -= common;
		}
		text_line_pad(&line, SITE_TEXT_STACK_INDENT);
		text_line_print(&line, INK_TITLE, "%s", number_bytes(site->live_bytes).text);
		text_line_print(&line, INK_PLAIN, " in %s block%s",
				number_count(site->live_blocks).text,
				number_plural(site->live_blocks));
		if (site_text_has_growth(site))
			text_line_print(&line, INK_PLAIN, "  %s",
					number_rate(site->judgement.growth.bytes_per_hour).text);
		text_line_end(&line);
		text_line_pad(&line, SITE_TEXT_STACK_INDENT + 2);
		stack_text_put_chain(&line, &apart);
		text_line_end(&line);
	}
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
	else if (text->options->site_limit == 0)
		write_members(finding, text);
}
