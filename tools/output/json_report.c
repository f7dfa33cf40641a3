/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_report: a report or a diff for programs.
 *
 * Values are made and written one key and one site at a time: a document of 50,000 sites with their
 * series would take gigabytes as one tree.
 */
#include "tools/output/json_report.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/threshold.h"
#include "tools/output/json_memory.h"
#include "tools/output/json_scan.h"
#include "tools/output/json_site.h"
#include "tools/output/json_suppression.h"
#include "tools/output/json_values.h"
#include "tools/output/json_wrong_free.h"
#include "tools/output/report_walk.h"

struct json_report {
	FILE *stream;
	const struct json_report_options *options;
	bool is_out_of_memory;
	bool has_site; /* in the document, so that a comma goes before the next */
};

/* RFC 3339 in UTC with milliseconds. */
static json_t *instant(uint64_t unix_ns)
{
	time_t seconds = (time_t)(unix_ns / 1000000000u);
	struct tm parts;
	char day[64], text[96];

	if (unix_ns == 0 || !gmtime_r(&seconds, &parts) ||
	    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &parts) == 0)
		return json_null();
	snprintf(text, sizeof(text), "%s.%03uZ", day, (unsigned)(unix_ns / 1000000u % 1000u));
	return json_string(text);
}

static const char *end_name(const struct profile *profile)
{
	if (profile->is_running)
		return "running";
	switch (profile->end_how) {
	case SEEP_END_EXIT:
		return "exit";
	case SEEP_END_SIGNAL:
		return "signal";
	case SEEP_END_EXEC:
		return "exec";
	default:
		return "unknown";
	}
}

static json_t *process_object(const struct profile *profile)
{
	bool has_ended = !profile->is_running && profile->ended_unix_ns;

	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:i, s:b}", "pid",
		json_value_count(profile->pid), "parent_pid",
		json_value_count(profile->forked_from ? profile->forked_from : profile->parent_pid),
		"name", json_value_text(profile->name), "command",
		json_value_words((const char *const *)profile->command, profile->command_count),
		"started", instant(profile->started_unix_ns), "ended",
		has_ended ? instant(profile->ended_unix_ns) : json_null(), "end", end_name(profile),
		"status", profile->is_running ? 0 : (int)profile->end_status, "own_malloc",
		(int)profile->has_own_malloc);
}

static json_t *lost_object(const struct report *report, const struct seep_snapshot *totals)
{
	const char *why =
		totals->missed_snapshots ? strerrordesc_np((int)totals->missed_error) : NULL;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "blocks",
			 json_value_count(totals->lost_blocks), "stacks",
			 json_value_count(totals->lost_stacks), "cut_stacks",
			 json_value_count(totals->cut_stacks), "snapshots",
			 json_value_count(totals->missed_snapshots), "snapshots_error",
			 why ? json_value_text(why) : json_null(), "last_state",
			 report_lacks_last_state(report), "unknown_frees",
			 json_value_count(totals->unknown_frees), "unseen_frees",
			 json_value_count(totals->unseen_frees));
}

static json_t *totals_object(const struct seep_snapshot *totals)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o}", "live_bytes", json_value_count(totals->live_bytes),
		"live_blocks", json_value_count(totals->live_blocks), "allocations",
		json_value_count(totals->allocations), "frees", json_value_count(totals->frees),
		"rss_bytes", json_value_count(totals->rss_bytes));
}

static json_t *sampling_object(const struct report *report, const struct seep_snapshot *totals)
{
	const struct sampling *sampling = report->sampling;

	if (!report->profile->sample_bytes)
		return json_null();
	if (!sampling)
		return json_pack("{s:o, s:n, s:n, s:n}", "bytes",
				 json_value_count(report->profile->sample_bytes), "samples",
				 "live_bytes_error", "live_blocks_error");
	return json_pack("{s:o, s:o, s:o, s:o}", "bytes",
			 json_value_count(report->profile->sample_bytes), "samples",
			 json_value_count(sampling->raw.live_samples), "live_bytes_error",
			 json_value_number(report_error_95((double)sampling->raw.bytes_error,
							   totals->live_bytes)),
			 "live_blocks_error",
			 json_value_number(report_error_95((double)sampling->raw.blocks_error,
							   totals->live_blocks)));
}

static json_t *self_check_object(const struct report *report)
{
	const struct self_check *check = report->profile->self_check;
	json_t *differences;

	if (!check)
		return json_null();
	differences = json_array();
	for (size_t i = 0; i < report->difference_count; i++) {
		const struct report_difference *difference = &report->differences[i];
		json_array_append_new(differences,
				      json_pack("{s:o, s:o, s:o, s:o}", "count",
						json_value_count(difference->count), "thread",
						json_value_count(difference->thread_id), "ours",
						json_whole_stack(&difference->ours), "libunwind",
						json_whole_stack(&difference->libunwinds)));
	}
	return json_pack(
		"{s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "one_in",
		json_value_count(check->raw.one_in), "works",
		!(check->raw.flags & (SEEP_SELF_CHECK_HAS_NO_LIBUNWIND | SEEP_SELF_CHECK_IS_OVER)),
		"compared", json_value_count(check->raw.compared), "different",
		json_value_count(check->raw.different), "libunwind_gave_up",
		json_value_count(check->raw.libunwind_gave_up), "cut",
		json_value_count(check->raw.cut), "skipped", json_value_count(check->raw.skipped),
		"differences", differences);
}

/* The share as a part, growth in bytes an hour. */
static json_t *thresholds_array(const struct report *report)
{
	json_t *thresholds = json_array();

	for (size_t i = 0; i < report->crossing_count; i++) {
		const struct crossing *crossing = &report->crossings[i];
		json_t *id = crossing->site && *crossing->site->id
				     ? json_value_text(crossing->site->id)
				     : json_null();
		json_array_append_new(thresholds,
				      json_pack("{s:s, s:o, s:o, s:o, s:b, s:o}", "kind",
						threshold_name(crossing->kind), "site", id, "value",
						json_value_number(crossing->value), "limit",
						json_value_number(crossing->limit), "crossed", true,
						"at_s", json_value_number(crossing->at_s)));
	}
	return thresholds;
}

static const struct report_site *site_of_stack(const struct report *report, uint32_t stack)
{
	for (size_t i = 0; stack && i < report->site_count; i++)
		if (report->sites[i].stack == stack)
			return &report->sites[i];
	return NULL;
}

/* What the program itself has noted of thresholds. */
static json_t *alerts_array(const struct report *report)
{
	json_t *alerts = json_array();

	for (size_t i = 0; i < report->profile->alert_count; i++) {
		const struct alert *alert = &report->profile->alerts[i];
		const struct report_site *site = site_of_stack(report, alert->raw.stack);
		double unit = alert->raw.kind == SEEP_ALERT_HEAP_SHARE ? 1000 : 1;
		if (!report_covers(report, alert->time_s))
			continue;
		json_array_append_new(
			alerts,
			json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "kind",
				  threshold_name((enum threshold_kind)(alert->raw.kind -
								       SEEP_ALERT_GROWTH)),
				  "site",
				  site && *site->id ? json_value_text(site->id) : json_null(),
				  "value", json_value_number((double)alert->raw.value / unit),
				  "limit", json_value_number((double)alert->raw.limit / unit),
				  "at_s", json_value_number(alert->time_s), "snapshot",
				  json_value_count(alert->raw.snapshot)));
	}
	return alerts;
}

static void write_value(struct json_report *context, json_t *value)
{
	/* Twelve digits: all that a clock or a rate can mean, and 0.98 stays 0.98. */
	if (!value || json_dumpf(value, context->stream,
				 JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12)) != 0)
		/* jansson does not say why; what is wrong with the stream, its owner finds there.
		 */
		context->is_out_of_memory |= !ferror(context->stream);
	json_decref(value);
}

static void write_key(struct json_report *context, const char *key, json_t *value)
{
	fprintf(context->stream, "%s\"%s\":", context->options->is_one_line ? "," : ",\n ", key);
	write_value(context, value);
}

/* One side of a diff: which state of which process was compared. */
static json_t *state_object(const struct profile *profile, size_t index)
{
	const struct snapshot *snapshot = &profile->snapshots[index];

	if (profile->snapshot_count == 0)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "snapshot",
			 json_value_count(snapshot->number), "label",
			 *snapshot->label ? json_value_text(snapshot->label) : json_null(), "t_s",
			 json_value_number(snapshot->time_s), "process", process_object(profile),
			 "totals", totals_object(&snapshot->raw));
}

static int begin_document(const struct report_view *view, void *context_)
{
	static const struct seep_snapshot nothing;
	struct json_report *context = context_;
	const struct report *report = view->report;
	const struct profile *profile = report->profile;
	const struct seep_snapshot *totals =
		profile->snapshot_count ? &profile->snapshots[report->last_snapshot].raw : &nothing;

	fprintf(context->stream, "{\"schema\":\"%s\"",
		report->old ? "seep.diff/1" : "seep.report/1");
	write_key(context, "process", process_object(profile));
	write_key(context, "span_s", json_value_number(report->span_s));
	write_key(context, "snapshots", json_value_count(report->snapshot_count));
	write_key(context, "lost", lost_object(report, totals));
	write_key(context, "totals", totals_object(totals));
	write_key(context, "sampling", sampling_object(report, totals));
	write_key(context, "scan", json_scan_object(report));
	if (!report->old)
		write_key(context, "selfcheck", self_check_object(report));
	if (!report->old) {
		write_key(context, "thresholds", thresholds_array(report));
		write_key(context, "alerts", alerts_array(report));
		write_key(context, "memory", json_memory_object(report));
		write_key(context, "wrong_frees", json_wrong_frees_array(report));
	}
	if (report->old) {
		write_key(context, "old", state_object(report->old, report->old_snapshot));
		write_key(context, "new", state_object(profile, report->last_snapshot));
	}
	fprintf(context->stream, "%s\"sites\":[", context->options->is_one_line ? "," : ",\n ");
	return context->is_out_of_memory ? -ENOMEM : 0;
}

static bool is_wanted(const struct json_report *context, const struct report_site *site)
{
	return !context->options->has_findings_only || site->judgement.is_flagged ||
	       site->has_crossed;
}

static int write_site(const struct report_view *view, const struct report_site *site, size_t rank,
		      void *context_)
{
	struct json_report *context = context_;

	(void)rank;
	if (!is_wanted(context, site))
		return 0;
	fputs(context->has_site ? "," : "", context->stream);
	context->has_site = true;
	fputs(context->options->is_one_line ? "" : "\n  ", context->stream);
	write_value(context, json_site(view->report, site));
	if (ferror(context->stream))
		return -EIO;
	return context->is_out_of_memory ? -ENOMEM : 0;
}

/* Of the sites that stand in the document: without symbols a site has no id. */
static json_t *id_array(struct report_site *const *sites, size_t count)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < count; i++)
		if (*sites[i]->id)
			json_array_append_new(ids, json_value_text(sites[i]->id));
	return ids;
}

static json_t *finding_object(const struct report *report, const struct report_entry *entry)
{
	const struct report_finding *finding = entry->finding;
	const struct report_site *sum = report_entry_site(entry);
	struct report_site *single = entry->site;
	const struct judgement *judgement = &sum->judgement;
	const char *kind = !finding			       ? "site"
			   : finding->kind == FINDING_CALLER   ? "caller"
			   : finding->kind == FINDING_CALLEE   ? "callee"
			   : finding->kind == FINDING_TOGETHER ? "together"
							       : "lost";

	return json_pack(
		"{s:s, s:s, s:b, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"kind", kind, "verdict", verdict_name(judgement->verdict), "flagged",
		judgement->is_flagged, "confidence", json_value_number(judgement->confidence),
		"severity", severity_name(judgement->severity), "live_bytes",
		json_value_count(sum->live_bytes), "live_blocks",
		json_value_count(sum->live_blocks), "site_count",
		json_value_count(finding ? finding->all_count : 1), "share_kept",
		finding ? json_value_number(finding->share_kept) : json_null(), "growth",
		json_growth(&judgement->growth), "evidence",
		json_evidence(sum, finding != NULL, report->snapshot_count), "reachability",
		json_reachability_object(sum), "held_by", json_held_by(report, sum), "sites",
		finding ? id_array(finding->sites, finding->site_count) : id_array(&single, 1),
		"stack", json_stack(sum));
}

static bool is_finding(const struct report_entry *entry)
{
	return entry->finding || entry->site->judgement.is_flagged;
}

static int end_document(const struct report_view *view, void *context_)
{
	struct json_report *context = context_;
	const struct report *report = view->report;
	const char *gap = context->options->is_one_line ? "" : "\n  ", *comma = "";
	size_t limit = context->options->site_limit;

	fputs("]", context->stream);
	if (report->old) {
		fputs("}\n", context->stream);
		return 0;
	}
	fprintf(context->stream, "%s\"findings\":[", context->options->is_one_line ? "," : ",\n ");
	for (size_t i = 0; i < report->entry_count && (!limit || i < limit); i++) {
		if (!is_finding(&report->entries[i]))
			continue;
		fprintf(context->stream, "%s%s", comma, gap);
		write_value(context, finding_object(report, &report->entries[i]));
		comma = ",";
	}
	fputs("]}\n", context->stream);
	return context->is_out_of_memory ? -ENOMEM : 0;
}

void json_write_words(FILE *stream, char *const *words)
{
	json_t *list = json_array();

	for (; *words; words++)
		json_array_append_new(list, json_value_text(*words));
	json_dumpf(list, stream, JSON_COMPACT);
	json_decref(list);
}

int json_report_write(FILE *stream, const struct report *report,
		      const struct json_report_options *options)
{
	static const struct report_emitter emitter = {
		.begin = begin_document, .site = write_site, .end = end_document};
	struct json_report context = {.stream = stream, .options = options};

	return report_walk(report, options->site_limit, &emitter, &context);
}
