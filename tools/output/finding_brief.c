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

#include "tools/model/path_base.h"
#include "tools/model/reachability.h"
#include "tools/model/threshold.h"
#include "tools/model/wrong_free.h"
#include "tools/output/finding_text.h"
#include "tools/output/frame_text.h"
#include "tools/output/number_text.h"
#include "tools/output/site_text.h"
#include "tools/output/stack_shape.h"
#include "tools/output/text_report.h"
#include "tools/output/threshold_text.h"
#include "tools/output/wrong_free_stacks.h"

#define TEXT_WIDTH 100

const struct finding_rule_text finding_rules[FINDING_RULES] = {
	[FINDING_RULE_LOST] = {"lost", "lost",
			       "Nothing points to these blocks any more, so nobody can "
			       "free them."},
	[FINDING_RULE_LEAK] = {"leak", "leak",
			       "Memory of this allocation site accumulates: its old blocks "
			       "keep growing in number or length, and are not given back."},
	[FINDING_RULE_GROWTH] = {"growth", "growth",
				 "Memory of this allocation site grows, and the run was "
				 "too short to tell whether it goes on for ever."},
	[FINDING_RULE_BUDGET] = {"threshold", "budget",
				 "A limit that was set for the memory of the process "
				 "or of a site was exceeded."},
	[FINDING_RULE_MISUSE] = {"misuse", "misuse",
				 "Memory is given back with a function that does not belong to "
				 "the one that it was allocated with, or what is given back is no "
				 "block of memory, or no longer one."},
};

/* "session_open server.c:88", as much as is known. */
static size_t name_frame(const struct report_site *site, const struct frame *frame, char *text,
			 size_t size)
{
	char name[FRAME_NAME_BYTES], place[FRAME_PLACE_BYTES];
	const char *where = frame_place(site, frame, place);
	int used =
		snprintf(text, size, "%s%s%s", frame_name(frame, name), *where ? " " : "", where);

	return used < 0 || (size_t)used >= size ? size - 1 : (size_t)used;
}

/* In a library of the system also who has called that. */
static void name_place(const struct report_site *site, char *text, size_t size)
{
	static const char between[] = ", called from ";
	const struct frame *own = site->frames ? stack_own_frame(site) : NULL;
	const struct frame *caller = own ? stack_caller_frame(site) : NULL;
	size_t used;

	if (!own) {
		snprintf(text, size, "an unknown place");
		return;
	}
	used = name_frame(site, own, text, size);
	if (caller && size - used > sizeof(between)) {
		memcpy(text + used, between, sizeof(between));
		used += sizeof(between) - 1;
		name_frame(site, caller, text + used, size - used);
	}
}

/* "transfer bank.c, 8 sites together" */
static void name_companions(const struct report_finding *finding, char *text, size_t size)
{
	size_t used = strlen(text);

	if (finding->kind == FINDING_TOGETHER)
		snprintf(text + used, size - used, ", %s sites together",
			 number_count(finding->all_count).text);
}

static void locate(struct finding_brief *brief, const struct report_site *site)
{
	const struct frame *own = site->frames ? stack_own_frame(site) : NULL;

	brief->site = site;
	brief->id = site->id;
	if (!own)
		return;
	brief->function = own->function;
	/* What somebody can look at. */
	if (!own->file && stack_caller_frame(site))
		own = stack_caller_frame(site);
	brief->file = own->file;
	brief->line = own->line;
}

/* Without what changes from run to run, and with each change of the source. */
static void name_finding(struct finding_brief *brief)
{
	char module[FRAME_NAME_BYTES], what[64];
	const struct frame *own =
		brief->site && brief->site->frames ? stack_own_frame(brief->site) : NULL;

	snprintf(what, sizeof(what), "%s%s%s", finding_rules[brief->rule].name,
		 brief->limit ? " " : "", brief->limit ? brief->limit : "");
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
static void measure(struct finding_brief *brief, const struct report_site *site)
{
	const struct scanned_site *scanned = site->scanned;
	double rate = site->judgement.growth.bytes_per_hour;

	brief->bytes = site->live_bytes;
	brief->blocks = site->live_blocks;
	if (brief->rule != FINDING_RULE_LOST) {
		brief->bytes_per_hour = rate > 0 ? rate : 0;
	} else if (scanned) {
		brief->bytes = reachability_gone(scanned);
		brief->blocks = reachability_gone_blocks(scanned);
	}
}

void finding_title(enum finding_rule rule, uint64_t bytes, uint64_t blocks, double bytes_per_hour,
		   const char *place, char title[FINDING_TITLE_BYTES])
{
	const char *name = finding_rules[rule].name;

	if (rule == FINDING_RULE_BUDGET || rule == FINDING_RULE_MISUSE)
		snprintf(title, FINDING_TITLE_BYTES, "%s: %s", name, place);
	else if (bytes_per_hour > 0)
		snprintf(title, FINDING_TITLE_BYTES, "%s: %s at %s", name,
			 number_rate(bytes_per_hour).text, place);
	else
		snprintf(title, FINDING_TITLE_BYTES, "%s: %s in %s block%s at %s", name,
			 number_bytes(bytes).text, number_count(blocks).text, number_plural(blocks),
			 place);
}

static enum finding_rule rule_of(const struct judgement *judgement)
{
	switch (judgement->verdict) {
	case VERDICT_LOST:
		return FINDING_RULE_LOST;
	case VERDICT_GROWING:
		return FINDING_RULE_GROWTH;
	default:
		return FINDING_RULE_LEAK;
	}
}

static int visit_entry(const struct report *report, const struct report_entry *entry, size_t number,
		       finding_visitor *visit, void *context)
{
	const struct report_site *site = report_entry_site(entry);
	struct finding_brief brief = {
		.rule = rule_of(&site->judgement),
		.id = "",
		.severity = site->judgement.severity,
		.text = text_of_entry(report, entry),
	};

	if (!brief.text)
		return -ENOMEM;
	locate(&brief, site);
	if (entry->finding)
		identify_group(&brief, entry->finding);
	measure(&brief, site);
	name_finding(&brief);
	name_place(site, brief.place, sizeof(brief.place));
	if (entry->finding)
		name_companions(entry->finding, brief.place, sizeof(brief.place));
	int result = visit(&brief, number, context);
	free(brief.text);
	return result;
}

static int visit_crossing(const struct crossing *crossing, size_t number, finding_visitor *visit,
			  void *context)
{
	struct finding_brief brief = {
		.rule = FINDING_RULE_BUDGET,
		.id = "",
		.limit = threshold_name(crossing->kind),
		.severity = SEVERITY_HIGH,
		.value = crossing->value,
		.text = (char *)"",
	};
	char place[sizeof(brief.place) - sizeof(struct threshold_sentence) - sizeof(", by ")];
	struct threshold_sentence sentence = threshold_sentence(crossing);

	if (crossing->site) {
		locate(&brief, crossing->site);
		name_place(crossing->site, place, sizeof(place));
		snprintf(brief.place, sizeof(brief.place), "%s, by %s", sentence.text, place);
	} else {
		snprintf(brief.place, sizeof(brief.place), "%s", sentence.text);
	}
	name_finding(&brief);
	return visit(&brief, number, context);
}

static char *text_of_wrong_free(const struct wrong_free *wrong)
{
	const struct text_style style = {.is_utf8 = true, .width = TEXT_WIDTH};
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	if (!stream)
		return NULL;
	wrong_free_stacks_write(stream, &style, wrong, false);
	if (fclose(stream) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int visit_wrong_free(const struct wrong_free *wrong, size_t number, finding_visitor *visit,
			    void *context)
{
	struct finding_brief brief = {
		.rule = FINDING_RULE_MISUSE,
		.has_ended_program = wrong->fatal,
		.severity = SEVERITY_MEDIUM,
		.text = text_of_wrong_free(wrong),
	};
	char what[WRONG_FREE_BYTES], place[sizeof(brief.place) - sizeof(what) - sizeof(" at ")];

	if (!brief.text)
		return -ENOMEM;
	locate(&brief, &wrong->freed);
	name_finding(&brief);
	name_place(&wrong->freed, place, sizeof(place));
	wrong_free_text(wrong, what);
	snprintf(brief.place, sizeof(brief.place), "%s at %s", what, place);
	int result = visit(&brief, number, context);
	free(brief.text);
	return result;
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
	for (size_t i = 0; i < report->wrong_free_count && result == 0; i++)
		if (!report->wrong_frees[i].freed.suppression)
			result =
				visit_wrong_free(&report->wrong_frees[i], ++number, visit, context);
	return result;
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
