/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/tools/sample_report.h"
#include "tools/output/process_brief.h"
#include "tools/output/text_style.h"

static const struct text_style style = {.is_utf8 = true, .width = 80};

/* The line about a report with one site of this verdict, changed by `change` where it is given. */
static char *line_of(enum verdict verdict, void (*change)(struct sample *sample))
{
	struct sample *sample = sample_new(1, &verdict);
	struct process_brief brief;

	if (change)
		change(sample);
	assert_int_equal(process_brief_make(&brief, &sample->report), 0);
	free(sample);
	return SAMPLE_WRITTEN(stream, process_brief_write(stream, &style, &brief));
}

static void has_no_snapshot(struct sample *sample)
{
	sample->profile.snapshot_count = 0;
}

static void has_freed_all(struct sample *sample)
{
	sample->snapshots[SAMPLE_POINTS - 1].raw.live_blocks = 0;
	sample->snapshots[SAMPLE_POINTS - 1].raw.live_bytes = 0;
	sample->report.site_count = 0;
}

static void has_no_rate(struct sample *sample)
{
	for (size_t i = 0; i < sample->report.site_count; i++)
		sample->sites[i].judgement.growth.bytes_per_hour = 0;
}

static void is_sampled(struct sample *sample)
{
	sample->profile.sample_bytes = 4096;
}

static void has_freed_all_samples(struct sample *sample)
{
	has_freed_all(sample);
	is_sampled(sample);
}

static void runs_under_a_bad_name(struct sample *sample)
{
	sample->profile.is_running = true;
	sample->profile.name = "\033[2J\nworker";
}

static void has_memory_finding(struct sample *sample, enum memory_verdict verdict)
{
	struct process_memory *memory = &sample->report.process_memory;

	memory->findings[memory->finding_count++] = (struct memory_finding){.verdict = verdict};
	memory->verdict = memory->findings[0].verdict;
}

static void is_fragmented(struct sample *sample)
{
	has_memory_finding(sample, MEMORY_FRAGMENTATION);
}

/* Its sites say that. */
static void only_leaks(struct sample *sample)
{
	has_memory_finding(sample, MEMORY_LEAK);
}

static void says_in_one_line_what_a_report_comes_to(void **state)
{
	static const struct {
		enum verdict verdict;
		void (*change)(struct sample *sample);
		const char *line;
	} cases[] = {
		{VERDICT_LEAK, NULL,
		 "  server (4711)             1 m 01 s    3.72 MiB live  1 leak, +4.20 MiB/h\n"},
		{VERDICT_LOST, NULL,
		 "  server (4711)             1 m 01 s    3.72 MiB live  3.72 MiB lost\n"},
		{VERDICT_GROWING, NULL,
		 "  server (4711)             1 m 01 s    3.72 MiB live  1 site grows, +4.20 "
		 "MiB/h\n"},
		{VERDICT_GROWING, has_no_rate,
		 "  server (4711)             1 m 01 s    3.72 MiB live  1 site grows\n"},
		{VERDICT_UNFREED, NULL,
		 "  server (4711)             1 m 01 s    3.72 MiB live  too short to judge\n"},
		{VERDICT_STABLE, NULL,
		 "  server (4711)             1 m 01 s    3.72 MiB live  no site grows\n"},
		{VERDICT_STABLE, has_freed_all,
		 "  server (4711)             1 m 01 s         0 B live  every block was freed\n"},
		{VERDICT_STABLE, has_freed_all_samples,
		 "  server (4711)             1 m 01 s        ~0 B live  every sample was freed\n"},
		{VERDICT_LEAK, is_sampled,
		 "  server (4711)             1 m 01 s   ~3.72 MiB live  1 leak, +4.20 MiB/h\n"},
		{VERDICT_STABLE, has_no_snapshot,
		 "  server (4711)             1 m 01 s         0 B live  no snapshot in the "
		 "file\n"},
		{VERDICT_STABLE, is_fragmented,
		 "  server (4711)             1 m 01 s    3.72 MiB live  fragmentation\n"},
		{VERDICT_LEAK, only_leaks,
		 "  server (4711)             1 m 01 s    3.72 MiB live  1 leak, +4.20 MiB/h\n"},
		{VERDICT_STABLE, runs_under_a_bad_name,
		 "  �[2J�worker (4711)        1 m 01 s    3.72 MiB live  no site grows, "
		 "running\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *line = line_of(cases[i].verdict, cases[i].change);
		assert_string_equal(line, cases[i].line);
		free(line);
	}
}

static void puts_first_what_needs_attention(void **state)
{
	const struct process_brief fast = {.flagged_count = 1, .bytes_per_hour = 9, .pid = 1};
	const struct process_brief slow = {.flagged_count = 2, .bytes_per_hour = 5, .pid = 2};
	const struct process_brief grows = {.growing_count = 1, .bytes_per_hour = 99, .pid = 3};
	const struct process_brief crosses = {.crossing_count = 1, .growing_count = 1, .pid = 9};
	const struct process_brief pinned = {.memory = "fragmentation", .pid = 8};
	const struct process_brief large = {.live_bytes = 7, .pid = 4};
	const struct process_brief small = {.live_bytes = 1, .pid = 5};
	const struct process_brief next = {.live_bytes = 1, .pid = 6};
	const struct process_brief *const order[] = {&fast,   &slow,  &crosses, &grows,
						     &pinned, &large, &small,	&next};

	(void)state;
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		for (size_t j = 0; j < sizeof(order) / sizeof(*order); j++) {
			int result = process_brief_compare(order[i], order[j]);
			assert_int_equal((result > 0) - (result < 0), (i > j) - (i < j));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_in_one_line_what_a_report_comes_to),
		cmocka_unit_test(puts_first_what_needs_attention),
	};

	return cmocka_run_group_tests_name("process_brief", tests, NULL, NULL);
}
