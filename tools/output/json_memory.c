/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_memory: every part that has a name, also those that are sums of others.
 */
#include "tools/output/json_memory.h"

#include <math.h>

#include "tools/model/report.h"
#include "tools/output/json_values.h"

static const struct {
	enum memory_part part;
	const char *name;
} parts[] = {
	{PART_REQUESTED, "requested"},
	{PART_BETWEEN, "free_between_blocks"},
	{PART_KEPT, "kept_free"},
	{PART_OUTSIDE, "outside_malloc"},
	{PART_FILES, "files"},
	{PART_OWN, "own"},
	{PART_RESIDENT, "resident"},
	{PART_SWAPPED, "swapped"},
	{PART_LIVE_PAGES, "live_pages"},
	{PART_HEAP, "heap"},
	{PART_HEAP_RESIDENT, "heap_resident"},
};

static json_t *growth_object(const struct memory_figure *figure)
{
	if (!figure->has_growth)
		return json_null();
	return json_pack("{s:o, s:[o,o]}", "bytes_per_hour",
			 json_value_number(figure->bytes_per_hour), "ci95",
			 json_value_number(figure->bytes_per_hour_ci95[0]),
			 json_value_number(figure->bytes_per_hour_ci95[1]));
}

static json_t *part_object(const struct report *report, enum memory_part part)
{
	const struct memory_figure *figure = &report->process_memory.figures[part];
	json_t *series;

	if (!figure->is_known)
		return json_null();
	series = json_array();
	for (size_t i = 0; i < report->point_count; i++)
		json_array_append_new(series, figure->series[i] == MEMORY_NOT_KNOWN
						      ? json_null()
						      : json_value_count(figure->series[i]));
	return json_pack("{s:o, s:o, s:o, s:b, s:o}", "bytes", json_value_count(figure->bytes),
			 "peak_bytes", json_value_count(figure->peak_bytes), "growth",
			 growth_object(figure), "keeps_growing", figure->keeps_growing, "series",
			 series);
}

static const char *name_of(enum memory_part part)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (parts[i].part == part)
			return parts[i].name;
	return "free_between_blocks"; /* PART_SCATTERED: what of it is no rounding */
}

static json_t *finding_object(const struct memory_finding *finding)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "verdict",
			 memory_verdict_name(finding->verdict), "part", name_of(finding->part),
			 "bytes", json_value_count(finding->bytes), "bytes_per_hour",
			 json_value_number(finding->bytes_per_hour), "confidence",
			 json_value_number(finding->confidence));
}

/* Without symbols a site has no id. */
static json_t *pin_object(const struct report_pin *pin)
{
	const char *id = pin->site->id;

	return json_pack("{s:o, s:o}", "site", *id ? json_string(id) : json_null(), "bytes",
			 json_value_count(pin->bytes));
}

json_t *json_memory_object(const struct report *report)
{
	const struct process_memory *memory = &report->process_memory;
	json_t *findings = json_array(), *pins = json_array(), *times = json_array();
	json_t *all = json_object();

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		json_object_set_new(all, parts[i].name, part_object(report, parts[i].part));
	for (size_t i = 0; i < memory->finding_count; i++)
		json_array_append_new(findings, finding_object(&memory->findings[i]));
	for (size_t i = 0; i < report->pin_count; i++)
		json_array_append_new(pins, pin_object(&report->pins[i]));
	for (size_t i = 0; i < report->point_count; i++)
		json_array_append_new(times, json_value_number(report->series_t_s[i]));
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "verdict",
			 memory_verdict_name(memory->verdict), "confidence",
			 json_value_number(memory->confidence), "findings", findings, "own_bytes",
			 json_value_count(memory->figures[PART_OWN].bytes), "pinned_by", pins,
			 "t_s", times, "parts", all);
}
