/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding_brief: the words are those of the text report, so that all formats say the same.
 */
#include "tools/output/finding_brief.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/reachability.h"
#include "tools/model/threshold.h"
#include "tools/output/finding_text.h"
#include "tools/output/frame_text.h"
#include "tools/output/number_text.h"
#include "tools/output/site_text.h"
#include "tools/output/stack_shape.h"
#include "tools/output/text_report.h"
#include "tools/output/threshold_text.h"

#define TEXT_WIDTH 100

const struct finding_rule finding_rules[] = {
	{"leak",
	 "Memory of this allocation site accumulates: its old blocks keep growing in number or "
	 "length, and are not given back."},
	{"lost", "Nothing points to these blocks any more, so nobody can free them."},
	{"threshold",
	 "A limit that was set for the memory of the process or of a site was exceeded."},
};
const size_t finding_rule_count = sizeof(finding_rules) / sizeof(finding_rules[0]);

/* "session_open server.c:88", as much as is known. */
static void name_place(const struct report_site *site, char *text, size_t size)
{
	const struct frame *own = site->frames ? stack_own_frame(site) : NULL;
	char name[FRAME_NAME_BYTES], place[FRAME_PLACE_BYTES];

	if (!own) {
		snprintf(text, size, "an unknown place");
		return;
	}
	const char *where = frame_place(site, own, place);
	snprintf(text, size, "%s%s%s", frame_name(own, name), *where ? " " : "", where);
}

static void locate(struct finding_brief *brief, const struct report_site *site)
{
	const struct frame *own = site->frames ? stack_own_frame(site) : NULL;

	brief->site = site;
	brief->id = site->id;
	if (!own)
		return;
	brief->function = own->function;
	brief->file = own->file;
	brief->line = own->line;
}

/* Without what changes from run to run, and with each change of the source. */
static void name_finding(struct finding_brief *brief)
{
	char module[FRAME_NAME_BYTES], what[64];
	const struct frame *own =
		brief->site && brief->site->frames ? stack_own_frame(brief->site) : NULL;

	snprintf(what, sizeof(what), "%s%s%s", brief->rule, brief->limit ? " " : "",
		 brief->limit ? brief->limit : "");
	if (!own)
		snprintf(brief->name, sizeof(brief->name), "%s", what);
	else if (own->file)
		snprintf(brief->name, sizeof(brief->name), "%s at %s (%s)", what,
			 frame_name(own, module), path_base(own->file));
	else
		snprintf(brief->name, sizeof(brief->name), "%s at %s", what,
			 frame_name(own, module));
}

/* A group of sites has no id of its own: that of its first site stands for it. */
static void identify_group(struct finding_brief *brief, const struct report_finding *finding)
{
	if (!*brief->id && finding->site_count)
		brief->id = finding->sites[0]->id;
}

static char *text_of_entry(const struct report *report, const struct report_entry *entry)
{
	const struct text_report_options options = {.style = {.is_utf8 = true, .width = TEXT_WIDTH},
						    .has_findings_only = true};
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	if (!stream)
		return NULL;
	const struct site_text out = {.stream = stream, .options = &options, .report = report};
	if (entry->finding)
		finding_text_write(&out, entry->finding, 1);
	else
		site_text_write_in_full(&out, entry->site, 1);
	if (fclose(stream) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Of what is lost so much as is lost, with what hangs on it: the site may keep a lot besides. */
static void title_amount(struct finding_brief *brief, const struct report_site *site,
			 const char *place)
{
	const struct scanned_site *scanned = site->scanned;
	uint64_t bytes = site->live_bytes, blocks = site->live_blocks;

	if (site->judgement.verdict == VERDICT_LOST && scanned) {
		bytes = reachability_gone(scanned);
		blocks = reachability_gone_blocks(scanned);
	}
	snprintf(brief->title, sizeof(brief->title), "%s: %s in %s block%s at %s", brief->rule,
		 number_bytes(bytes).text, number_count(blocks).text, number_plural(blocks), place);
}

static int visit_entry(const struct report *report, const struct report_entry *entry, size_t number,
		       finding_visitor *visit, void *context)
{
	const struct report_site *site = report_entry_site(entry);
	const struct judgement *judgement = &site->judgement;
	struct finding_brief brief = {
		.rule = judgement->verdict == VERDICT_LOST ? "lost" : "leak",
		.id = "",
		.severity = judgement->severity,
		.text = text_of_entry(report, entry),
	};
	char place[FINDING_TITLE_BYTES / 2];

	if (!brief.text)
		return -ENOMEM;
	locate(&brief, site);
	if (entry->finding)
		identify_group(&brief, entry->finding);
	name_finding(&brief);
	name_place(site, place, sizeof(place));
	if (judgement->verdict != VERDICT_LOST && judgement->growth.bytes_per_hour > 0)
		snprintf(brief.title, sizeof(brief.title), "%s: %s at %s", brief.rule,
			 number_rate(judgement->growth.bytes_per_hour).text, place);
	else
		title_amount(&brief, site, place);
	int result = visit(&brief, number, context);
	free(brief.text);
	return result;
}

static int visit_crossing(const struct crossing *crossing, size_t number, finding_visitor *visit,
			  void *context)
{
	struct finding_brief brief = {
		.rule = "threshold",
		.id = "",
		.limit = threshold_name(crossing->kind),
		.severity = SEVERITY_HIGH,
		.text = (char *)"",
	};
	char place[FINDING_TITLE_BYTES / 2];
	struct threshold_sentence sentence = threshold_sentence(crossing);

	if (crossing->site) {
		locate(&brief, crossing->site);
		name_place(crossing->site, place, sizeof(place));
		snprintf(brief.title, sizeof(brief.title), "threshold: %s, by %s", sentence.text,
			 place);
	} else {
		snprintf(brief.title, sizeof(brief.title), "threshold: %s", sentence.text);
	}
	name_finding(&brief);
	return visit(&brief, number, context);
}

int finding_brief_walk(const struct report *report, finding_visitor *visit, void *context)
{
	size_t number = 0;
	int result = 0;

	for (size_t i = 0; i < report->entry_count && result == 0; i++)
		if (report_entry_site(&report->entries[i])->judgement.is_flagged)
			result = visit_entry(report, &report->entries[i], ++number, visit, context);
	for (size_t i = 0; i < report->crossing_count && result == 0; i++)
		result = visit_crossing(&report->crossings[i], ++number, visit, context);
	return result;
}

size_t finding_brief_count(const struct report *report)
{
	return report_leak_count(report) + report->crossing_count;
}

const char *finding_path_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	while (length > 1 && folder[length - 1] == '/')
		length--;
	if (length && strncmp(path, folder, length) == 0 && path[length] == '/')
		return path + length + strspn(path + length, "/");
	/* libc's sources were compiled as "./malloc/malloc.c", which services do not take. */
	while (strncmp(path, "./", 2) == 0)
		path += 2 + strspn(path + 2, "/");
	return path;
}
