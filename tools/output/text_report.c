/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_report: a report for a person in front of a terminal.
 *
 * The sites that somebody should look at get their numbers, a curve and a stack. Sites that have
 * settled get two lines: ten of them with whole stacks would push the leak off the screen.
 */
#include "tools/output/text_report.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/output/evidence_text.h"
#include "tools/output/frame_text.h"
#include "tools/output/function_name.h"
#include "tools/output/number_text.h"
#include "tools/output/report_walk.h"
#include "tools/output/self_check_text.h"
#include "tools/output/shell_word.h"
#include "tools/output/sparkline.h"
#include "tools/output/stack_shape.h"
#include "tools/output/stack_text.h"
#include "tools/output/text_header.h"
#include "tools/output/text_line.h"
#include "tools/output/verdict_text.h"

#define SITE_INDENT 4
#define STACK_INDENT 6
#define CURVE_COLUMNS 32
#define SMALL_CURVE_COLUMNS 16
/* Narrower than this, curves are short and sentences get a second line. */
#define COMFORTABLE_WIDTH 72
/* A function and its line are not squeezed into less. */
#define OWN_COLUMNS_MIN 30
/* When the run was too short to judge, so many of the largest sites are shown with their stacks. */
#define UNFREED_IN_FULL 5

struct text_report {
	FILE *stream;
	const struct text_report_options *options;
	bool is_gap_due; /* an empty line stands between sites when one of them is long */
};

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* Goes on in the next line where less than `columns` are left. */
static void make_room(struct text_line *line, int columns)
{
	if (text_line_room(line) >= columns)
		return;
	text_line_end(line);
	text_line_pad(line, SITE_INDENT);
}

static void put_findings(struct text_line *line, const struct report_view *view)
{
	size_t leaks = view->finding.leak_count, lost = view->finding.lost_count;

	if (leaks)
		text_line_print(line, INK_ALARM, "%s leak%s", number_count(leaks).text,
				plural(leaks));
	if (leaks && lost)
		text_line_put(line, INK_ALARM, ", ");
	if (lost)
		text_line_print(line, INK_ALARM, "%s lost", number_count(lost).text);
	text_line_put(line, INK_TITLE, ": ");
	if (leaks)
		text_line_put(line, INK_TITLE, number_rate(view->finding.bytes_per_hour).text);
	else
		text_line_put(line, INK_TITLE, number_bytes(view->foremost->live_bytes).text);
	text_line_put(line, INK_TITLE, leaks + lost > 1 ? ", first at " : " at ");
	make_room(line, OWN_COLUMNS_MIN);
	stack_text_put_own(line, view->foremost);
}

static void write_conclusion(const struct report_view *view, const struct text_report *context)
{
	const struct report *report = view->report;
	struct text_line line;

	text_line_begin(&line, context->stream, &context->options->style);
	text_line_end(&line);
	switch (view->conclusion) {
	case CONCLUSION_LEAKS:
		put_findings(&line, view);
		break;
	case CONCLUSION_GROWING:
		text_line_print(&line, INK_WATCH, "No leak yet, %s site%s",
				number_count(view->finding.growing_count).text,
				view->finding.growing_count == 1 ? " grows" : "s grow");
		text_line_print(&line, INK_TITLE, ": %s%s at ",
				number_rate(view->finding.bytes_per_hour).text,
				view->finding.growing_count > 1 ? ", first" : "");
		make_room(&line, OWN_COLUMNS_MIN);
		stack_text_put_own(&line, view->foremost);
		break;
	case CONCLUSION_TOO_SHORT:
		text_line_put(&line, INK_NOTE, "Too short to judge growth");
		text_line_print(&line, INK_TITLE, " (%s snapshot%s in %s): what is %s.",
				number_count(report->snapshot_count).text,
				plural(report->snapshot_count),
				number_duration(report->span_s).text,
				report->profile->is_running ? "live now" : "left at the end");
		break;
	case CONCLUSION_ALL_FREED:
		text_line_put(&line, INK_CALM, "Nothing is left");
		text_line_put(&line, INK_TITLE,
			      report->profile->sample_bytes ? ": every sample was freed."
							    : ": every block was freed.");
		break;
	case CONCLUSION_NO_SNAPSHOT:
		text_line_put(&line, INK_WATCH, "No snapshot in the file");
		text_line_put(&line, INK_TITLE, ": there is nothing to judge.");
		break;
	case CONCLUSION_CALM:
	case CONCLUSION_DIFF:
	default:
		text_line_put(&line, INK_CALM, "No site grows");
		text_line_print(&line, INK_TITLE, ", seen over %s in %s snapshot%s.",
				number_duration(report->span_s).text,
				number_count(report->snapshot_count).text,
				plural(report->snapshot_count));
		break;
	}
	text_line_end(&line);
}

static int begin_report(const struct report_view *view, void *context_)
{
	struct text_report *context = context_;

	text_header_write(context->stream, &context->options->style, view->report);
	write_conclusion(view, context);
	context->is_gap_due = true;
	return 0;
}

static bool has_growth(const struct report_site *site)
{
	switch (site->judgement.verdict) {
	case VERDICT_LEAK:
	case VERDICT_GROWING:
	case VERDICT_SATURATING:
		return !isnan(site->judgement.growth.bytes_per_hour);
	default:
		return false;
	}
}

static bool is_in_full(const struct report_site *site, size_t rank,
		       const struct text_report *context)
{
	return context->options->has_full_stacks || site->judgement.is_flagged ||
	       site->judgement.verdict == VERDICT_GROWING ||
	       (site->judgement.verdict == VERDICT_UNFREED && rank <= UNFREED_IN_FULL);
}

/* Is the last snapshot of the report that of the end? */
static bool is_of_end(const struct report *report)
{
	return !report->profile->is_running &&
	       report->last_snapshot + 1 == report->profile->snapshot_count;
}

/* "1.20 MiB in 3,000 blocks at its peak, freed at the end": what is left would say too little. */
static void put_peak(struct text_line *line, const struct report *report,
		     const struct report_site *site)
{
	const char *when = is_of_end(report) ? "at the end" : "since";

	text_line_print(line, INK_TITLE, "  %s", number_bytes(site->peak_bytes).text);
	text_line_print(line, INK_PLAIN, " in %s block%s at its peak, ",
			number_count(site->peak_blocks).text, plural(site->peak_blocks));
	if (site->live_blocks)
		text_line_print(line, INK_PLAIN, "all but %s ",
				number_bytes(site->live_bytes).text);
	text_line_print(line, INK_PLAIN, "freed %s", when);
}

/* " 1. LEAK  4.21 MiB in 48,211 blocks  +4.20 MiB/h (3.91 to 4.49)" */
static void put_headline(struct text_line *line, const struct report *report,
			 const struct report_site *site, size_t rank, bool has_interval)
{
	const struct growth *growth = &site->judgement.growth;

	text_line_print(line, INK_TITLE, "%2zu. ", rank);
	text_line_put(line, verdict_ink(site->judgement.verdict),
		      verdict_word(site->judgement.verdict));
	if (report_site_is_given_back(site)) {
		put_peak(line, report, site);
	} else {
		text_line_print(line, INK_TITLE, "  %s", number_bytes(site->live_bytes).text);
		text_line_print(line, INK_PLAIN, " in %s block%s",
				number_count(site->live_blocks).text, plural(site->live_blocks));
	}
	if (site->sampled && !report_site_is_given_back(site)) {
		struct number_text error =
			number_error(report_error_95(site->sampled->bytes_error, site->live_bytes));
		text_line_print(line, INK_DIM, "%s%s", *error.text ? " " : "", error.text);
	}
	if (!has_growth(site))
		return;
	make_room(line, 2 + (int)strlen(number_rate(growth->bytes_per_hour).text) +
				(has_interval ? (int)strlen(" (3.91 to 4.49)") : 0));
	text_line_print(line, INK_TITLE, "%s%s", line->columns > SITE_INDENT ? "  " : "",
			number_rate(growth->bytes_per_hour).text);
	double width = growth->bytes_per_hour_ci95[1] - growth->bytes_per_hour_ci95[0];
	/* An interval whose ends look the same says nothing more than the rate. */
	if (has_interval && width > 0.005 * fabs(growth->bytes_per_hour))
		text_line_print(line, INK_PLAIN, " (%s)",
				number_rate_interval(growth->bytes_per_hour,
						     growth->bytes_per_hour_ci95[0],
						     growth->bytes_per_hour_ci95[1])
					.text);
}

static int put_curve(struct text_line *line, const struct report *report,
		     const struct report_site *site, int columns)
{
	char curve[SPARKLINE_BYTES];

	if (!site->series_bytes || report->point_count < 2)
		return 0;
	columns = sparkline_draw(report->series_t_s, site->series_bytes, report->point_count,
				 columns, line->style->is_utf8, curve);
	text_line_put(line, verdict_ink(site->judgement.verdict), curve);
	return columns;
}

static void write_curve(struct text_line *line, const struct report *report,
			const struct report_site *site)
{
	size_t last = report->point_count - 1;

	text_line_pad(line, SITE_INDENT);
	if (!put_curve(line, report, site,
		       line->style->width < COMFORTABLE_WIDTH ? SMALL_CURVE_COLUMNS / 2
							      : CURVE_COLUMNS)) {
		text_line_begin(line, line->stream, line->style);
		return;
	}
	text_line_print(line, INK_PLAIN, "  %s → %s", number_bytes(site->series_bytes[0]).text,
			number_bytes(site->series_bytes[last]).text);
	text_line_print(line, INK_DIM, "  %s to %s", number_duration(report->series_t_s[0]).text,
			number_duration(report->series_t_s[last]).text);
	text_line_end(line);
}

/* Facts of one line, as many as fit: the first ones are the more important ones. */
static void put_fact(struct text_line *line, enum ink ink, const char *fact)
{
	bool is_first = line->columns <= SITE_INDENT;

	if (text_columns(line->style, fact) + (is_first ? 0 : 2) > text_line_room(line))
		return;
	text_line_put(line, INK_PLAIN, is_first ? "" : ", ");
	text_line_put(line, ink, fact);
}

/* "since 3.2 s after the start", for long runs with the time of day to compare with other logs. */
static void put_since(struct text_line *line, const struct report_site *site)
{
	const struct profile *profile = site->profile;
	double since_s = site->judgement.growth.since_s;
	char fact[128], clock[32];

	if (isnan(since_s) || since_s < 0)
		return;
	if (profile && profile->started_unix_ns && since_s >= 60 && since_s < 3e9)
		snprintf(fact, sizeof(fact), "since %s (%s into the run)",
			 text_header_clock(profile->started_unix_ns + (uint64_t)(since_s * 1e9),
					   clock),
			 number_duration(since_s).text);
	else
		snprintf(fact, sizeof(fact), "since %s into the run",
			 number_duration(since_s).text);
	put_fact(line, INK_PLAIN, fact);
}

static void write_facts(struct text_line *line, const struct report *report,
			const struct report_site *site)
{
	const struct judgement *judgement = &site->judgement;
	char fact[160];

	text_line_pad(line, SITE_INDENT);
	if (judgement->is_flagged || judgement->verdict == VERDICT_GROWING) {
		put_since(line, site);
		snprintf(fact, sizeof(fact), "%s sure",
			 number_confidence(judgement->confidence).text);
		put_fact(line, INK_PLAIN, fact);
	}
	if (report_site_is_given_back(site) && is_of_end(report))
		put_fact(line, INK_PLAIN,
			 site->live_blocks ? "mostly freed when it ended"
					   : "freed when the program ended");
	if (judgement->verdict == VERDICT_GROWING && judgement->snapshots_needed) {
		snprintf(fact, sizeof(fact), "%u more snapshot%s would decide",
			 judgement->snapshots_needed, plural(judgement->snapshots_needed));
		put_fact(line, INK_WATCH, fact);
	}
	if (!isnan(judgement->growth.time_to_limit_s) && judgement->growth.time_to_limit_s > 0) {
		snprintf(fact, sizeof(fact), "at the memory limit in %s",
			 number_duration(judgement->growth.time_to_limit_s).text);
		put_fact(line, INK_ALARM, fact);
	}
	if (judgement->severity >= SEVERITY_HIGH && judgement->is_flagged) {
		snprintf(fact, sizeof(fact), "severity %s", severity_name(judgement->severity));
		put_fact(line, INK_ALARM, fact);
	}
	if (site->sampled) {
		snprintf(fact, sizeof(fact), "%s sample%s",
			 number_count(site->sampled->samples).text, plural(site->sampled->samples));
		put_fact(line, INK_DIM, fact);
	}
	snprintf(fact, sizeof(fact), "%s allocated, %s freed", number_count(site->allocations).text,
		 number_count(site->frees).text);
	put_fact(line, INK_DIM, fact);
	text_line_end(line);
}

/* Why, in plain words. */
static void write_evidence(const struct report_view *view, const struct report_site *site,
			   bool is_group, const struct text_report *context)
{
	struct evidence_text text =
		evidence_text_of(&site->judgement, is_group, view->report->snapshot_count);

	for (size_t i = 0; i < text.count; i++)
		text_paragraph(context->stream, &context->options->style, INK_PLAIN, "",
			       SITE_INDENT, text.lines[i]);
}

static void write_in_full(const struct report_view *view, const struct report_site *site,
			  size_t rank, struct text_report *context)
{
	struct text_line line;

	text_line_begin(&line, context->stream, &context->options->style);
	put_headline(&line, view->report, site, rank, true);
	text_line_end(&line);
	write_facts(&line, view->report, site);
	write_evidence(view, site, false, context);
	if (site->judgement.verdict != VERDICT_UNFREED)
		write_curve(&line, view->report, site);
	stack_text_write(context->stream, &context->options->style, site, STACK_INDENT,
			 context->options->has_full_stacks);
}

static void write_in_short(const struct report_view *view, const struct report_site *site,
			   size_t rank, struct text_report *context)
{
	struct text_line line;
	const char *meaning = verdict_meaning(site->judgement.verdict);

	text_line_begin(&line, context->stream, &context->options->style);
	put_headline(&line, view->report, site, rank, false);
	if (site->judgement.verdict != VERDICT_UNFREED &&
	    text_line_room(&line) > SMALL_CURVE_COLUMNS + 2) {
		text_line_put(&line, INK_PLAIN, "  ");
		put_curve(&line, view->report, site, SMALL_CURVE_COLUMNS);
	}
	text_line_put_right(&line, INK_DIM, meaning);
	text_line_end(&line);
	text_line_pad(&line, SITE_INDENT);
	stack_text_put_chain(&line, site);
	text_line_end(&line);
}

static int write_site(const struct report_view *view, const struct report_site *site, size_t rank,
		      void *context_)
{
	struct text_report *context = context_;
	bool is_long = is_in_full(site, rank, context);

	if (is_long || context->is_gap_due)
		fputc('\n', context->stream);
	context->is_gap_due = is_long;
	if (is_long)
		write_in_full(view, site, rank, context);
	else
		write_in_short(view, site, rank, context);
	return ferror(context->stream) ? -EIO : 0;
}

/* "20 sites are one leak: whoever calls xdup keeps 5 % of the blocks" */
static void write_what_is_one(const struct report_finding *finding,
			      const struct text_report *context)
{
	const struct text_style *style = &context->options->style;
	const struct frame *frame = stack_own_frame(&finding->sum);
	bool is_caller = finding->kind == FINDING_CALLER;
	char buffer[FRAME_NAME_BYTES], text[512];
	char *name = frame ? function_name_fit(style, frame_name(frame, buffer), style->width / 2)
			   : NULL;

	snprintf(text, sizeof(text), "%s sites %s: %s %.200s keeps %.*f %% of the blocks",
		 number_count(finding->all_count).text,
		 finding->sum.judgement.is_flagged ? "are one leak" : "grow as one",
		 is_caller ? "whatever is called by" : "whoever calls", name ? name : "this",
		 finding->share_kept < 0.0995 ? 1 : 0, 100 * fmin(1, finding->share_kept));
	free(name);
	text_paragraph(context->stream, style, INK_TITLE, "", SITE_INDENT, text);
}

/* Its sites, shortly. */
static void write_members(const struct report_finding *finding, const struct text_report *context)
{
	struct text_line line;

	text_line_begin(&line, context->stream, &context->options->style);
	for (size_t i = 0; i < finding->site_count; i++) {
		const struct report_site *site = finding->sites[i];
		/* From where they part: what is further in stands above. */
		struct report_site apart = *site;
		size_t common = finding->kind == FINDING_CALLEE ? finding->sum.frame_count : 0;
		if (common < apart.frame_count) {
			apart.frames += common;
			apart.frame_count -= common;
		}
		text_line_pad(&line, STACK_INDENT);
		text_line_print(&line, INK_TITLE, "%s", number_bytes(site->live_bytes).text);
		text_line_print(&line, INK_PLAIN, " in %s block%s",
				number_count(site->live_blocks).text, plural(site->live_blocks));
		if (has_growth(site))
			text_line_print(&line, INK_PLAIN, "  %s",
					number_rate(site->judgement.growth.bytes_per_hour).text);
		text_line_end(&line);
		text_line_pad(&line, STACK_INDENT + 2);
		stack_text_put_chain(&line, &apart);
		text_line_end(&line);
	}
}

static int write_finding(const struct report_view *view, const struct report_finding *finding,
			 size_t rank, void *context_)
{
	struct text_report *context = context_;
	const struct report_site *sum = &finding->sum;
	struct text_line line;

	fputc('\n', context->stream);
	context->is_gap_due = true;
	text_line_begin(&line, context->stream, &context->options->style);
	put_headline(&line, view->report, sum, rank, true);
	text_line_end(&line);
	write_facts(&line, view->report, sum);
	write_what_is_one(finding, context);
	write_evidence(view, sum, true, context);
	write_curve(&line, view->report, sum);
	stack_text_write(context->stream, &context->options->style, sum, STACK_INDENT,
			 context->options->has_full_stacks);
	/* Folded, unless everything was asked for. */
	if (context->options->site_limit == 0)
		write_members(finding, context);
	return ferror(context->stream) ? -EIO : 0;
}

/* The one thing that is most worth doing now. */
static void write_hint(const struct report_view *view, const struct text_report *context)
{
	const struct profile *profile = view->report->profile;
	const char *source = context->options->source ? context->options->source : "FILE";
	char hint[1024], word[SHELL_WORD_BYTES], command[SHELL_WORD_BYTES + 32];
	bool is_one;

	switch (view->conclusion) {
	case CONCLUSION_LEAKS:
		is_one = profile->snapshot_count <= 1;
		snprintf(command, sizeof(command), "seep %s %s",
			 is_one ? "report --full-stacks" : "diff",
			 shell_word(profile->path ? profile->path : source, word));
		fputc('\n', context->stream);
		text_command(context->stream, &context->options->style, INK_PLAIN, "Next: ", 6,
			     is_one ? "see the whole stacks:"
				    : "see what grew from first to last snapshot:",
			     command);
		return;
	case CONCLUSION_GROWING:
	case CONCLUSION_NO_SNAPSHOT:
		if (profile->is_running)
			snprintf(hint, sizeof(hint),
				 "let it run on and report again, or take a snapshot now: "
				 "seep snapshot %" PRIu32,
				 profile->pid);
		else
			snprintf(hint, sizeof(hint),
				 "watch it for longer, or more often: seep run --interval=1s …");
		break;
	case CONCLUSION_TOO_SHORT:
		if (profile->is_running)
			snprintf(hint, sizeof(hint), "report again later: seep report %" PRIu32,
				 profile->pid);
		else
			snprintf(hint, sizeof(hint),
				 "for a verdict let it work for longer, or look more often: "
				 "seep run --interval=20ms …");
		break;
	default:
		return;
	}
	fputc('\n', context->stream);
	text_paragraph(context->stream, &context->options->style, INK_PLAIN, "Next: ", 6, hint);
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
		 number_count(count).text, plural(count), count == 1 ? "s" : "");
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

	if (view->rest.count) {
		char text[1024], flagged[96] = "";
		char word[SHELL_WORD_BYTES], command[SHELL_WORD_BYTES + 32];
		if (view->rest.flagged_count)
			snprintf(flagged, sizeof(flagged), " (%s flagged)",
				 number_count(view->rest.flagged_count).text);
		snprintf(text, sizeof(text), "%s more site%s%s with %s in %s block%s:",
			 number_count(view->rest.count).text, plural(view->rest.count), flagged,
			 number_bytes(view->rest.bytes).text, number_count(view->rest.blocks).text,
			 plural(view->rest.blocks));
		snprintf(command, sizeof(command), "seep report --top=0 %s",
			 shell_word(source, word));
		fputc('\n', context->stream);
		text_command(context->stream, &options->style, INK_DIM, "", 0, text, command);
	}
	write_minor(view->report, context);
	self_check_text_write(context->stream, &options->style, view->report);
	for (size_t i = 0; options->notes && options->notes[i]; i++) {
		if (i == 0)
			fputc('\n', context->stream);
		text_paragraph(context->stream, &options->style, INK_DIM, "Note: ", 6,
			       options->notes[i]);
	}
	write_hint(view, context);
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
