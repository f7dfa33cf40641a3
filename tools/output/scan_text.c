/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_text: what a scan has found, in the few lines that `seep scan` prints.
 */
#include "tools/output/scan_text.h"

#include <inttypes.h>

#include "tools/model/profile.h"
#include "tools/model/reachability.h"
#include "tools/model/report.h"
#include "tools/output/lost_text.h"
#include "tools/output/number_text.h"
#include "tools/output/shell_word.h"
#include "tools/output/stack_text.h"
#include "tools/output/text_line.h"

#define SITE_INDENT 4
#define STACK_INDENT 6

size_t scan_text_choose(struct report *report, struct report_site **sites, size_t limit)
{
	size_t count = 0, all = 0;

	for (size_t i = 0; i < report->site_count; i++) {
		struct report_site *site = &report->sites[i];
		if (!site->judgement.is_flagged || !site->scanned ||
		    !site->scanned->definitely.blocks)
			continue;
		all++;
		/* Few are kept: each finds its place among them. */
		size_t place = count;
		while (place && reachability_gone(sites[place - 1]->scanned) <
					reachability_gone(site->scanned))
			place--;
		if (place == limit)
			continue;
		count += count < limit;
		for (size_t j = count - 1; j > place; j--)
			sites[j] = sites[j - 1];
		sites[place] = site;
	}
	return all;
}

static void write_site(FILE *stream, const struct text_style *style, const struct report_site *site)
{
	const struct scanned_site *scanned = site->scanned;
	struct text_line line;

	text_line_begin(&line, stream, style);
	text_line_pad(&line, SITE_INDENT);
	text_line_put(&line, INK_ALARM, number_bytes(scanned->definitely.bytes).text);
	text_line_print(&line, INK_PLAIN, " in %s block%s",
			number_count(scanned->definitely.blocks).text,
			number_plural(scanned->definitely.blocks));
	if (scanned->below.blocks)
		text_line_print(&line, INK_PLAIN, ", with %s in %s block%s that only %s",
				number_bytes(scanned->below.bytes).text,
				number_count(scanned->below.blocks).text,
				number_plural(scanned->below.blocks),
				scanned->definitely.blocks == 1 ? "it holds" : "they hold");
	text_line_end(&line);
	text_line_pad(&line, STACK_INDENT);
	stack_text_put_chain(&line, site);
	text_line_end(&line);
}

void scan_text_write(FILE *stream, const struct text_style *style, const struct report *report,
		     struct report_site *const *sites, size_t count, size_t all, const char *source)
{
	const struct profile *profile = report->profile;
	const struct scan *scan = report->scan;
	const struct seep_snapshot *totals = &profile->snapshots[report->last_snapshot].raw;
	char text[1280], word[SHELL_WORD_BYTES], command[SHELL_WORD_BYTES + 32];

	snprintf(text, sizeof(text), "%s (%" PRIu32 "): %s", profile->name, profile->pid,
		 lost_text_sentence(scan, totals->lost_blocks).text);
	text_paragraph(stream, style,
		       scan->raw.outcome != SEEP_SCAN_DONE ? INK_WATCH
		       : scan->raw.definitely_blocks	   ? INK_ALARM
							   : INK_CALM,
		       "scan of ", STACK_INDENT, text);
	for (size_t i = 0; i < count; i++)
		write_site(stream, style, sites[i]);
	if (all > count)
		snprintf(text, sizeof(text),
			 "%s more site%s; more:", number_count(all - count).text,
			 number_plural(all - count));
	else
		snprintf(text, sizeof(text), "more:");
	snprintf(command, sizeof(command), "seep report %s", shell_word(source, word));
	text_command(stream, style, INK_DIM, "", 0, text, command);
}
