/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suppression_text: what was found and is known, for a person.
 *
 * What is left out is said, so that nobody takes a suppressed leak for none; and a file of
 * suppressions shall become shorter when leaks are mended.
 */
#include "tools/output/suppression_text.h"

#include <inttypes.h>
#include <string.h>

#include "tools/model/report.h"
#include "tools/output/number_text.h"
#include "tools/output/text_line.h"
#include "tools/output/utf8.h"

#define SHOWN_MAX 10
#define INDENT 4

struct known {
	const struct suppression *suppression;
	size_t sites;
	uint64_t bytes, blocks;
};

static void add(struct known *known, const struct report_site *site)
{
	const struct suppressed_amount amount = suppressed_amount(site);

	known->suppression = site->suppression;
	known->sites++;
	known->bytes += amount.bytes;
	known->blocks += amount.blocks;
}

/* Of many suppressions those that come first in the report. */
static size_t gather(const struct report *report, struct known *known, struct known *all)
{
	size_t count = 0;

	for (size_t i = 0; i < report->site_count; i++) {
		const struct report_site *site = &report->sites[i];
		size_t k = 0;
		if (!report_site_is_known(site))
			continue;
		add(all, site);
		while (k < count && known[k].suppression != site->suppression)
			k++;
		if (k == SHOWN_MAX)
			continue;
		count += k == count;
		add(&known[k], site);
	}
	return count;
}

void suppression_text_write_known(FILE *stream, const struct text_style *style,
				  const struct report *report)
{
	struct known known[SHOWN_MAX] = {0}, all = {0};
	size_t count = gather(report, known, &all);
	struct text_line line;

	if (!count)
		return;
	fputc('\n', stream);
	text_line_begin(&line, stream, style);
	text_line_print(&line, INK_TITLE, "%s leak%s %s known and not flagged",
			number_count(all.sites).text, number_plural(all.sites),
			all.sites == 1 ? "is" : "are");
	text_line_print(&line, INK_PLAIN, ": %s in %s block%s", number_bytes(all.bytes).text,
			number_count(all.blocks).text, number_plural(all.blocks));
	text_line_end(&line);
	for (size_t i = 0; i < count; i++) {
		const struct suppression *suppression = known[i].suppression;
		char text[1024], number[16] = "";
		if (!suppression->is_builtin)
			snprintf(number, sizeof(number), ":%u", suppression->line);
		snprintf(text, sizeof(text), "%s%s: %s: %s in %s block%s%s%s", suppression->path,
			 number, suppression->name, number_bytes(known[i].bytes).text,
			 number_count(known[i].blocks).text, number_plural(known[i].blocks),
			 suppression->reason ? "; " : "",
			 suppression->reason ? suppression->reason : "");
		text_paragraph(stream, style, INK_DIM, "", INDENT, text);
	}
}

const char *suppression_state(const struct suppression *suppression, int64_t now_unix_s)
{
	if (suppression_has_expired(suppression, now_unix_s))
		return "expired";
	if (suppression->is_exceeded)
		return "exceeded";
	if (suppression->site_count)
		return "used";
	if (suppression->site_id && !suppression->has_run)
		return "not_run";
	return suppression->has_failed ? "not_reached" : "unused";
}

bool suppression_remark(const struct suppression *suppression, int64_t now_unix_s,
			char remark[SUPPRESSION_REMARK_BYTES])
{
	const char *state = suppression_state(suppression, now_unix_s);
	int used;

	/* What a program brings along, or seep itself, cannot be mended by who runs it. */
	if (strcmp(state, "used") == 0 || strcmp(state, "not_run") == 0 ||
	    strcmp(state, "not_reached") == 0 || suppression->exe || suppression->is_builtin)
		return false;
	used = snprintf(remark, SUPPRESSION_REMARK_BYTES, "%s'%.700s' ",
			suppression->site_id ? "" : "the suppression ", suppression->name);
	char *rest = remark + used;
	size_t room = SUPPRESSION_REMARK_BYTES - (size_t)used;
	if (strcmp(state, "expired") == 0)
		snprintf(rest, room, "has expired on %s", suppression->expires);
	else if (strcmp(state, "exceeded") == 0 && suppression->site_id)
		snprintf(rest, room, "has become worse");
	else if (strcmp(state, "exceeded") == 0)
		snprintf(rest, room, "does not hold: it matches %s in %s block%s",
			 number_bytes(suppression->bytes).text,
			 number_count(suppression->blocks).text,
			 number_plural(suppression->blocks));
	else
		snprintf(rest, room, "%s",
			 suppression->site_id ? "does not occur any more" : "has matched nothing");
	return true;
}

void suppression_text_write_remarks(FILE *stream, const struct suppressions *suppressions,
				    int64_t now_unix_s)
{
	char remark[SUPPRESSION_REMARK_BYTES];
	size_t unused = 0;

	for (size_t i = 0; i < suppressions->count; i++) {
		const struct suppression *suppression = &suppressions->list[i];
		if (!suppression_remark(suppression, now_unix_s, remark))
			continue;
		/* Files of others, such as Valgrind's own, have many that no single program needs. */
		if (!suppression->site_count && !suppression_has_expired(suppression, now_unix_s) &&
		    ++unused > SUPPRESSION_REMARKS)
			continue;
		/* A line of a command, and not cut like a report's; the file may be somebody else's. */
		fputs("seep: ", stream);
		utf8_write_harmless(stream, suppression->path);
		fprintf(stream, ":%u: ", suppression->line);
		utf8_write_harmless(stream, remark);
		fputc('\n', stream);
	}
	if (unused > SUPPRESSION_REMARKS)
		fprintf(stream,
			"seep: and %s more that nothing has matched; --format=json lists all\n",
			number_count(unused - SUPPRESSION_REMARKS).text);
}
