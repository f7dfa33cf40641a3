/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence_text: why a site got its verdict, in a few plain sentences.
 *
 * Each figure is one that the verdict rests on; none is added to impress. What is rounded is rounded
 * so that nothing is claimed that is not so: 99.97 % of the blocks are not all of them.
 */
#include "tools/output/evidence_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/output/freer_text.h"
#include "tools/output/lost_text.h"
#include "tools/output/number_text.h"

/* A pace that changed by less than this says "as fast as ever": e to the 0.2 is 1.22. */
#define STEADY_DECLINE 0.2
/* Twice as fast as in the beginning, and that is no chance: work comes and goes, and people look for
 * the cause of what becomes ever faster. */
#define FASTER_DECLINE 0.7
#define SURELY 2

static void add_line(struct evidence_text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_line(struct evidence_text *text, const char *format, ...)
{
	va_list arguments;

	if (text->count == EVIDENCE_LINES_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(text->lines[text->count++], EVIDENCE_LINE_BYTES, format, arguments);
	va_end(arguments);
}

static uint64_t whole(double value)
{
	return value > 0 ? (uint64_t)llround(fmin(value, 9e18)) : 0;
}

/* "every one of 31 periods", "27 of 31 periods" */
static void name_periods(const struct verdict_evidence *evidence, char *text, size_t size)
{
	if (evidence->periods_that_kept >= evidence->periods && evidence->periods > 1)
		snprintf(text, size, "every one of %s periods",
			 number_count(evidence->periods).text);
	else
		snprintf(text, size, "%s of %s period%s",
			 number_count(evidence->periods_that_kept).text,
			 number_count(evidence->periods).text, number_plural(evidence->periods));
}

static void add_kept(struct evidence_text *text, const struct verdict_evidence *evidence)
{
	char periods[160], blocks[160];
	uint64_t low = whole(fmax(1, evidence->kept_low));
	uint64_t high = whole(fmax(1, evidence->kept_high));

	name_periods(evidence, periods, sizeof(periods));
	if (low == high)
		snprintf(blocks, sizeof(blocks), "%s block%s", number_count(low).text,
			 number_plural(low));
	else
		snprintf(blocks, sizeof(blocks), "%s to %s blocks", number_count(low).text,
			 number_count(high).text);
	add_line(text, "%s left %s that nothing freed", periods, blocks);
}

/* "by session_close server.c:120", "97 % of those by session_close server.c:120"; of two functions
 * both. Empty where nobody can be named. */
static void name_freers(const struct report_site *site, char *text, size_t size)
{
	struct freer_text freers[FREER_TEXT_MAX];
	size_t count = site->judgement.is_flagged ? freer_text_of(site, freers) : 0;

	*text = 0;
	if (count == 2)
		snprintf(text, size, ", %.0f %% of those by %s and %.0f %% by %s",
			 floor(100 * freers[0].share), freers[0].text, floor(100 * freers[1].share),
			 freers[1].text);
	else if (count && freers[0].share > 1 - 1e-9) /* up to what was rounded */
		snprintf(text, size, " by %s", freers[0].text);
	else if (count)
		snprintf(text, size, ", %.0f %% of those by %s", floor(100 * freers[0].share),
			 freers[0].text);
}

/* In a run that samples it is only known of samples. */
static bool is_never_freed(const struct report_site *site)
{
	bool is_exact = !site->profile || !site->profile->sample_bytes;
	return site->judgement.is_flagged && !site->frees && is_exact;
}

static void add_never_freed(struct evidence_text *text, bool is_group)
{
	add_line(text, "nothing has ever freed a block of %s",
		 is_group ? "these sites" : "this site");
}

static void add_share_freed(struct evidence_text *text, const struct report_site *site,
			    double share, const char *within)
{
	char by[2 * FREER_TEXT_BYTES + 64];

	name_freers(site, by, sizeof(by));
	if (share < 0.001) {
		add_line(text, "less than 0.1 %% of its blocks are freed%s%s", by, within);
		return;
	}
	/* Rounded down: all is not claimed. */
	add_line(text, "%.1f %% of its blocks are freed%s%s", floor(share * 1000) / 10, by, within);
}

/* What the periods say of it. */
static void add_freed(struct evidence_text *text, const struct report_site *site, bool is_group)
{
	const struct verdict_evidence *evidence = &site->judgement.evidence;
	char within[96] = "";

	if (is_never_freed(site)) {
		add_never_freed(text, is_group);
		return;
	}
	if (!(evidence->births >= 1))
		return;
	if (whole(evidence->freed) == 0) {
		add_line(text, "none of the %s blocks allocated in these periods was freed",
			 number_count(whole(evidence->births)).text);
		return;
	}
	if (!isnan(evidence->freed_within_s))
		snprintf(within, sizeof(within), ", nearly all of those within %s",
			 number_duration(evidence->freed_within_s).text);
	add_share_freed(text, site, evidence->freed / evidence->births, within);
}

/* The same where only the marks have shown that it leaks: of the whole run. */
static void add_freed_ever(struct evidence_text *text, const struct report_site *site)
{
	if (is_never_freed(site))
		add_never_freed(text, false);
	else if (site->allocations && site->frees)
		add_share_freed(text, site, (double)site->frees / (double)site->allocations, "");
}

/* What the marks say, if they say anything. */
static void add_marks(struct evidence_text *text, const struct mark_evidence *marks)
{
	char times[160], more[160];
	uint64_t low = whole(fmax(1, marks->low)), high = whole(fmax(1, marks->high));

	if (marks->word == MARKS_SAY_LEVEL) {
		add_line(text,
			 "it is level from one \"%s\" to the next: what it gained in between was "
			 "given back",
			 marks->label);
		return;
	}
	if (marks->word != MARKS_SAY_GROWS && marks->word != MARKS_SAY_RISES)
		return;
	if (marks->grew == marks->steps)
		snprintf(times, sizeof(times), "each of the last %s times",
			 number_count(marks->steps).text);
	else
		snprintf(times, sizeof(times), "%s of the last %s times",
			 number_count(marks->grew).text, number_count(marks->steps).text);
	if (marks->is_of_length)
		snprintf(more, sizeof(more), "its blocks were %s%s%s longer",
			 number_bytes(low).text, low == high ? "" : " to ",
			 low == high ? "" : number_bytes(high).text);
	else
		snprintf(more, sizeof(more), "%s%s%s more block%s live", number_count(low).text,
			 low == high ? "" : " to ", low == high ? "" : number_count(high).text,
			 high == 1 ? " was" : "s were");
	add_line(text, "%s the program was \"%s\", %s than the time before", times, marks->label,
		 more);
}

static void add_pace(struct evidence_text *text, const struct judgement *judgement)
{
	const struct verdict_evidence *evidence = &judgement->evidence;
	double left = exp(-evidence->decline);
	bool is_faster =
		evidence->decline < -fmax(FASTER_DECLINE, SURELY * evidence->decline_error);

	/* What its marks alone have made a leak may be unknown. */
	if (!isfinite(evidence->decline) ||
	    !(evidence->decline_error <= verdict_limits.decline_error))
		return;
	if (evidence->decline > fmax(STEADY_DECLINE, evidence->decline_error)) {
		add_line(text,
			 judgement->is_flagged
				 ? "it goes on, though slower: at %.0f %% of its first pace"
				 : "it has slowed down to %.0f %% of its first pace",
			 100 * left);
		return;
	}
	/* Nobody shall read that what is no leak goes on for ever. */
	if (!judgement->is_flagged) {
		add_line(text, "it was faster in the beginning of the run");
		return;
	}
	switch (evidence->clock) {
	case CLOCK_WORK:
		add_line(text, "it goes on in step with what else the process allocates");
		break;
	case CLOCK_OWN:
		add_line(text, "it goes on: always the same part of what it allocates is kept");
		break;
	case CLOCK_TIME:
	default:
		add_line(text, is_faster ? "it becomes ever faster"
					 : "it goes on as fast as in the beginning");
		break;
	}
}

static const char unknown_pace[] = "whether it goes on for ever or slows down cannot be told yet";
static const char by_chance[] = "among so many sites one may grow like this by chance";

/* What a growing site has not shown yet. */
static const char *missing(const struct judgement *judgement, bool is_group, size_t snapshot_count)
{
	const struct verdict_evidence *evidence = &judgement->evidence;

	if (judgement->is_minor)
		return "it leaks, but it is lost in a crowd of other sites that grow (--all)";
	if (is_group)
		return "none of these sites is a leak that stands out by itself";
	if (snapshot_count < VERDICT_MIN_SNAPSHOTS)
		return "too few snapshots so far for more than a suspicion";
	if (evidence->periods_that_kept < verdict_limits.periods)
		return "too few periods have left something so far";
	if (evidence->is_slowing)
		return "whether it stops some day cannot be told yet";
	if (evidence->is_of_backlog)
		return "whether any of it is kept for ever cannot be told yet";
	if (!(evidence->decline_error <= verdict_limits.decline_error))
		return unknown_pace;
	if (evidence->decline > STEADY_DECLINE)
		return "it may be slowing down";
	return by_chance;
}

/* What a scan has found comes first: who has lost blocks asks no further. */
static void add_lost(struct evidence_text *text, const struct report_site *site)
{
	struct lost_text lost = lost_text_of(site);

	for (size_t i = 0; i < lost.count; i++)
		add_line(text, "%s", lost.lines[i]);
}

struct evidence_text evidence_text_of(const struct report_site *site, bool is_group,
				      size_t snapshot_count)
{
	const struct judgement *judgement = &site->judgement;
	const struct verdict_evidence *evidence = &judgement->evidence;
	struct evidence_text text = {.count = 0};
	char periods[160];

	add_lost(&text, site);

	switch (judgement->verdict) {
	case VERDICT_LOST:
		/* Of one that did not grow nothing more is to be said. */
		if (!(judgement->growth.bytes_per_hour > 0))
			return text;
		break;
	case VERDICT_LEAK:
	case VERDICT_GROWING:
	case VERDICT_SATURATING:
		break;
	default:
		add_marks(&text, &judgement->marks);
		return text;
	}
	add_marks(&text, &judgement->marks);
	if (!evidence->periods) {
		if (judgement->marks.word == MARKS_SAY_NOTHING)
			return text;
		/* Only its marks have shown it. */
		if (!judgement->marks.is_of_length)
			add_freed_ever(&text, site);
		if (judgement->verdict == VERDICT_GROWING)
			add_line(&text, "%s",
				 judgement->marks.word == MARKS_SAY_RISES ? unknown_pace
									  : by_chance);
		return text;
	}
	if (evidence->is_of_length) {
		name_periods(evidence, periods, sizeof(periods));
		add_line(
			&text,
			evidence->is_of_chunks
				? "nothing is freed, and each block is longer than the last: in %s "
				  "there were more"
				: "not more blocks, but longer ones: in %s they grew",
			periods);
	} else if (evidence->is_of_backlog) {
		name_periods(evidence, periods, sizeof(periods));
		add_line(&text, "more and more of its blocks are live: in %s they became more",
			 periods);
	} else {
		add_kept(&text, evidence);
		add_freed(&text, site, is_group);
	}
	if (judgement->verdict != VERDICT_GROWING || evidence->is_slowing)
		add_pace(&text, judgement);
	if (judgement->verdict == VERDICT_GROWING)
		add_line(&text, "%s", missing(judgement, is_group, snapshot_count));
	return text;
}
