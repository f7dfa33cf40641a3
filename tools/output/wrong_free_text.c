/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrong_free_text: one after the other, each with its stacks.
 */
#include "tools/output/wrong_free_text.h"

#include "tools/model/wrong_free.h"
#include "tools/output/merged_findings.h"
#include "tools/output/number_text.h"
#include "tools/output/text_line.h"
#include "tools/output/text_report.h"
#include "tools/output/wrong_free_stacks.h"

#define SHOWN_MAX 10
#define INDENT 4

static void write_one(FILE *stream, const struct text_report_options *options,
		      const struct wrong_free *wrong, size_t rank)
{
	char text[WRONG_FREE_BYTES];
	struct text_line line;

	wrong_free_text(wrong, text);
	fputc('\n', stream);
	text_line_begin(&line, stream, &options->style);
	text_line_print(&line, INK_TITLE, "%2zu. ", rank);
	text_line_put(&line, INK_PLAIN, text);
	text_line_end(&line);
	wrong_free_stacks_write(stream, &options->style, wrong, options->has_full_stacks);
}

static bool is_repeated(const struct text_report_options *options, const struct wrong_free *wrong)
{
	return options->found && merged_findings_is_repeated(options->found, &wrong->freed);
}

/* It says more than all others, and of the program's end. */
static void write_fatal(FILE *stream, const struct text_report_options *options,
			const struct wrong_free *wrong)
{
	char text[WRONG_FREE_BYTES], title[WRONG_FREE_BYTES + 64];

	wrong_free_text(wrong, text);
	snprintf(title, sizeof(title), "The program was ended by a free: %s.", text);
	fputc('\n', stream);
	text_paragraph(stream, &options->style, INK_ALARM, "", 0, title);
	fputc('\n', stream);
	wrong_free_stacks_write(stream, &options->style, wrong, options->has_full_stacks);
}

size_t wrong_free_text_write(FILE *stream, const struct text_report_options *options,
			     const struct report *report)
{
	size_t count = wrong_frees_count(report), repeated = 0, shown = 0;
	struct text_line line;
	char title[256];

	for (size_t i = 0; i < report->wrong_free_count; i++) {
		const struct wrong_free *wrong = &report->wrong_frees[i];
		if (wrong->freed.suppression)
			continue;
		if (is_repeated(options, wrong)) {
			repeated++;
		} else if (wrong->fatal) {
			write_fatal(stream, options, wrong);
			count--;
		}
	}
	if (count == repeated)
		return repeated;
	snprintf(title, sizeof(title),
		 "Wrong free%s: %s place%s give%s memory back with a function that does not belong "
		 "to the one that it was allocated with.",
		 number_plural(count), number_count(count).text, number_plural(count),
		 count == 1 ? "s" : "");
	fputc('\n', stream);
	text_paragraph(stream, &options->style, INK_ALARM, "", 0, title);
	for (size_t i = 0; i < report->wrong_free_count && shown < SHOWN_MAX; i++) {
		const struct wrong_free *wrong = &report->wrong_frees[i];
		if (!wrong->fatal && !wrong->freed.suppression && !is_repeated(options, wrong))
			write_one(stream, options, wrong, ++shown);
	}
	if (count - repeated > shown) {
		text_line_begin(&line, stream, &options->style);
		text_line_end(&line);
		text_line_pad(&line, INDENT);
		text_line_print(&line, INK_DIM, "and %s more",
				number_count(count - repeated - shown).text);
		text_line_end(&line);
	}
	return repeated;
}
