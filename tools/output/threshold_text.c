/* SPDX-License-Identifier: Apache-2.0 */
/*
 * threshold_text: the thresholds that a run has crossed, for a person.
 *
 *     2 thresholds crossed:
 *       growth +230 MiB/h, more than +10.0 MiB/h, since 703 ms into the run
 *       site live 1.25 MiB, more than 1.00 MiB, from 14 s on, at session_open server.c:74
 *       logged at 14 s (snapshot 31): site live 1.05 MiB, then 2 more
 */
#include "tools/output/threshold_text.h"

#include <math.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/threshold.h"
#include "tools/output/stack_text.h"
#include "tools/output/text_line.h"

#define INDENT 4
/* A function and its line are not squeezed into less. */
#define OWN_COLUMNS_MIN 30
/* With rules for many sites there may be hundreds. */
#define SHOWN_MAX 20

/* What a person calls it. */
static const char *const titles[] = {
	[THRESHOLD_GROWTH] = "growth",
	[THRESHOLD_LIVE] = "live",
	[THRESHOLD_HEAP_SHARE] = "heap share of RSS",
	[THRESHOLD_SITE_GROWTH] = "site growth",
	[THRESHOLD_SITE_LIVE] = "site live",
};

static struct number_text number_of(enum threshold_kind kind, double value)
{
	struct number_text share;

	switch (kind) {
	case THRESHOLD_GROWTH:
	case THRESHOLD_SITE_GROWTH:
		return number_rate(value);
	case THRESHOLD_HEAP_SHARE:
		snprintf(share.text, sizeof(share.text), "%.3g %%", 100 * value);
		return share;
	default:
		return number_bytes(value < 0x1p63 ? (uint64_t)value : INT64_MAX);
	}
}

struct threshold_sentence threshold_sentence(const struct crossing *crossing)
{
	struct threshold_sentence sentence;

	snprintf(sentence.text, sizeof(sentence.text), "%s %s, more than %s",
		 titles[crossing->kind], number_of(crossing->kind, crossing->value).text,
		 number_of(crossing->kind, crossing->limit).text);
	return sentence;
}

static bool is_growth(enum threshold_kind kind)
{
	return kind == THRESHOLD_GROWTH || kind == THRESHOLD_SITE_GROWTH;
}

static void write_crossing(struct text_line *line, const struct crossing *crossing)
{
	text_line_pad(line, INDENT);
	text_line_put(line, INK_PLAIN, threshold_sentence(crossing).text);
	if (!isnan(crossing->at_s))
		text_line_print(line, INK_PLAIN,
				is_growth(crossing->kind) ? ", since %s" : ", first at %s",
				number_duration(crossing->at_s).text);
	if (crossing->site) {
		text_line_put(line, INK_PLAIN, ", ");
		if (text_line_room(line) < OWN_COLUMNS_MIN) {
			text_line_end(line);
			text_line_pad(line, INDENT + 2);
		}
		text_line_put(line, INK_PLAIN, "by ");
		stack_text_put_own(line, crossing->site);
	}
	text_line_end(line);
}

/* What the program has noted of one kind while it ran. */
static void write_alerts(struct text_line *line, const struct report *report,
			 enum threshold_kind kind)
{
	const struct profile *profile = report->profile;
	const struct alert *first = NULL;
	size_t count = 0;

	for (size_t i = 0; i < profile->alert_count; i++) {
		const struct alert *alert = &profile->alerts[i];
		if (alert->raw.kind != kind + SEEP_ALERT_GROWTH ||
		    !report_covers(report, alert->time_s))
			continue;
		if (count++ == 0)
			first = alert;
	}
	if (!count)
		return;
	double unit = kind == THRESHOLD_HEAP_SHARE ? 1000 : 1;
	text_line_pad(line, INDENT);
	text_line_print(line, INK_DIM, "logged at %s (snapshot %u): %s %s",
			number_duration(first->time_s).text, (unsigned)first->raw.snapshot,
			titles[kind], number_of(kind, (double)first->raw.value / unit).text);
	if (count > 1)
		text_line_print(line, INK_DIM, ", then %s more", number_count(count - 1).text);
	text_line_end(line);
}

void threshold_text_write(FILE *stream, const struct text_style *style, const struct report *report)
{
	size_t count = report->crossing_count, noted = 0;
	struct text_line line;

	for (size_t i = 0; i < report->profile->alert_count; i++)
		noted += report_covers(report, report->profile->alerts[i].time_s);
	if (!count && !noted)
		return;
	text_line_begin(&line, stream, style);
	text_line_end(&line);
	if (count)
		text_line_print(&line, INK_ALARM, "%s threshold%s crossed",
				number_count(count).text, number_plural(count));
	else
		text_line_put(&line, INK_TITLE, "No threshold crossed by the run as a whole");
	text_line_put(&line, INK_TITLE, ":");
	text_line_end(&line);
	for (size_t i = 0; i < count && i < SHOWN_MAX; i++)
		write_crossing(&line, &report->crossings[i]);
	if (count > SHOWN_MAX) {
		text_line_pad(&line, INDENT);
		text_line_print(&line, INK_DIM, "and %s more",
				number_count(count - SHOWN_MAX).text);
		text_line_end(&line);
	}
	for (size_t kind = 0; kind < THRESHOLD_KINDS; kind++)
		write_alerts(&line, report, (enum threshold_kind)kind);
}
