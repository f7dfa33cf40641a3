/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_report: a report for a person in front of a terminal, piece by piece from top to bottom.
 */
#include "tools/output/text_report.h"

#include <errno.h>

#include "tools/model/report.h"
#include "tools/output/conclusion_text.h"
#include "tools/output/finding_text.h"
#include "tools/output/memory_text.h"
#include "tools/output/merged_findings.h"
#include "tools/output/number_text.h"
#include "tools/output/report_walk.h"
#include "tools/output/self_check_text.h"
#include "tools/output/shell_word.h"
#include "tools/output/site_text.h"
#include "tools/output/suppression_text.h"
#include "tools/output/text_header.h"
#include "tools/output/text_line.h"
#include "tools/output/threshold_text.h"
#include "tools/output/wrong_free_text.h"

struct text_report {
	FILE *stream;
	const struct text_report_options *options;
	bool is_gap_due; /* an empty line stands between sites when one of them is long */
	size_t repeated_count;
};

static struct site_text site_text_of(const struct report_view *view,
				     const struct text_report *context)
{
	return (struct site_text){
		.stream = context->stream,
		.options = context->options,
		.report = view->report,
	};
}

/* Only what is flagged is shown, and that only once. */
static bool is_left_out(struct text_report *context, const struct report_site *site)
{
	const struct text_report_options *options = context->options;

	if (!options->has_findings_only)
		return false;
	if (!site->judgement.is_flagged)
		return true;
	if (!options->found || !merged_findings_is_repeated(options->found, site))
		return false;
	context->repeated_count++;
	return true;
}

static int begin_report(const struct report_view *view, void *context_)
{
	struct text_report *context = context_;

	text_header_write(context->stream, &context->options->style, view->report);
	/* Of what it leads up to nothing is shown. */
	if (!context->options->has_findings_only || view->conclusion == CONCLUSION_LEAKS ||
	    (view->foremost && view->foremost->judgement.is_flagged))
		conclusion_text_write(context->stream, context->options, view);
	threshold_text_write(context->stream, &context->options->style, view->report);
	context->repeated_count +=
		wrong_free_text_write(context->stream, context->options, view->report);
	context->is_gap_due = true;
	return 0;
}

static int write_site(const struct report_view *view, const struct report_site *site, size_t rank,
		      void *context_)
{
	struct text_report *context = context_;
	struct site_text text = site_text_of(view, context);
	if (is_left_out(context, site))
		return 0;
	bool is_long = site_text_is_in_full(site, rank, context->options);

	if (is_long || context->is_gap_due)
		fputc('\n', context->stream);
	context->is_gap_due = is_long;
	if (is_long)
		site_text_write_in_full(&text, site, rank);
	else
		site_text_write_in_short(&text, site, rank);
	return ferror(context->stream) ? -EIO : 0;
}

static int write_finding(const struct report_view *view, const struct report_finding *finding,
			 size_t rank, void *context_)
{
	struct text_report *context = context_;
	struct site_text text = site_text_of(view, context);

	if (is_left_out(context, &finding->sum))
		return 0;
	fputc('\n', context->stream);
	context->is_gap_due = true;
	finding_text_write(&text, finding, rank);
	return ferror(context->stream) ? -EIO : 0;
}

/* Leaks that were set back, and how to see them. */
static void write_minor(const struct report *report, const struct text_report *context)
{
	const struct text_report_options *options = context->options;
	char text[256], word[SHELL_WORD_BYTES], command[SHELL_WORD_BYTES + 32];
	size_t count = 0;

	for (size_t i = 0; i < report->site_count; i++)
		count += report->sites[i].judgement.is_minor;
	if (!count)
		return;
	snprintf(text, sizeof(text),
		 "%s site%s leak%s, but too little to stand out of the crowd of those that grow:",
		 number_count(count).text, number_plural(count), count == 1 ? "s" : "");
	snprintf(command, sizeof(command), "seep report --all %s",
		 shell_word(options->source ? options->source : "FILE", word));
	fputc('\n', context->stream);
	text_command(context->stream, &options->style, INK_DIM, "", 0, text, command);
}

static int end_report(const struct report_view *view, void *context_)
{
	struct text_report *context = context_;
	const struct text_report_options *options = context->options;
	const char *source = options->source ? options->source : "FILE";

	if (view->rest.count && !options->has_findings_only) {
		char text[1024], flagged[96] = "";
		char word[SHELL_WORD_BYTES], command[SHELL_WORD_BYTES + 32];
		if (view->rest.flagged_count)
			snprintf(flagged, sizeof(flagged), " (%s flagged)",
				 number_count(view->rest.flagged_count).text);
		snprintf(text, sizeof(text), "%s more site%s%s with %s in %s block%s:",
			 number_count(view->rest.count).text, number_plural(view->rest.count),
			 flagged, number_bytes(view->rest.bytes).text,
			 number_count(view->rest.blocks).text, number_plural(view->rest.blocks));
		snprintf(command, sizeof(command), "seep report --top=0 %s",
			 shell_word(source, word));
		fputc('\n', context->stream);
		text_command(context->stream, &options->style, INK_DIM, "", 0, text, command);
	}
	if (!options->has_findings_only) {
		write_minor(view->report, context);
		suppression_text_write_known(context->stream, &options->style, view->report);
		memory_text_write(context->stream, &options->style, view->report);
	}
	if (context->repeated_count) {
		char text[128];
		snprintf(text, sizeof(text), "%s more, as in another process above.",
			 number_count(context->repeated_count).text);
		fputc('\n', context->stream);
		text_paragraph(context->stream, &options->style, INK_DIM, "", 0, text);
	}
	self_check_text_write(context->stream, &options->style, view->report);
	for (size_t i = 0; options->notes && options->notes[i]; i++) {
		if (i == 0)
			fputc('\n', context->stream);
		text_paragraph(context->stream, &options->style, INK_DIM, "Note: ", 6,
			       options->notes[i]);
	}
	if (!options->has_findings_only)
		conclusion_text_write_next(context->stream, options, view);
	return 0;
}

int text_report_write(FILE *stream, const struct report *report,
		      const struct text_report_options *options)
{
	static const struct report_emitter emitter = {
		.begin = begin_report,
		.site = write_site,
		.finding = write_finding,
		.end = end_report,
	};
	struct text_report context = {.stream = stream, .options = options};

	return report_walk(report, options->site_limit, &emitter, &context);
}
