/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_memory: each part of the memory is asked whether it keeps growing, and the free parts whether
 * they are used again.
 *
 * Growth must matter: what a part has added since start-up is compared with what is resident. Free
 * memory that does not grow is a finding where it was at no time of late in use, and as large as all
 * that is: a program that comes back to its peak again and again needs what its allocator keeps.
 */
#include "tools/model/process_memory.h"

#include <math.h>
#include <stdlib.h>

#include "tools/model/arena.h"
#include "tools/model/memory_window.h"
#include "tools/model/profile.h"
#include "tools/model/steady_growth.h"

#define SECONDS_PER_HOUR 3600.0
/* What a part must have added to matter: 5 % of what is resident, and more than the steps in which
 * allocators take memory (glibc 132 KiB at a time). */
#define GROWN_SHARE 0.05
#define GROWN_LEAST (256 * 1024.0)
/* A leak is sure already, and only asked whether it is anything beside the rest. */
#define LEAKED_SHARE 0.01
/* Free memory that stays is worth a word from here on: as much as all that is in use, and more than
 * any allocator keeps for a rainy day. */
#define FREE_SHARE 0.5
#define FREE_LEAST (4 * 1048576.0)
/* Other parts are named when they grow at least so fast, compared with the fastest. */
#define ALSO_SHARE 0.1
#define MOST 0.5
#define NEARLY_ALL 0.9
#define OF_LATE (2.0 / 3)

/* ---- the figures ---- */

static bool describe(struct memory_figure *figure, enum memory_part part,
		     const struct snapshot *snapshots, size_t first, size_t last,
		     const size_t *points, size_t point_count, struct arena *arena)
{
	figure->is_known = memory_part_of(&snapshots[last].raw, part, &figure->bytes);
	if (!figure->is_known)
		return true;
	for (size_t i = first; i <= last; i++) {
		uint64_t bytes;
		if (memory_part_of(&snapshots[i].raw, part, &bytes) && bytes > figure->peak_bytes)
			figure->peak_bytes = bytes;
	}
	figure->series = arena_take(arena, point_count, sizeof(*figure->series));
	for (size_t i = 0; figure->series && i < point_count; i++)
		if (!memory_part_of(&snapshots[points[i]].raw, part, &figure->series[i]))
			figure->series[i] = MEMORY_NOT_KNOWN;
	return figure->series;
}

static struct steady_growth measure(struct memory_figure *figure, enum memory_part part,
				    const struct memory_window *window)
{
	struct steady_growth growth = {.is_measured = false};
	struct memory_series series;
	if (!window->is_enough)
		return growth;
	memory_window_series(window, part, &series);
	growth = steady_growth_of(series.t_s, series.bytes, series.count);
	figure->has_growth = growth.is_measured;
	figure->bytes_per_hour = growth.per_second * SECONDS_PER_HOUR;
	figure->bytes_per_hour_ci95[0] = growth.low * SECONDS_PER_HOUR;
	figure->bytes_per_hour_ci95[1] = growth.high * SECONDS_PER_HOUR;
	return growth;
}

/* ---- findings ---- */

static void add_finding(struct process_memory *memory, struct memory_finding finding)
{
	if (memory->finding_count < MEMORY_FINDINGS_MAX)
		memory->findings[memory->finding_count++] = finding;
}

static bool matters(double grown, const struct memory_window *window)
{
	return grown >= fmax(GROWN_LEAST, GROWN_SHARE * window->resident);
}

static int compare_falling(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return (a < b) - (a > b);
}

/* Without memory 0, as where it is not known. */
static size_t count_grown_sites(const struct profile *profile, const struct memory_window *window,
				const struct memory_leaks *leaks)
{
	double *grown = calloc(profile->site_count + 1, sizeof(*grown)), all = 0;
	size_t count = 0, enough = 0;
	for (size_t i = 0; grown && i < profile->site_count; i++) {
		const struct site_point *from = site_at(&profile->sites[i], window->first);
		const struct site_point *to = site_at(&profile->sites[i], window->last);
		double more =
			(to ? (double)to->live_bytes : 0) - (from ? (double)from->live_bytes : 0);
		if (more <= 0 || (leaks->is_leak && leaks->is_leak[i]) ||
		    site_is_mapping(profile, &profile->sites[i]))
			continue;
		grown[count++] = more;
		all += more;
	}
	if (count)
		qsort(grown, count, sizeof(*grown), compare_falling);
	for (double sum = 0; enough < count && sum < NEARLY_ALL * all;)
		sum += grown[enough++];
	free(grown);
	return enough;
}

static enum memory_verdict word_for(enum memory_part part)
{
	switch (part) {
	case PART_SCATTERED:
		return MEMORY_FRAGMENTATION;
	case PART_KEPT:
		return MEMORY_NOT_RETURNED;
	default:
		return MEMORY_OUTSIDE_MALLOC;
	}
}

/* Pages of files that were mapped before and are only read now are a cache, which the kernel empties when
 * it needs to. It is different where ever more is mapped, or shared. */
static bool maps_more_files(const struct memory_window *window, const struct steady_growth *files)
{
	struct memory_series space;
	memory_window_series(window, PART_FILE_SPACE, &space);
	struct steady_growth mapped = steady_growth_of(space.t_s, space.bytes, space.count);
	return mapped.is_measured && mapped.per_second >= MOST * files->per_second;
}

static void judge_growth(struct process_memory *memory, enum memory_part part,
			 const struct memory_window *window)
{
	struct memory_figure *figure = &memory->figures[part];
	struct steady_growth growth = measure(figure, part, window);
	figure->keeps_growing = growth.goes_on && matters(growth.grown, window);
	if (figure->keeps_growing && (part != PART_FILES || maps_more_files(window, &growth)))
		add_finding(memory, (struct memory_finding){
					    .verdict = word_for(part),
					    .part = part,
					    .bytes_per_hour = figure->bytes_per_hour,
					    .bytes = figure->bytes,
					    .confidence = growth.confidence,
				    });
}

/* What is requested without what leaks. */
static void take_rest(const struct memory_window *window, const struct profile *profile,
		      const struct memory_leaks *leaks, struct memory_series *series)
{
	memory_window_series(window, PART_REQUESTED, series);
	for (size_t i = 0; leaks->is_leak && i < profile->site_count; i++) {
		size_t snapshot = window->first;
		if (!leaks->is_leak[i] || site_is_mapping(profile, &profile->sites[i]))
			continue;
		for (size_t at = 0; at < series->count; at++) {
			while (window->snapshots[snapshot].time_s < series->t_s[at])
				snapshot++;
			const struct site_point *point = site_at(&profile->sites[i], snapshot);
			series->bytes[at] -= point ? (double)point->live_bytes : 0;
		}
	}
}

/* Whether a site leaks is known from its blocks, better than the sum of all could say it. So the leaks
 * are one thing, and whether anything else that is requested keeps growing is another. A leak matters
 * for the whole where it is anything beside what is resident, or most of what the whole grows by. */
static void judge_requested(struct process_memory *memory, const struct profile *profile,
			    const struct memory_window *window, const struct memory_leaks *leaks)
{
	struct memory_figure *figure = &memory->figures[PART_REQUESTED];
	struct steady_growth all = measure(figure, PART_REQUESTED, window), rest;
	double leaked = leaks->bytes_per_hour / SECONDS_PER_HOUR;
	bool is_most = all.goes_on && leaked >= MOST * all.per_second;
	struct memory_series series;
	if (!window->is_enough)
		return;
	figure->keeps_growing = all.goes_on && (is_most || matters(all.grown, window));
	if (leaks->bytes_per_hour > 0 &&
	    (is_most || leaked * memory_window_span(window) >= LEAKED_SHARE * window->resident))
		add_finding(memory, (struct memory_finding){
					    .verdict = MEMORY_LEAK,
					    .part = PART_REQUESTED,
					    .bytes_per_hour = leaks->bytes_per_hour,
					    .bytes = figure->bytes,
					    .confidence = leaks->confidence,
				    });
	take_rest(window, profile, leaks, &series);
	rest = steady_growth_of(series.t_s, series.bytes, series.count);
	if (rest.goes_on && matters(rest.grown, window)) {
		add_finding(memory, (struct memory_finding){
					    .verdict = MEMORY_GROWING,
					    .part = PART_REQUESTED,
					    .bytes_per_hour = rest.per_second * SECONDS_PER_HOUR,
					    .bytes = figure->bytes,
					    .confidence = rest.confidence,
				    });
		memory->grown_sites = count_grown_sites(profile, window, leaks);
	}
}

/* A hostile file may say that all there could be is free, which is one more as a double. */
static uint64_t whole_bytes(double bytes)
{
	return bytes < 0x1p64 ? (uint64_t)bytes : UINT64_MAX;
}

/* Free memory that does not grow, but was not needed of late: as much as all that is in use. */
static void judge_level(struct process_memory *memory, const struct memory_window *window)
{
	static const enum memory_part parts[] = {PART_SCATTERED, PART_KEPT};
	double least[2], sum = 0;
	if (!window->is_enough || !(window->resident > 0))
		return;
	for (size_t i = 0; i < 2; i++)
		sum += least[i] = memory_window_least(window, parts[i], OF_LATE);
	if (sum < fmax(FREE_LEAST, FREE_SHARE * window->resident))
		return;
	for (size_t i = 0; i < 2; i++) {
		if (memory->figures[parts[i]].keeps_growing || least[i] < sum / 4)
			continue;
		add_finding(memory, (struct memory_finding){
					    .verdict = word_for(parts[i]),
					    .part = parts[i],
					    .bytes = whole_bytes(least[i]),
					    .confidence = 0.95, /* a third of the run was watched */
				    });
	}
}

static int compare_findings(const void *left, const void *right)
{
	const struct memory_finding *a = left, *b = right;
	if (a->bytes_per_hour != b->bytes_per_hour)
		return a->bytes_per_hour < b->bytes_per_hour ? 1 : -1;
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	return (a->part > b->part) - (a->part < b->part);
}

/* What grows slowly beside the fastest would only distract. */
static void sort_findings(struct process_memory *memory)
{
	size_t kept = 0;
	qsort(memory->findings, memory->finding_count, sizeof(*memory->findings), compare_findings);
	double least = ALSO_SHARE * memory->findings[0].bytes_per_hour;
	for (size_t i = 0; i < memory->finding_count; i++) {
		const struct memory_finding *finding = &memory->findings[i];
		if (finding->verdict == MEMORY_LEAK || finding->bytes_per_hour == 0 ||
		    finding->bytes_per_hour >= least)
			memory->findings[kept++] = *finding;
	}
	memory->finding_count = kept;
}

/* ---- all ---- */

/* Pages of files do not count where they can be told, see maps_more_files. */
static bool does_resident_grow(const struct memory_window *window)
{
	struct memory_series series;
	if (!window->is_enough)
		return false;
	memory_window_series(window, PART_ANONYMOUS, &series);
	if (!series.count)
		memory_window_resident(window, &series);
	struct steady_growth growth = steady_growth_of(series.t_s, series.bytes, series.count);
	return growth.goes_on && matters(growth.grown, window);
}

/* Nothing was found. Without the allocator's figures that is only so where all that is resident does
 * not grow either. */
static void judge_calm(struct process_memory *memory, const struct memory_window *window)
{
	bool knows_parts =
		memory->figures[PART_KEPT].is_known && memory->figures[PART_OUTSIDE].is_known;
	const struct memory_figure *resident = &memory->figures[PART_RESIDENT];
	bool is_level = resident->has_growth && !resident->keeps_growing;
	if (!window->is_enough || !(knows_parts || is_level))
		return;
	memory->verdict = MEMORY_STABLE;
	memory->confidence = knows_parts ? 0.95 : 0.8;
}

bool process_memory_make(struct process_memory *memory, const struct profile *profile, size_t first,
			 size_t last, const struct memory_leaks *leaks, const size_t *points,
			 size_t point_count, struct arena *arena)
{
	static const enum memory_part judged[] = {PART_SCATTERED, PART_KEPT, PART_OUTSIDE,
						  PART_FILES};
	static const enum memory_part measured[] = {PART_BETWEEN, PART_SWAPPED, PART_LIVE_PAGES,
						    PART_HEAP_RESIDENT, PART_HEAP};
	struct memory_window window = memory_window_of(profile, first, last);
	*memory = (struct process_memory){.verdict = MEMORY_UNKNOWN, .leak_count = leaks->count};
	for (int part = 0; part < PART_COUNT; part++)
		if (!describe(&memory->figures[part], (enum memory_part)part, profile->snapshots,
			      first, last, points, point_count, arena))
			return false;

	judge_requested(memory, profile, &window, leaks);
	for (size_t i = 0; i < sizeof(judged) / sizeof(*judged); i++)
		judge_growth(memory, judged[i], &window);
	for (size_t i = 0; i < sizeof(measured) / sizeof(*measured); i++)
		measure(&memory->figures[measured[i]], measured[i], &window);
	measure(&memory->figures[PART_OWN], PART_OWN, &window);
	memory->figures[PART_BETWEEN].keeps_growing = memory->figures[PART_SCATTERED].keeps_growing;
	measure(&memory->figures[PART_RESIDENT], PART_RESIDENT, &window);
	memory->figures[PART_RESIDENT].keeps_growing = does_resident_grow(&window);
	judge_level(memory, &window);
	if (!memory->finding_count) {
		judge_calm(memory, &window);
		return true;
	}
	sort_findings(memory);
	memory->verdict = memory->findings[0].verdict;
	memory->confidence = memory->findings[0].confidence;
	return true;
}

const char *memory_verdict_name(enum memory_verdict verdict)
{
	static const char *const names[] = {
		[MEMORY_UNKNOWN] = "unknown",
		[MEMORY_STABLE] = "stable",
		[MEMORY_LEAK] = "leak",
		[MEMORY_GROWING] = "growing",
		[MEMORY_FRAGMENTATION] = "fragmentation",
		[MEMORY_NOT_RETURNED] = "not_returned",
		[MEMORY_OUTSIDE_MALLOC] = "outside_malloc",
	};
	return names[verdict];
}
