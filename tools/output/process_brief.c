/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_brief: what the report of one process comes to, in one line.
 */
#include "tools/output/process_brief.h"

#include <inttypes.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/wrong_free.h"
#include "tools/output/memory_text.h"
#include "tools/output/number_text.h"
#include "tools/output/text_line.h"

/* Of the name with its pid, as most are; what is longer moves its own line only. */
#define NAME_COLUMNS 28
#define SPAN_COLUMNS 8
#define LIVE_COLUMNS 10
#define DEPTH_MAX 10 /* that is shown */

static int take_conclusion(const struct report_view *view, void *context)
{
	struct process_brief *brief = context;

	brief->conclusion = view->conclusion;
	brief->flagged_count = view->finding.leak_count + view->finding.lost_count;
	brief->lost_count = view->finding.lost_count;
	brief->lost_bytes = view->finding.lost_bytes;
	brief->growing_count = view->finding.growing_count;
	brief->bytes_per_hour = view->finding.bytes_per_hour;
	return 0;
}

static int pass_over(const struct report_view *view, const struct report_site *site, size_t rank,
		     void *context)
{
	(void)view, (void)site, (void)rank, (void)context;
	return 0;
}

static int end(const struct report_view *view, void *context)
{
	(void)view, (void)context;
	return 0;
}

int process_brief_make(struct process_brief *brief, const struct report *report)
{
	static const struct report_emitter emitter = {
		.begin = take_conclusion, .site = pass_over, .end = end};
	const struct profile *profile = report->profile;

	*brief = (struct process_brief){
		.pid = profile->pid,
		.is_running = profile->is_running,
		.is_sampled = profile->sample_bytes != 0,
		.span_s = report->span_s,
		.crossing_count = report->crossing_count,
		.wrong_free_count = wrong_frees_count(report),
		.memory = memory_text_word(report),
	};
	snprintf(brief->name, sizeof(brief->name), "%s",
		 profile->name && *profile->name ? profile->name : "?");
	if (profile->snapshot_count)
		brief->live_bytes = profile->snapshots[report->last_snapshot].raw.live_bytes;
	return report_walk(report, 0, &emitter, brief);
}

/* Higher is more urgent. */
static int urgency(const struct process_brief *brief)
{
	return brief->flagged_count			    ? 4
	       : brief->crossing_count || brief->wrong_free_count ? 3
	       : brief->growing_count			    ? 2
	       : brief->memory				    ? 1
							    : 0;
}

int process_brief_compare(const struct process_brief *one, const struct process_brief *other)
{
	if (urgency(one) != urgency(other))
		return urgency(other) - urgency(one);
	if (urgency(one) && one->bytes_per_hour != other->bytes_per_hour)
		return one->bytes_per_hour < other->bytes_per_hour ? 1 : -1;
	if (one->live_bytes != other->live_bytes)
		return one->live_bytes < other->live_bytes ? 1 : -1;
	return (one->pid > other->pid) - (one->pid < other->pid);
}

static void put_findings(struct text_line *line, const struct process_brief *brief)
{
	size_t leaks = brief->flagged_count - brief->lost_count;

	if (leaks)
		text_line_print(line, INK_ALARM, "%zu leak%s", leaks, number_plural(leaks));
	if (leaks && brief->bytes_per_hour > 0)
		text_line_print(line, INK_PLAIN, ", %s", number_rate(brief->bytes_per_hour).text);
	if (brief->lost_count)
		text_line_print(line, INK_ALARM, "%s%s lost", leaks ? ", " : "",
				number_bytes(brief->lost_bytes).text);
}

static void put_conclusion(struct text_line *line, const struct process_brief *brief)
{
	const struct number_text rate = number_rate(brief->bytes_per_hour);

	switch (brief->conclusion) {
	case CONCLUSION_LEAKS:
		put_findings(line, brief);
		break;
	case CONCLUSION_GROWING:
		text_line_print(line, INK_WATCH, "%zu site%s", brief->growing_count,
				brief->growing_count == 1 ? " grows" : "s grow");
		if (brief->bytes_per_hour >= 0.5)
			text_line_print(line, INK_PLAIN, ", %s", rate.text);
		break;
	case CONCLUSION_TOO_SHORT:
		text_line_put(line, INK_NOTE, "too short to judge");
		break;
	case CONCLUSION_ALL_FREED:
		text_line_print(line, INK_CALM, "every %s was freed",
				brief->is_sampled ? "sample" : "block");
		break;
	case CONCLUSION_NO_SNAPSHOT:
		text_line_put(line, INK_WATCH, "no snapshot in the file");
		break;
	case CONCLUSION_UNSEEN:
		text_line_put(line, INK_WATCH, "nothing seen: its malloc is its own");
		break;
	case CONCLUSION_CALM:
	case CONCLUSION_DIFF:
	default:
		if (brief->memory)
			text_line_put(line, INK_WATCH, brief->memory);
		else
			text_line_put(line, INK_CALM, "no site grows");
		break;
	}
	if (brief->is_running)
		text_line_put(line, INK_PLAIN, ", running");
}

void process_brief_write(FILE *stream, const struct text_style *style,
			 const struct process_brief *brief)
{
	struct text_line line;
	char live[96];

	snprintf(live, sizeof(live), "%s%s", brief->is_sampled ? "~" : "",
		 number_bytes(brief->live_bytes).text);
	text_line_begin(&line, stream, style);
	text_line_pad(&line, 2 + 2 * (brief->depth < DEPTH_MAX ? brief->depth : DEPTH_MAX));
	text_line_put(&line, INK_TITLE, brief->name);
	text_line_print(&line, INK_PLAIN, " (%" PRIu32 ")", brief->pid);
	text_line_pad(&line, NAME_COLUMNS);
	text_line_print(&line, INK_PLAIN, "%*s", SPAN_COLUMNS, number_duration(brief->span_s).text);
	text_line_print(&line, INK_PLAIN, "  %*s live  ", LIVE_COLUMNS, live);
	put_conclusion(&line, brief);
	text_line_end(&line);
}
