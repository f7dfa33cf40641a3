/* SPDX-License-Identifier: Apache-2.0 */
/* test_memory_text: what a person reads of the whole process, word for word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tools/sample_report.h"
#include "tools/output/memory_text.h"
#include "tools/output/text_report.h"
#include "tools/output/text_style.h"

#define MIB 1048576u
#define MIB_PER_HOUR 1048576.0

static const struct text_style plain = {.width = 80, .is_utf8 = true};
static uint64_t level[SAMPLE_POINTS], rising[SAMPLE_POINTS];

/* 100 MiB requested, 256 MiB resident; the file says everything. */
static struct sample *sample_of(size_t site_count, const enum verdict *verdicts)
{
	struct sample *sample = sample_new(site_count, verdicts);
	struct process_memory *memory = &sample->report.process_memory;
	static const uint64_t mib[PART_COUNT] = {
		[PART_REQUESTED] = 100, [PART_BETWEEN] = 50, [PART_KEPT] = 40,
		[PART_OUTSIDE] = 16,	[PART_FILES] = 30,   [PART_OWN] = 20,
		[PART_RESIDENT] = 256,	[PART_SWAPPED] = 0,
	};
	for (size_t i = 0; i < SAMPLE_POINTS; i++) {
		level[i] = MIB;
		rising[i] = i < 3 ? MEMORY_NOT_KNOWN : i * MIB;
	}
	for (int part = 0; part < PART_COUNT; part++)
		memory->figures[part] = (struct memory_figure){
			.is_known = true,
			.bytes = mib[part] * MIB,
			.peak_bytes = mib[part] * MIB + mib[part] * MIB / 10,
			.series = level,
			.has_growth = true,
			.bytes_per_hour = 3 * MIB_PER_HOUR, /* of a warm-up, say */
		};
	memory->verdict = MEMORY_STABLE;
	memory->confidence = 0.95;
	return sample;
}

static void add(struct sample *sample, enum memory_verdict verdict, enum memory_part part,
		double mib_per_hour)
{
	struct process_memory *memory = &sample->report.process_memory;
	struct memory_figure *figure = &memory->figures[part];
	memory->findings[memory->finding_count++] = (struct memory_finding){
		.verdict = verdict,
		.part = part,
		.bytes_per_hour = mib_per_hour * MIB_PER_HOUR,
		.bytes = figure->bytes,
		.confidence = 0.99,
	};
	memory->verdict = memory->findings[0].verdict;
	figure->keeps_growing = mib_per_hour > 0;
	figure->bytes_per_hour = mib_per_hour * MIB_PER_HOUR;
	figure->series = mib_per_hour > 0 ? rising : level;
}

static char *text_of(const struct sample *sample, int width)
{
	struct text_style style = plain;
	style.width = width;
	return SAMPLE_WRITTEN(stream, memory_text_write(stream, &style, &sample->report));
}

/* The sentences behind the table. */
static void expect_sentences(struct sample *sample, const char *expected)
{
	char *text = text_of(sample, 80);
	const char *sentences = strstr(text, "all that is resident");
	assert_non_null(sentences);
	assert_string_equal(strchr(sentences, '\n') + 1, expected);
	free(text);
	free(sample);
}

static void the_table_adds_up(void **state)
{
	(void)state;
	static const char expected[] =
		"\n"
		"Memory                        end      peak       growth\n"
		"  requested               100 MiB   110 MiB  +12.0 MiB/h  ▁▁▁▂▃▃▄▄▅▅▆▆▇▇██\n"
		"  free between blocks    50.0 MiB  55.0 MiB               ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅\n"
		"  free, kept by malloc   40.0 MiB  44.0 MiB               ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅\n"
		"  outside malloc         16.0 MiB  17.6 MiB               ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅\n"
		"  files, shared memory   30.0 MiB  33.0 MiB               ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅\n"
		"  seep itself            20.0 MiB  22.0 MiB               ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅\n"
		"  all that is resident    256 MiB   282 MiB               ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅\n"
		"Leak: the one above adds 12.0 MiB/h to what is requested.\n";
	struct sample *sample = sample_of(1, (enum verdict[]){VERDICT_LEAK});
	sample->report.process_memory.leak_count = 1;
	add(sample, MEMORY_LEAK, PART_REQUESTED, 12);
	char *text = text_of(sample, 80);
	assert_string_equal(text, expected);
	free(text);
	/* That of a moment before, and of a process that goes on. */
	sample->report.last_snapshot--;
	text = text_of(sample, 80);
	assert_non_null(strstr(text, "\nMemory                       then      peak"));
	free(text);
	sample->report.last_snapshot++;
	sample->profile.is_running = true;
	text = text_of(sample, 80);
	assert_non_null(strstr(text, "\nMemory                        now      peak"));
	free(text);
	/* What is narrow has no room for curves. */
	text = text_of(sample, 60);
	assert_null(strstr(text, "▅"));
	assert_non_null(
		strstr(text, "\n  requested               100 MiB   110 MiB  +12.0 MiB/h\n"));
	free(text);
	free(sample);
}

static void what_malloc_holds_is_shown_where_its_parts_are_not_known(void **state)
{
	(void)state;
	struct sample *sample = sample_of(0, NULL);
	struct memory_figure *figures = sample->report.process_memory.figures;
	figures[PART_HEAP_RESIDENT].bytes = figures[PART_HEAP_RESIDENT].peak_bytes = 190 * MIB;
	char *text = text_of(sample, 80);
	assert_null(strstr(text, "malloc holds"));
	free(text);
	figures[PART_BETWEEN].is_known = figures[PART_KEPT].is_known = false; /* with --sample */
	text = text_of(sample, 80);
	assert_null(strstr(text, "kept by malloc"));
	assert_non_null(strstr(text, "\n  all that malloc holds   190 MiB   190 MiB  "));
	free(text);
	free(sample);
}

static void every_finding_has_a_sentence(void **state)
{
	(void)state;
	struct sample *sample = sample_of(0, NULL);
	expect_sentences(sample, "Stable: no part of it keeps growing.\n");

	sample = sample_of(0, NULL);
	sample->report.process_memory.figures[PART_FILES].keeps_growing = true;
	expect_sentences(
		sample,
		"Stable: no part of it keeps growing but pages of files, which the kernel takes\n"
		"back when it needs them.\n");

	sample = sample_of(0, NULL);
	sample->report.process_memory.leak_count = 3;
	sample->report.process_memory.grown_sites = 1;
	add(sample, MEMORY_LEAK, PART_REQUESTED, 9);
	add(sample, MEMORY_GROWING, PART_REQUESTED, 5);
	expect_sentences(
		sample,
		"Leaks: the 3 above add 9.00 MiB/h to what is requested.\n"
		"Growing: what else is requested keeps growing, by 5.00 MiB/h, nearly all of it\n"
		"at 1 site that is not flagged as a leak.\n");

	sample = sample_of(0, NULL);
	sample->report.process_memory.grown_sites = 1200;
	add(sample, MEMORY_GROWING, PART_REQUESTED, 5);
	expect_sentences(sample,
			 "Growing: what is requested keeps growing, by 5.00 MiB/h, nearly all of "
			 "it at\n1,200 sites of which none is flagged as a leak.\n");

	sample = sample_of(0, NULL);
	add(sample, MEMORY_OUTSIDE_MALLOC, PART_OUTSIDE, 5);
	expect_sentences(sample,
			 "Growth outside malloc: 5.00 MiB/h of memory that no malloc call asked "
			 "for:\nmappings, stacks of threads, or an allocator of the program's own. "
			 "seep run\n--track=mmap shows who maps it.\n");

	/* Of an interpreter it is known what is to be done. */
	sample = sample_of(0, NULL);
	static char python[] = "/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0";
	sample->modules[1].path = python;
	add(sample, MEMORY_OUTSIDE_MALLOC, PART_OUTSIDE, 5);
	expect_sentences(sample,
			 "Growth outside malloc: 5.00 MiB/h of memory that no malloc call asked "
			 "for:\nmappings, stacks of threads, or an allocator of the program's own. "
			 "seep run\n--track=mmap shows who maps it. PYTHONMALLOC=malloc in its "
			 "environment shows\nwhat Python asks for.\n");

	sample = sample_of(0, NULL);
	sample->profile.tracks_mappings = true;
	add(sample, MEMORY_OUTSIDE_MALLOC, PART_OUTSIDE, 5);
	expect_sentences(
		sample,
		"Growth outside malloc: 5.00 MiB/h of memory that no malloc call asked for:\n"
		"mappings, stacks of threads, or an allocator of the program's own. The sites\n"
		"with [mmap] show who maps it.\n");

	sample = sample_of(0, NULL);
	add(sample, MEMORY_OUTSIDE_MALLOC, PART_FILES, 5);
	expect_sentences(
		sample, "Growth outside malloc: 5.00 MiB/h of pages of files and of shared memory. "
			"The\nkernel can take back those of files, but not shared memory.\n");
}

static void fragmentation_names_the_sites_that_pin(void **state)
{
	(void)state;
	struct sample *sample = sample_of(2, (enum verdict[]){VERDICT_STABLE, VERDICT_LEAK});
	struct report_pin pins[] = {{&sample->sites[0], 30 * MIB}, {&sample->sites[1], 9 * MIB}};
	sample->report.pins = pins;
	sample->report.pin_count = 2;
	add(sample, MEMORY_FRAGMENTATION, PART_BETWEEN, 0);
	add(sample, MEMORY_OUTSIDE_MALLOC, PART_OUTSIDE, 5);
	expect_sentences(
		sample,
		"Fragmentation: 50.0 MiB are free, but on pages with live blocks, so that nobody\n"
		"gets them back.\n"
		"Pinned by the live blocks of:\n"
		"    30.0 MiB  dictExpand dict.c:151\n"
		"    9.00 MiB  open_session server.c:88\n"
		"Growth outside malloc: 5.00 MiB/h of memory that no malloc call asked "
		"for:\nmappings, stacks of threads, or an allocator of the program's own. "
		"seep run\n--track=mmap shows who maps it.\n");
}

static void advice_fits_the_allocator(void **state)
{
	(void)state;
	struct sample *sample = sample_of(0, NULL);
	add(sample, MEMORY_NOT_RETURNED, PART_KEPT, 0);
	expect_sentences(
		sample,
		"Not returned: 40.0 MiB are free in whole pages that malloc keeps. With glibc,\n"
		"malloc_trim(0) in the program gives them back; MALLOC_TRIM_THRESHOLD_=131072 in\n"
		"its environment gives back what is free at the end of the heap.\n");
	sample = sample_of(0, NULL);
	sample->snapshots[SAMPLE_POINTS - 1].raw.threads = 24;
	add(sample, MEMORY_NOT_RETURNED, PART_KEPT, 7);
	expect_sentences(
		sample,
		"Not returned: what malloc keeps in free pages grows by 7.00 MiB/h. With glibc,\n"
		"malloc_trim(0) in the program gives them back; MALLOC_TRIM_THRESHOLD_=131072 in\n"
		"its environment gives back what is free at the end of the heap, and\n"
		"MALLOC_ARENA_MAX=2 lets its 24 threads share what each of them keeps.\n");
	static char jemalloc[] = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2";
	sample = sample_of(0, NULL);
	sample->modules[1].path = jemalloc;
	add(sample, MEMORY_NOT_RETURNED, PART_KEPT, 0);
	expect_sentences(
		sample,
		"Not returned: 40.0 MiB are free in whole pages that malloc keeps. jemalloc gives\n"
		"them back sooner with MALLOC_CONF=dirty_decay_ms:0,muzzy_decay_ms:0.\n");
}

static void a_short_run_says_nothing(void **state)
{
	(void)state;
	struct sample *sample = sample_of(0, NULL);
	struct process_memory *memory = &sample->report.process_memory;
	memory->verdict = MEMORY_UNKNOWN;
	char *text = text_of(sample, 80);
	assert_string_equal(text, "");
	free(text);
	/* Unless something grows, and nobody knows what. */
	memory->figures[PART_RESIDENT].keeps_growing = true;
	memory->figures[PART_KEPT].is_known = false;
	text = text_of(sample, 80);
	assert_null(strstr(text, "kept by malloc"));
	assert_non_null(
		strstr(text, "What is resident keeps growing, what is requested does not."));
	free(text);
	free(sample);
}

static void a_leak_that_does_not_show_is_said_to_be_small(void **state)
{
	(void)state;
	struct sample *sample = sample_of(1, (enum verdict[]){VERDICT_LEAK});
	sample->report.entry_count = 1;
	sample->report.entries = sample->entries;
	sample->entries[0].site = &sample->sites[0];
	expect_sentences(sample,
			 "Stable as a whole: the leak above is too small beside the rest to "
			 "show here yet.\n");
}

/* Nor is a line cut off that says so. */
static void what_grows_at_many_sites_is_not_said_to_grow_at_none(void **state)
{
	(void)state;
	struct sample *sample = sample_of(1, (enum verdict[]){VERDICT_STABLE});
	struct text_report_options options = {.style = plain, .source = "run.seep"};
	sample->report.process_memory.grown_sites = 2700;
	add(sample, MEMORY_GROWING, PART_REQUESTED, 1034.24);
	options.style.width = 80;
	char *text = SAMPLE_WRITTEN(stream, text_report_write(stream, &sample->report, &options));
	assert_non_null(strstr(text, "\nNo site stands out, seen over "));
	assert_non_null(strstr(text, "\nMemory: what is requested keeps growing, by 1.01 GiB/h at "
				     "2,700 sites.\n"));
	free(text);
	/* Where there is room, it is said where more is. */
	options.style.width = 100;
	text = SAMPLE_WRITTEN(stream, text_report_write(stream, &sample->report, &options));
	assert_non_null(strstr(text, "1.01 GiB/h at 2,700 sites, see below.\n"));
	free(text);
	free(sample);
}

static void what_sites_do_not_show_stands_above_them(void **state)
{
	(void)state;
	struct sample *sample = sample_of(1, (enum verdict[]){VERDICT_STABLE});
	struct text_report_options options = {.style = plain, .source = "run.seep"};
	char brief[MEMORY_BRIEF_BYTES];
	assert_false(memory_text_brief(&sample->report, brief));
	add(sample, MEMORY_LEAK, PART_REQUESTED, 5);
	assert_false(memory_text_brief(&sample->report, brief));
	assert_null(memory_text_word(&sample->report));
	add(sample, MEMORY_FRAGMENTATION, PART_BETWEEN, 4);
	assert_string_equal(memory_text_word(&sample->report), "fragmentation");
	char *text = SAMPLE_WRITTEN(stream, text_report_write(stream, &sample->report, &options));
	const char *line = strstr(text, "\nMemory: fragmentation grows by 4.00 MiB/h, see below.\n"
					"\n 1. stable");
	assert_non_null(line);
	assert_non_null(strstr(line, "\n\nMemory                        end"));
	free(text);
	free(sample);
	/* A check shows what is flagged, and not that table. */
	sample = sample_of(1, (enum verdict[]){VERDICT_LEAK});
	add(sample, MEMORY_FRAGMENTATION, PART_BETWEEN, 4);
	options.has_findings_only = true;
	text = SAMPLE_WRITTEN(stream, text_report_write(stream, &sample->report, &options));
	assert_non_null(strstr(text, "\nMemory: fragmentation grows by 4.00 MiB/h.\n"));
	free(text);
	free(sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_adds_up),
		cmocka_unit_test(what_malloc_holds_is_shown_where_its_parts_are_not_known),
		cmocka_unit_test(every_finding_has_a_sentence),
		cmocka_unit_test(fragmentation_names_the_sites_that_pin),
		cmocka_unit_test(advice_fits_the_allocator),
		cmocka_unit_test(a_short_run_says_nothing),
		cmocka_unit_test(a_leak_that_does_not_show_is_said_to_be_small),
		cmocka_unit_test(what_grows_at_many_sites_is_not_said_to_grow_at_none),
		cmocka_unit_test(what_sites_do_not_show_stands_above_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
