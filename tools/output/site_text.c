/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_text: one site of a report for a person.
 *
 * The sites that somebody should look at get their numbers, a curve and a stack. Sites that have
 * settled get two lines: ten of them with whole stacks would push the leak off the screen.
 */
#include "tools/output/site_text.h"

#include <math.h>
#include <string.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/output/evidence_text.h"
#include "tools/output/holder_text.h"
#include "tools/output/number_text.h"
#include "tools/output/sparkline.h"
#include "tools/output/stack_text.h"
#include "tools/output/text_header.h"
#include "tools/output/text_line.h"
#include "tools/output/text_report.h"
#include "tools/output/verdict_text.h"

#define CURVE_COLUMNS 32
#define SMALL_CURVE_COLUMNS 16
/* Narrower than this, curves are short and sentences get a second line. */
#define COMFORTABLE_WIDTH 72
/* Nobody plans further ahead than three months, and few processes run for as long. */
#define LIMIT_IN_SIGHT_S (90 * 86400.0)
/* Nor does a run tell of a future so many times as long as itself. */
#define LIMIT_IN_SIGHT_SPANS 5000.0
/* Growth that begins in this part of the run begins with it. */
#define FROM_THE_START 0.05
/* When the run was too short to judge, so many of the largest sites are shown with their stacks. */
#define UNFREED_IN_FULL 5

bool site_text_has_growth(const struct report_site *site)
{
	switch (site->judgement.verdict) {
	case VERDICT_LEAK:
	case VERDICT_GROWING:
	case VERDICT_SATURATING:
		return !isnan(site->judgement.growth.bytes_per_hour);
	case VERDICT_LOST:
		return site->judgement.growth.bytes_per_hour > 0;
	default:
		return false;
	}
}

bool site_text_has_rate(const struct report_site *site)
{
	return site_text_has_growth(site) && site->judgement.growth.bytes_per_hour >= 0.5;
}

bool site_text_is_in_full(const struct report_site *site, size_t rank,
			  const struct text_report_options *options)
{
	return options->has_full_stacks || site->judgement.is_flagged ||
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
			number_count(site->peak_blocks).text, number_plural(site->peak_blocks));
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
	if (site->suppression)
		text_line_put(line, INK_PLAIN, ", known");
	if (report_site_is_given_back(site)) {
		put_peak(line, report, site);
	} else {
		text_line_print(line, INK_TITLE, "  %s", number_bytes(site->live_bytes).text);
		text_line_print(line, INK_PLAIN, " in %s block%s",
				number_count(site->live_blocks).text,
				number_plural(site->live_blocks));
	}
	if (site->sampled && !report_site_is_given_back(site)) {
		struct number_text error =
			number_error(report_error_95(site->sampled->bytes_error, site->live_bytes));
		text_line_print(line, INK_DIM, "%s%s", *error.text ? " " : "", error.text);
	}
	/* Its rate over the run is not that of now, which a single line cannot explain. */
	bool says_nothing = site->judgement.verdict == VERDICT_SATURATING && !has_interval;
	if (!site_text_has_rate(site) || says_nothing)
		return;
	text_line_make_room(line,
			    2 + (int)strlen(number_rate(growth->bytes_per_hour).text) +
				    (has_interval ? (int)strlen(" (3.91 to 4.49)") : 0),
			    SITE_TEXT_INDENT);
	text_line_print(line, INK_TITLE, "%s%s", line->columns > SITE_TEXT_INDENT ? "  " : "",
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

void site_text_write_curve(const struct site_text *text, const struct report_site *site)
{
	const struct report *report = text->report;
	const struct text_style *style = &text->options->style;
	size_t last = report->point_count - 1;
	struct text_line line;

	text_line_begin(&line, text->stream, style);
	text_line_pad(&line, SITE_TEXT_INDENT);
	bool tells_nothing =
		site->judgement.verdict == VERDICT_UNFREED ||
		(site->judgement.verdict == VERDICT_LOST && !site_text_has_growth(site));
	if (tells_nothing)
		return;
	if (!put_curve(&line, report, site,
		       style->width < COMFORTABLE_WIDTH ? SMALL_CURVE_COLUMNS / 2 : CURVE_COLUMNS))
		return;
	text_line_print(&line, INK_PLAIN, "  %s → %s", number_bytes(site->series_bytes[0]).text,
			number_bytes(site->series_bytes[last]).text);
	text_line_print(&line, INK_DIM, "  %s to %s", number_duration(report->series_t_s[0]).text,
			number_duration(report->series_t_s[last]).text);
	text_line_end(&line);
}

/* Facts of one line, as many as fit: the first ones are the more important ones. */
static void put_fact(struct text_line *line, enum ink ink, const char *fact)
{
	bool is_first = line->columns <= SITE_TEXT_INDENT;

	if (text_columns(line->style, fact) + (is_first ? 0 : 2) > text_line_room(line))
		return;
	text_line_put(line, INK_PLAIN, is_first ? "" : ", ");
	text_line_put(line, ink, fact);
}

/* "since 3.2 s after the start", for long runs with the time of day to compare with other logs. */
static void put_since(struct text_line *line, const struct report *report,
		      const struct report_site *site)
{
	const struct profile *profile = site->profile;
	double since_s = site->judgement.growth.since_s;
	char fact[128], clock[32];

	if (isnan(since_s) || since_s < 0)
		return;
	/* People look in their logs for what happened then. */
	if (report->point_count &&
	    since_s <= report->series_t_s[0] + FROM_THE_START * report->span_s)
		snprintf(fact, sizeof(fact), "since the start of the run");
	else if (profile && profile->started_unix_ns && since_s >= 60 && since_s < 3e9)
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

	text_line_pad(line, SITE_TEXT_INDENT);
	if (judgement->is_flagged || judgement->verdict == VERDICT_GROWING) {
		if (site_text_has_growth(site))
			put_since(line, report, site);
		snprintf(fact, sizeof(fact), "%s sure",
			 number_confidence(judgement->confidence).text);
		put_fact(line, INK_PLAIN, fact);
	}
	if (judgement->verdict == VERDICT_GROWING && judgement->snapshots_needed) {
		snprintf(fact, sizeof(fact), "%u more snapshot%s would decide",
			 judgement->snapshots_needed, number_plural(judgement->snapshots_needed));
		put_fact(line, INK_WATCH, fact);
	}
	if (judgement->growth.time_to_limit_s > 0 &&
	    judgement->growth.time_to_limit_s <=
		    fmin(LIMIT_IN_SIGHT_S, LIMIT_IN_SIGHT_SPANS * report->span_s)) {
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
			 number_count(site->sampled->samples).text,
			 number_plural(site->sampled->samples));
		put_fact(line, INK_DIM, fact);
	}
	snprintf(fact, sizeof(fact), "%s allocated, %s freed", number_count(site->allocations).text,
		 number_count(site->frees).text);
	put_fact(line, INK_DIM, fact);
	text_line_end(line);
}

void site_text_write_numbers(const struct site_text *text, const struct report_site *site,
			     size_t rank)
{
	struct text_line line;

	text_line_begin(&line, text->stream, &text->options->style);
	put_headline(&line, text->report, site, rank, true);
	text_line_end(&line);
	write_facts(&line, text->report, site);
}

/* Why, in plain words. */
void site_text_write_reasons(const struct site_text *text, const struct report_site *site,
			     bool is_group)
{
	struct evidence_text evidence =
		evidence_text_of(site, is_group, text->report->snapshot_count);

	for (size_t i = 0; i < evidence.count; i++)
		text_paragraph(text->stream, &text->options->style, INK_PLAIN, "", SITE_TEXT_INDENT,
			       evidence.lines[i]);
	if (site->judgement.is_flagged || site->judgement.verdict == VERDICT_GROWING ||
	    text->options->has_full_stacks)
		holder_text_write(text->stream, &text->options->style, text->report, site,
				  SITE_TEXT_INDENT, text->options->has_full_stacks);
}

void site_text_write_in_full(const struct site_text *text, const struct report_site *site,
			     size_t rank)
{
	site_text_write_numbers(text, site, rank);
	site_text_write_reasons(text, site, false);
	site_text_write_curve(text, site);
	stack_text_write(text->stream, &text->options->style, site, SITE_TEXT_STACK_INDENT,
			 text->options->has_full_stacks);
}

void site_text_write_in_short(const struct site_text *text, const struct report_site *site,
			      size_t rank)
{
	struct text_line line;

	text_line_begin(&line, text->stream, &text->options->style);
	put_headline(&line, text->report, site, rank, false);
	if (site->judgement.verdict != VERDICT_UNFREED &&
	    text_line_room(&line) > SMALL_CURVE_COLUMNS + 2) {
		text_line_put(&line, INK_PLAIN, "  ");
		put_curve(&line, text->report, site, SMALL_CURVE_COLUMNS);
	}
	text_line_put_right(&line, INK_DIM, verdict_meaning(site->judgement.verdict));
	text_line_end(&line);
	text_line_pad(&line, SITE_TEXT_INDENT);
	stack_text_put_chain(&line, site);
	text_line_end(&line);
	/* What would stand above otherwise. */
	if (site->judgement.marks.word == MARKS_SAY_LEVEL)
		site_text_write_reasons(text, site, false);
}
