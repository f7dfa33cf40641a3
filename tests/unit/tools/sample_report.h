/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample_report: reports built by hand, for the tests of emitters.
 *
 * A made-up server with one site of each verdict; a test takes it and changes what it is about.
 */
#ifndef SEEP_TESTS_SAMPLE_REPORT_H
#define SEEP_TESTS_SAMPLE_REPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/scan.h"
#include "tools/model/threshold.h"
#include "tools/output/text_report.h"

#define SAMPLE_POINTS 40
#define SAMPLE_SITES 8

struct sample {
	struct profile profile;
	struct module modules[2];
	struct snapshot snapshots[SAMPLE_POINTS];
	struct report report;
	struct report_site sites[SAMPLE_SITES];
	struct self_check self_check;
	struct report_difference differences[2];
	struct sampling sampling;
	struct sampled_site sampled;
	struct scan scan;
	struct scanned_site scanned[SAMPLE_SITES];
	struct report_finding finding;
	struct report_site *members[SAMPLE_SITES];
	struct report_entry entries[SAMPLE_SITES];
	struct crossing crossings[2];
	struct alert alerts[2];
	double t_s[SAMPLE_POINTS];
	uint64_t bytes[SAMPLE_SITES][SAMPLE_POINTS];
	uint64_t blocks[SAMPLE_SITES][SAMPLE_POINTS];
};

static char *sample_command[] = {"./server", "--port", "8080", "--name", "night shift"};
static char sample_label[] = "";

#define SERVER "/srv/bin/server"
#define LIBC "/lib/x86_64-linux-gnu/libc.so.6"
#define MONSTER                                                                                    \
	"std::_Rb_tree<std::__cxx11::basic_string<char, std::char_traits<char>, "                  \
	"std::allocator<char> >, std::pair<std::__cxx11::basic_string<char, "                      \
	"std::char_traits<char>, std::allocator<char> > const, std::vector<net::Session, "         \
	"std::allocator<net::Session> > >, std::_Select1st<std::pair<int const, int> >, "          \
	"std::less<void>, std::allocator<int> >::_M_emplace_hint_unique<std::pair<int, int> >("    \
	"std::_Rb_tree_const_iterator<int>, std::pair<int, int>&&)"

static struct frame sample_leak_frames[] = {
	{.function = "operator new", .module = "/lib/libstdc++.so.6", .is_wrapper = true},
	{.function = "xmalloc",
	 .file = "/src/alloc.c",
	 .line = 12,
	 .module = SERVER,
	 .is_wrapper = true},
	{.function = "open_session",
	 .file = "/src/server/server.c",
	 .line = 88,
	 .module = SERVER,
	 .offset = 0x1234},
	{.function = "accept_one",
	 .file = "/src/server/server.c",
	 .line = 140,
	 .module = SERVER,
	 .offset = 0x1300,
	 .is_inlined = true},
	{.function = "handle_events",
	 .file = "/src/server/events.c",
	 .line = 31,
	 .module = SERVER,
	 .offset = 0x1300},
	{.function = "main", .file = "/src/server/main.c", .line = 201, .module = SERVER},
	{.function = "__libc_start_call_main", .module = LIBC},
	{.function = "__libc_start_main_impl", .module = LIBC},
	{.function = "_start", .module = SERVER},
};

static struct frame sample_monster_frames[] = {
	{.function = "operator new", .module = "/lib/libstdc++.so.6", .is_wrapper = true},
	{.function = MONSTER,
	 .file = "/usr/include/c++/12/bits/stl_tree.h",
	 .line = 2457,
	 .module = SERVER,
	 .is_inlined = true},
	{.function = "(anonymous namespace)::Cache<std::__cxx11::basic_string<char, "
		     "std::char_traits<char>, std::allocator<char> >, Page>::insert(int) const",
	 .file = "/src/server/cache.h",
	 .line = 77,
	 .module = "/srv/lib/libcache.so.3"},
	{.module = "/srv/lib/libplugin.so", .offset = 0x4660},
	{.offset = 0x7f1234567000},
	{.function = "[deeper frames cut]", .is_pseudo = true},
};

static struct frame sample_plain_frames[] = {
	{.function = "dictExpand", .file = "dict.c", .line = 151, .module = SERVER},
	{.function = "dictAdd", .file = "dict.c", .line = 300, .module = SERVER},
	{.function = "main", .file = "/src/server/main.c", .line = 20, .module = SERVER},
};

static inline uint64_t sample_value(enum verdict verdict, size_t i)
{
	switch (verdict) {
	case VERDICT_LEAK:
	case VERDICT_LOST:
	case VERDICT_GROWING:
		return 100000 * i;
	case VERDICT_SATURATING:
		return (uint64_t)(1e6 * (1 - exp(-(double)i / 9)));
	case VERDICT_PLATEAU:
		return i < 15 ? i * 50000 : 750000;
	case VERDICT_PERIODIC:
		return (i % 8) * 30000;
	default:
		return 420000 + i % 3;
	}
}

static inline void sample_site(struct sample *sample, size_t index, enum verdict verdict)
{
	struct report_site *site = &sample->sites[index];

	*site = (struct report_site){.profile = &sample->profile, .stack = (uint32_t)index + 1};
	snprintf(site->id, sizeof(site->id), "%016zx", 0xabcdef00 + index);
	site->judgement.verdict = verdict;
	site->judgement.is_flagged = verdict >= VERDICT_LEAK;
	site->judgement.confidence = verdict == VERDICT_GROWING ? 0.6 : 0.995;
	site->judgement.severity = verdict >= VERDICT_LEAK ? SEVERITY_HIGH : SEVERITY_LOW;
	site->judgement.snapshots_needed = verdict == VERDICT_GROWING ? 6 : 0;
	site->judgement.growth = (struct growth){
		.bytes_per_hour = verdict >= VERDICT_SATURATING ? 4.2 * 1024 * 1024 : 0,
		.bytes_per_hour_ci95 = {3.91 * 1024 * 1024, 4.49 * 1024 * 1024},
		.blocks_per_hour = 12300,
		.since_s = verdict >= VERDICT_SATURATING ? 3.2 : NAN,
		.time_to_limit_s = NAN,
	};
	for (size_t i = 0; i < SAMPLE_POINTS; i++) {
		sample->bytes[index][i] = sample_value(verdict, i);
		sample->blocks[index][i] = sample->bytes[index][i] / 100;
	}
	site->series_bytes = sample->bytes[index];
	site->series_blocks = sample->blocks[index];
	site->live_bytes = sample->bytes[index][SAMPLE_POINTS - 1];
	site->live_blocks = sample->blocks[index][SAMPLE_POINTS - 1];
	site->allocations = site->live_blocks + 1789;
	site->frees = 1789;
	site->peak_bytes = site->live_bytes + 4096;
	site->frames = sample_plain_frames;
	site->frame_count = sizeof(sample_plain_frames) / sizeof(*sample_plain_frames);
	if (verdict == VERDICT_LEAK) {
		site->frames = sample_leak_frames;
		site->frame_count = sizeof(sample_leak_frames) / sizeof(*sample_leak_frames);
	} else if (verdict == VERDICT_GROWING) {
		site->frames = sample_monster_frames;
		site->frame_count = sizeof(sample_monster_frames) / sizeof(*sample_monster_frames);
	}
}

/* Sites of these verdicts, in this order. */
static inline struct sample *sample_new(size_t site_count, const enum verdict *verdicts)
{
	struct sample *sample = calloc(1, sizeof(*sample));

	if (!sample)
		abort();
	sample->modules[0] = (struct module){.path = SERVER, .flags = SEEP_MODULE_IS_EXECUTABLE};
	sample->modules[1] = (struct module){.path = LIBC};
	for (size_t i = 0; i < SAMPLE_POINTS; i++) {
		sample->t_s[i] = 0.1 + 1.5 * (double)i;
		sample->snapshots[i] = (struct snapshot){
			.number = (uint32_t)i + 1,
			.epoch = (uint32_t)i + 1,
			.time_s = sample->t_s[i],
			.reason = i + 1 == SAMPLE_POINTS ? SEEP_REASON_FINAL : SEEP_REASON_INTERVAL,
			.label = sample_label,
			.raw = {.live_bytes = 100000 * i,
				.live_blocks = 1000 * i,
				.allocations = 30000 * i,
				.frees = 29000 * i,
				.rss_bytes = 31 << 20},
		};
	}
	sample->profile = (struct profile){
		.path = "run.seep",
		.pid = 4711,
		.exe = SERVER,
		.name = "server",
		.command = sample_command,
		.command_count = sizeof(sample_command) / sizeof(*sample_command),
		.started_unix_ns = 1795225812123000000u,
		.ended_unix_ns = 1795225812123000000u + 61200000000u,
		.ended_s = 61.2,
		.end_how = SEEP_END_SIGNAL,
		.end_status = 9,
		.modules = sample->modules,
		.module_count = 2,
		.snapshots = sample->snapshots,
		.snapshot_count = SAMPLE_POINTS,
	};
	sample->report = (struct report){
		.profile = &sample->profile,
		.last_snapshot = SAMPLE_POINTS - 1,
		.span_s = 61.2,
		.snapshot_count = SAMPLE_POINTS,
		.sites = sample->sites,
		.site_count = site_count,
		.series_t_s = sample->t_s,
		.point_count = SAMPLE_POINTS,
	};
	for (size_t i = 0; i < site_count; i++)
		sample_site(sample, i, verdicts[i]);
	return sample;
}

static inline struct sample *sample_of_all_verdicts(void)
{
	static const enum verdict verdicts[SAMPLE_SITES] = {
		VERDICT_LOST,	 VERDICT_LEAK,	   VERDICT_GROWING, VERDICT_SATURATING,
		VERDICT_PLATEAU, VERDICT_PERIODIC, VERDICT_UNFREED, VERDICT_STABLE,
	};

	return sample_new(SAMPLE_SITES, verdicts);
}

/* A self-check that found two differences. */
static inline void sample_differ(struct sample *sample)
{
	static struct frame others[] = {
		{.function = "dictExpand",
		 .file = "dict.c",
		 .line = 151,
		 .module = SERVER,
		 .offset = 0x100},
		{.function = "[deeper frames cut]", .is_pseudo = true},
	};

	sample->self_check.raw = (struct seep_self_check){.one_in = 10,
							  .compared = 184352,
							  .different = 15,
							  .libunwind_gave_up = 1,
							  .cut = 20};
	sample->profile.self_check = &sample->self_check;
	for (size_t i = 0; i < 2; i++)
		sample->differences[i] = (struct report_difference){
			.ours = {.profile = &sample->profile,
				 .frames = sample_leak_frames,
				 .frame_count =
					 sizeof(sample_leak_frames) / sizeof(*sample_leak_frames)},
			.libunwinds = {.profile = &sample->profile,
				       .frames = i ? others : sample_leak_frames,
				       .frame_count = i ? 2 : 3},
			.thread_id = 4712,
			.count = i ? 2 : 12,
		};
	sample->report.differences = sample->differences;
	sample->report.difference_count = 2;
}

/* Makes its first `count` sites one finding: all callers of the function that they have in common. */
static inline void sample_group(struct sample *sample, size_t count)
{
	struct report_finding *finding = &sample->finding;

	*finding = (struct report_finding){
		.kind = FINDING_CALLEE,
		.sum = sample->sites[0],
		.sites = sample->members,
		.site_count = count,
		.all_count = count,
		.share_kept = 0.052,
	};
	finding->sum.id[0] = 0;
	finding->sum.depth = 1;
	finding->sum.frames = sample_leak_frames;
	finding->sum.frame_count = 3;
	finding->sum.judgement.evidence = (struct verdict_evidence){.periods = 31,
								    .periods_that_kept = 31,
								    .kept_low = 40,
								    .kept_high = 60,
								    .births = 117000,
								    .freed = 115479,
								    .freed_within_s = 2,
								    .kept_lately = 1};
	for (size_t i = 0; i < count; i++) {
		sample->members[i] = &sample->sites[i];
		sample->sites[i].finding = finding;
	}
	sample->entries[0] = (struct report_entry){.finding = finding};
	for (size_t i = count; i < sample->report.site_count; i++)
		sample->entries[i - count + 1] = (struct report_entry){.site = &sample->sites[i]};
	sample->report.entries = sample->entries;
	sample->report.entry_count = sample->report.site_count - count + 1;
}

/* What an emitter writes, as a text for free(). */
static char *sample_text __attribute__((unused));
static size_t sample_text_bytes __attribute__((unused));
#define SAMPLE_WRITTEN(stream, call)                                                               \
	({                                                                                         \
		FILE *stream = open_memstream(&sample_text, &sample_text_bytes);                   \
		call;                                                                              \
		fclose(stream);                                                                    \
		sample_text;                                                                       \
	})

/* Makes its figures estimates; of the first site it is known how good ones. */
static inline void sample_estimate(struct sample *sample)
{
	struct report_site *first = &sample->sites[0];

	sample->profile.sample_bytes = 512 << 10;
	sample->sampling.raw.live_samples = 1234;
	sample->sampling.raw.bytes_error = 100000;
	sample->report.sampling = &sample->sampling;
	sample->sampled = (struct sampled_site){.samples = 100,
						.blocks_error = (double)first->live_blocks / 20,
						.bytes_error = (double)first->live_bytes / 10};
	first->sampled = &sample->sampled;
}

/* A scan at the end: the first site has lost 40 blocks and with them those of the second, which is one
 * finding; of the third some are possibly lost. */
static inline void sample_lose(struct sample *sample)
{
	struct report_finding *finding = &sample->finding;

	sample->scan.raw = (struct seep_scan){
		.snapshot = SAMPLE_POINTS,
		.reason = SEEP_REASON_FINAL,
		.flags = SEEP_SCAN_IS_STOPPED,
		.threads = 3,
		.pause_ns = 2500000,
		.work_ns = 40000000,
		.definitely_blocks = 40,
		.definitely_bytes = 1229,
		.indirectly_blocks = 12,
		.indirectly_bytes = 3482,
		.possibly_blocks = 5,
		.possibly_bytes = 200,
		.reachable_blocks = 95,
		.reachable_bytes = 9800,
	};
	sample->scan.time_s = 59;
	sample->profile.scan = &sample->scan;
	sample->report.scan = &sample->scan;
	sample->scanned[0] =
		(struct scanned_site){.stack = 1, .definitely = {40, 1229}, .below = {12, 3482}};
	sample->scanned[1] = (struct scanned_site){.stack = 2, .indirectly = {12, 3482}, .head = 1};
	sample->scanned[2] =
		(struct scanned_site){.stack = 3, .possibly = {5, 200}, .reachable = {95, 9800}};
	for (size_t i = 0; i < 3; i++) {
		struct report_site *site = &sample->sites[i];
		site->scanned = &sample->scanned[i];
		site->live_blocks = i == 0 ? 40 : i == 1 ? 12 : 100;
		site->live_bytes = i == 0 ? 1229 : i == 1 ? 3482 : 10000;
		if (i < 2) {
			site->judgement = (struct judgement){.verdict = VERDICT_LOST,
							     .is_flagged = true,
							     .confidence = 0.999,
							     .growth.time_to_limit_s = NAN};
		}
		site->peak_bytes = site->live_bytes;
		site->allocations = site->live_blocks;
		site->frees = 0;
	}
	sample_group(sample, 2);
	finding->kind = FINDING_LOST;
	finding->share_kept = NAN;
	finding->sum = sample->sites[0];
	finding->sum.live_bytes += sample->sites[1].live_bytes;
	finding->sum.live_blocks += sample->sites[1].live_blocks;
	finding->sum.allocations += sample->sites[1].allocations;
	sample->sites[0].frames = finding->sum.frames = sample_leak_frames;
	sample->sites[0].frame_count = finding->sum.frame_count =
		sizeof(sample_leak_frames) / sizeof(*sample_leak_frames);
}

/* The share of the process and the growth of the leak; what the program has logged itself. */
static inline void sample_cross_thresholds(struct sample *sample)
{
	sample->crossings[0] = (struct crossing){
		.kind = THRESHOLD_HEAP_SHARE, .value = 0.9, .limit = 0.8, .at_s = 12};
	sample->crossings[1] = (struct crossing){
		.kind = THRESHOLD_SITE_GROWTH,
		.site = &sample->sites[1],
		.value = 4 << 20,
		.limit = 1 << 20,
		.at_s = NAN,
	};
	sample->report.crossings = sample->crossings;
	sample->report.crossing_count = 2;
	sample->alerts[0] = (struct alert){.raw = {.kind = SEEP_ALERT_SITE_LIVE,
						   .snapshot = 2,
						   .stack = sample->sites[1].stack,
						   .value = 3000,
						   .limit = 2000},
					   .time_s = 1.5};
	sample->alerts[1] = (struct alert){
		.raw = {.kind = SEEP_ALERT_HEAP_SHARE, .snapshot = 3, .value = 900, .limit = 800},
		.time_s = 2};
	sample->profile.alerts = sample->alerts;
	sample->profile.alert_count = 2;
}

static const struct text_style sample_plain
	__attribute__((unused)) = {.width = 80, .is_utf8 = true};

/* The report as a person reads it, 80 columns wide where nothing else is said; for free(). */
static inline char *sample_report_text(const struct sample *sample,
				       struct text_report_options options)
{
	options.style = options.style.width ? options.style : sample_plain;
	options.source = "run.seep";
	return SAMPLE_WRITTEN(stream, text_report_write(stream, &sample->report, &options));
}

/* What stands behind the lines about the process. */
static inline const char *sample_below_header(const char *text)
{
	const char *empty_line = strstr(text, "\n\n");

	assert_non_null(empty_line);
	return empty_line + 2;
}

#endif
