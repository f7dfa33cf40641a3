/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_site: one site of a report or a diff for programs.
 */
#include "tools/output/json_site.h"

#include <math.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/output/evidence_text.h"
#include "tools/output/holder_text.h"
#include "tools/output/json_scan.h"
#include "tools/output/json_suppression.h"
#include "tools/output/json_values.h"

#define FREED_BY_MAX 4 /* stacks */

json_t *json_growth(const struct growth *growth)
{
	return json_pack("{s:o, s:[o,o], s:o, s:o, s:o}", "bytes_per_hour",
			 json_value_number(growth->bytes_per_hour), "bytes_per_hour_ci95",
			 json_value_number(growth->bytes_per_hour_ci95[0]),
			 json_value_number(growth->bytes_per_hour_ci95[1]), "blocks_per_hour",
			 json_value_number(growth->blocks_per_hour), "since_s",
			 json_value_number(growth->since_s), "time_to_limit_s",
			 json_value_number(growth->time_to_limit_s));
}

static const char *clock_name(enum verdict_clock clock)
{
	static const char *const names[] = {
		[CLOCK_TIME] = "time",
		[CLOCK_WORK] = "work",
		[CLOCK_OWN] = "own",
	};
	return names[clock];
}

/* What grew from one mark to the next of the same label; null where no label has enough marks. */
static json_t *marks_object(const struct mark_evidence *marks)
{
	if (!marks->label)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o}", "label", json_value_text(marks->label), "count",
			 json_value_count(marks->mark_count), "steps",
			 json_value_count(marks->steps), "grew", json_value_count(marks->grew));
}

/* Why, in numbers and in words; null where nothing speaks for growth. Of a buffer that becomes longer
 * there are no births and deaths. */
json_t *json_evidence(const struct report_site *site, bool is_group, size_t snapshot_count)
{
	const struct judgement *judgement = &site->judgement;
	const struct verdict_evidence *evidence = &judgement->evidence;
	struct evidence_text text = evidence_text_of(site, is_group, snapshot_count);
	bool has_births = !evidence->is_of_length && !evidence->is_of_backlog;
	json_t *lines = json_array();

	if (!evidence->periods && !text.count) {
		json_decref(lines);
		return json_null();
	}
	for (size_t i = 0; i < text.count; i++)
		json_array_append_new(lines, json_value_text(text.lines[i]));
	return json_pack(
		"{s:s, s:o, s:o, s:o, s:[o,o], s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, "
		"s:o}",
		"grows_in", evidence->is_of_length ? "length" : "blocks", "periods",
		json_value_count(evidence->periods), "periods_that_kept",
		json_value_count(evidence->periods_that_kept), "age_s",
		has_births ? json_value_number(evidence->age_s) : json_null(), "kept_per_period",
		has_births ? json_value_number(evidence->kept_low) : json_null(),
		has_births ? json_value_number(evidence->kept_high) : json_null(), "births",
		has_births ? json_value_number(evidence->births) : json_null(), "freed",
		has_births ? json_value_number(evidence->freed) : json_null(), "freed_within_s",
		json_value_number(evidence->freed_within_s), "kept_lately",
		json_value_number(evidence->kept_lately), "clock", clock_name(evidence->clock),
		"decline", json_value_number(evidence->decline), "decline_error",
		json_value_number(evidence->decline_error), "chance",
		json_value_number(evidence->drift_p), "snapshots_needed",
		json_value_count(judgement->snapshots_needed), "marks",
		marks_object(&judgement->marks), "text", lines);
}

static json_t *series_object(const struct report *report, const struct report_site *site)
{
	json_t *t_s = json_array(), *bytes = json_array(), *blocks = json_array();

	for (size_t i = 0; site->series_bytes && site->series_blocks && i < report->point_count;
	     i++) {
		json_array_append_new(t_s, json_value_number(report->series_t_s[i]));
		json_array_append_new(bytes, json_value_count(site->series_bytes[i]));
		json_array_append_new(blocks, json_value_count(site->series_blocks[i]));
	}
	return json_pack("{s:o, s:o, s:o}", "t_s", t_s, "live_bytes", bytes, "live_blocks", blocks);
}

static json_t *frame_object(const struct frame *frame)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:b}", "function",
			 json_value_text(frame->function), "file", json_value_text(frame->file),
			 "line", frame->line > 0 ? json_integer(frame->line) : json_null(),
			 "module", json_value_text(frame->module), "offset",
			 json_value_count(frame->offset), "inlined", frame->is_inlined);
}

json_t *json_stack(const struct report_site *site)
{
	json_t *stack = json_array();

	/* The contract: the program's own frame that called the allocator comes first. */
	for (size_t i = 0; i < site->frame_count; i++)
		if (!site->frames[i].is_wrapper)
			json_array_append_new(stack, frame_object(&site->frames[i]));
	return stack;
}

/* Who frees its blocks; null where the file does not say. */
static json_t *freed_by_array(const struct report_site *site)
{
	const struct freer_list *list = &site->freed_by;
	json_t *array;

	if (!list->freers)
		return json_null();
	array = json_array();
	for (size_t i = 0; i < list->count && i < FREED_BY_MAX; i++) {
		const struct freer *freer = &list->freers[i];
		const struct report_site stack = {.frames = freer->frames,
						  .frame_count = freer->frame_count};
		json_array_append_new(array, json_pack("{s:o, s:o}", "share",
						       json_value_number(freer->share), "stack",
						       json_stack(&stack)));
	}
	return array;
}

/* Who holds its blocks, in words; null where no scan has told. `through` is the id of another site on the
 * way that is flagged or grows. */
json_t *json_held_by(const struct report *report, const struct report_site *site)
{
	struct holder_texts texts;
	json_t *array;

	if (!holder_texts_make(&texts, report, site, NULL))
		return NULL;
	if (!texts.texts)
		return json_null();
	array = json_array();
	for (size_t i = 0; i < texts.count; i++) {
		const struct holder_text *text = &texts.texts[i];
		bool has_id = text->through && *text->through->id;
		json_array_append_new(
			array,
			json_pack("{s:o, s:o, s:o}", "path", json_value_text(text->path), "share",
				  json_value_number(fmin(1, text->share)), "through",
				  has_id ? json_value_text(text->through->id) : json_null()));
	}
	holder_texts_free(&texts);
	return array;
}

/* The errors as parts of the estimates, with 95 % confidence. */
static json_t *sampled_object(const struct report_site *site)
{
	const struct sampled_site *sampled = site->sampled;

	if (!sampled)
		return json_null();
	return json_pack(
		"{s:o, s:o, s:o}", "samples", json_value_count(sampled->samples),
		"live_bytes_error",
		json_value_number(report_error_95(sampled->bytes_error, site->live_bytes)),
		"live_blocks_error",
		json_value_number(report_error_95(sampled->blocks_error, site->live_blocks)));
}

json_t *json_site(const struct report *report, const struct report_site *site)
{
	const struct judgement *judgement = &site->judgement;
	json_t *object = json_pack(
		"{s:s, s:s, s:b, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", site->id,
		"verdict", verdict_name(judgement->verdict), "flagged", judgement->is_flagged,
		"confidence", json_value_number(judgement->confidence), "severity",
		severity_name(judgement->severity), "live_bytes",
		json_value_count(site->live_bytes), "live_blocks",
		json_value_count(site->live_blocks), "allocations",
		json_value_count(site->allocations), "frees", json_value_count(site->frees),
		"peak_bytes", json_value_count(site->peak_bytes), "growth",
		json_growth(&judgement->growth), "reachability", json_reachability_object(site),
		"held_by", json_held_by(report, site));

	if (object && report->old) {
		json_object_set_new(object, "delta",
				    json_pack("{s:I, s:I}", "bytes", (json_int_t)site->delta_bytes,
					      "blocks", (json_int_t)site->delta_blocks));
		json_object_set_new(object, "aged",
				    json_pack("{s:I}", "bytes", (json_int_t)site->aged_bytes));
		json_object_set_new(object, "old",
				    json_pack("{s:o, s:o, s:o}", "live_bytes",
					      json_value_count(site->old_bytes), "live_blocks",
					      json_value_count(site->old_blocks), "allocations",
					      json_value_count(site->old_allocations)));
	}
	if (object) {
		json_object_set_new(object, "suppressed_by",
				    json_suppression_object(site->suppression));
		json_object_set_new(object, "minor", json_boolean(judgement->is_minor));
		json_object_set_new(object, "evidence",
				    json_evidence(site, false, report->snapshot_count));
		json_object_set_new(object, "freed_by", freed_by_array(site));
		json_object_set_new(object, "sampled", sampled_object(site));
		json_object_set_new(object, "series", series_object(report, site));
		json_object_set_new(object, "stack", json_stack(site));
	}
	return object;
}

/* All frames, also those of wrappers: it is about the stack itself. */
json_t *json_whole_stack(const struct report_site *site)
{
	json_t *stack = json_array();

	for (size_t i = 0; i < site->frame_count; i++)
		json_array_append_new(stack, frame_object(&site->frames[i]));
	return stack;
}
