/* SPDX-License-Identifier: Apache-2.0 */
/* test_text_report: what a person reads, word for word; and that no line is ever too wide. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "tests/unit/tools/sample_report.h"
#include "tools/output/text_line.h"
#include "tools/output/text_report.h"
#include "tools/output/utf8.h"

static void shows_what_is_lost_with_what_it_held(void **state)
{
	(void)state;
	static const enum verdict verdicts[] = {VERDICT_LOST, VERDICT_LOST, VERDICT_UNFREED};
	static const char expected[] =
		"server (pid 4711), killed by SIGKILL\n"
		"  command   ./server --port 8080 --name 'night shift'\n"
		"  started   2026-11-21 01:50:12, ran for 1 m 01 s, 40 snapshots in the file\n"
		"  live      3.72 MiB in 39,000 blocks; process 31.0 MiB resident (RSS)\n"
		"  activity  1,170,000 allocations, 1,131,000 frees\n"
		"  lost      40 blocks (1.20 KiB) definitely lost, 12 (3.40 KiB) with them; 5\n"
		"            blocks (200 B) possibly lost\n"
		"\n"
		"1 lost: 4.60 KiB at open_session server.c:88\n"
		"\n"
		" 1. LOST  4.60 KiB in 52 blocks\n"
		"    over 99 % sure, 52 allocated, 0 freed\n"
		"    all 40 blocks (1.20 KiB) are definitely lost, with 3.40 KiB in 12 blocks\n"
		"    that only they hold\n"
		"      via operator new ← xmalloc\n"
		"      open_session   server.c:88\n"
		"      accept_one     server.c:140 inlined\n"
		"      handle_events  events.c:31\n"
		"      main           server/main.c:201\n"
		"    lost with it:\n"
		"      3.40 KiB in 12 blocks  dictExpand dict.c:151 ← dictAdd ← main\n"
		"\n"
		" 2. unfreed  9.77 KiB in 100 blocks\n"
		"    100 allocated, 0 freed\n"
		"    5 of 100 blocks (200 B) are possibly lost: no pointer to their start is left\n"
		"      dictExpand  dict.c:151\n"
		"      dictAdd     dict.c:300\n"
		"      main        server/main.c:20\n"
		"\n"
		"Next: see the whole stacks: seep report --full-stacks run.seep\n";
	struct sample *sample = sample_new(3, verdicts);
	sample_lose(sample);
	char *text = sample_report_text(sample, (struct text_report_options){.site_limit = 5});
	assert_string_equal(text, expected);
	free(text);
	free(sample);
}

static void shows_every_verdict(void **state)
{
	(void)state;
	static const char expected[] =
		"server (pid 4711), killed by SIGKILL\n"
		"  command   ./server --port 8080 --name 'night shift'\n"
		"  started   2026-11-21 01:50:12, ran for 1 m 01 s, 40 snapshots in the file\n"
		"  live      3.72 MiB in 39,000 blocks; process 31.0 MiB resident (RSS)\n"
		"  activity  1,170,000 allocations, 1,131,000 frees\n"
		"\n"
		"1 leak, 1 lost: +4.20 MiB/h, first at dictExpand dict.c:151\n"
		"\n"
		" 1. LOST  3.72 MiB in 39,000 blocks  +4.20 MiB/h (3.91 to 4.49)\n"
		"    since 3.2 s into the run, over 99 % sure, severity high\n"
		"    ▁▁▁▁▂▂▂▂▂▃▃▃▃▄▄▄▅▅▅▅▆▆▆▆▇▇▇▇████  0 B → 3.72 MiB  100 ms to 59 s\n"
		"      dictExpand  dict.c:151\n"
		"      dictAdd     dict.c:300\n"
		"      main        server/main.c:20\n"
		"\n"
		" 2. LEAK  3.72 MiB in 39,000 blocks  +4.20 MiB/h (3.91 to 4.49)\n"
		"    since 3.2 s into the run, over 99 % sure, severity high\n"
		"    ▁▁▁▁▂▂▂▂▂▃▃▃▃▄▄▄▅▅▅▅▆▆▆▆▇▇▇▇████  0 B → 3.72 MiB  100 ms to 59 s\n"
		"      via operator new ← xmalloc\n"
		"      open_session   server.c:88\n"
		"      accept_one     server.c:140 inlined\n"
		"      handle_events  events.c:31\n"
		"      main           server/main.c:201\n"
		"\n"
		" 3. growing  3.72 MiB in 39,000 blocks  +4.20 MiB/h (3.91 to 4.49)\n"
		"    since 3.2 s into the run, 60 % sure, 6 more snapshots would decide\n"
		"    ▁▁▁▁▂▂▂▂▂▃▃▃▃▄▄▄▅▅▅▅▆▆▆▆▇▇▇▇████  0 B → 3.72 MiB  100 ms to 59 s\n"
		"      via operator new\n"
		"      std::_Rb_tree<…>::_M_emplace_hint_unique<…>    stl_tree.h:2457 inlined\n"
		"      {anonymous}::Cache<std::string, Page>::insert  cache.h:77 (libcache.so.3)\n"
		"      libplugin.so+0x4660\n"
		"      0x7f1234567000\n"
		"      [deeper frames cut]\n"
		"\n"
		" 4. saturating  964 KiB in 9,868 blocks  ▁▂▄▅▆▆▇▇████████        grows ever less\n"
		"    dictExpand dict.c:151 ← dictAdd ← main\n"
		" 5. plateau  732 KiB in 7,500 blocks  ▁▂▄▅▇███████████        grew, then stopped\n"
		"    dictExpand dict.c:151 ← dictAdd ← main\n"
		" 6. periodic  205 KiB in 2,100 blocks  ▃▅█▂▅▇▂▄▆▁▃▆█▃▅█           comes and goes\n"
		"    dictExpand dict.c:151 ← dictAdd ← main\n"
		" 7. unfreed  410 KiB in 4,200 blocks                             live at the end\n"
		"    dictExpand dict.c:151 ← dictAdd ← main\n"
		" 8. stable  410 KiB in 4,200 blocks  ▅▄▄▄▄▅▅▄▄▄▅▅▄▄▄▄\n"
		"    dictExpand dict.c:151 ← dictAdd ← main\n"
		"\n"
		"Next: see what grew from first to last snapshot: seep diff run.seep\n"
		"      or let the next run look who holds that, or whether it is lost:\n"
		"      seep run --scan=exit …\n";
	struct sample *sample = sample_of_all_verdicts();
	char *text = sample_report_text(sample, (struct text_report_options){.site_limit = 10});

	assert_string_equal(text, expected);
	free(text);
	free(sample);
}

static void marks_are_listed_and_it_is_said_whether_they_tell(void **state)
{
	(void)state;
	static char idle[] = "idle", busy[] = "busy";
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_STABLE});
	for (size_t i = 30; i < 38; i++) {
		sample->snapshots[i].reason = SEEP_REASON_MARK;
		sample->snapshots[i].label = i < 32 ? busy : idle;
	}
	char *text = sample_report_text(sample, (struct text_report_options){0});
	assert_non_null(strstr(text, "\n  marks     \"idle\" 6 times, \"busy\" 2 times\n"));
	free(text);
	sample->snapshots[36].reason = sample->snapshots[37].reason = SEEP_REASON_INTERVAL;
	text = sample_report_text(sample, (struct text_report_options){0});
	assert_non_null(strstr(text,
			       "\n  marks     \"idle\" 4 times, \"busy\" 2 times; 5 of a "
			       "label are needed to say what\n            grows between them\n"));
	free(text);
	for (size_t i = 0; i < 40; i++) {
		sample->snapshots[i].reason = i < 6 ? SEEP_REASON_MARK : SEEP_REASON_INTERVAL;
		sample->snapshots[i].label = idle;
	}
	text = sample_report_text(sample, (struct text_report_options){0});
	assert_non_null(strstr(text, "\n  marks     \"idle\" 6 times; too long before the end to "
				     "say what grows now\n"));
	free(text);
	free(sample);
}

static void a_site_that_its_marks_have_cleared_says_why(void **state)
{
	(void)state;
	struct sample *sample = sample_new(2, (enum verdict[]){VERDICT_PLATEAU, VERDICT_PLATEAU});
	sample->sites[0].judgement.marks =
		(struct mark_evidence){.label = "idle", .word = MARKS_SAY_LEVEL, .mark_count = 9};
	char *text = sample_report_text(sample, (struct text_report_options){0});
	assert_non_null(strstr(
		text, "    dictExpand dict.c:151 ← dictAdd ← main\n"
		      "    it is level from one \"idle\" to the next: what it gained in between "
		      "was given\n    back\n 2. plateau"));
	free(text);
	free(sample);
}

static void says_why(void **state)
{
	(void)state;
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_LEAK});
	sample->sites[0].judgement.evidence = (struct verdict_evidence){
		.periods = 31, .periods_that_kept = 27, .kept_low = 40, .kept_high = 60};
	char *text = sample_report_text(sample, (struct text_report_options){0});

	assert_non_null(strstr(text,
			       " severity high\n"
			       "    27 of 31 periods left 40 to 60 blocks that nothing freed\n"
			       "    it goes on as fast as in the beginning\n"
			       "    ▁"));
	free(text);
	free(sample);
}

static void falls_back_to_ascii(void **state)
{
	(void)state;
	static const char expected[] =
		"1 leak: +4.20 MiB/h at open_session server.c:88\n"
		"\n"
		" 1. LEAK  3.72 MiB in 39,000 blocks  +4.20 MiB/h (3.91 to 4.49)\n"
		"    since 3.2 s into the run, over 99 % sure, severity high\n"
		"    ____.....::::---====++++****####  0 B -> 3.72 MiB  100 ms to 59 s\n"
		"      via operator new <- xmalloc\n"
		"      open_session   server.c:88\n"
		"      accept_one     server.c:140 inlined\n"
		"      handle_events  events.c:31\n"
		"      main           server/main.c:201\n"
		"\n"
		"Next: see what grew from first to last snapshot: seep diff run.seep\n"
		"      or let the next run look who holds that, or whether it is lost:\n"
		"      seep run --scan=exit ...\n";
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_LEAK});
	char *text = sample_report_text(
		sample, (struct text_report_options){.style = {.width = 80}, .site_limit = 10});

	assert_string_equal(sample_below_header(text), expected);
	for (const char *c = text; *c; c++)
		assert_true((unsigned char)*c < 0x80);
	free(text);
	free(sample);
}

static void tells_the_peak_of_what_was_freed_at_the_end(void **state)
{
	(void)state;
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_LEAK});
	sample->sites[0].live_bytes = sample->sites[0].live_blocks = 0;
	sample->sites[0].peak_bytes = 1258291;
	sample->sites[0].peak_blocks = 3000;
	char *text = sample_report_text(sample, (struct text_report_options){0});
	assert_non_null(strstr(
		text, "\n 1. LEAK  1.20 MiB in 3,000 blocks at its peak, freed at the end\n"));
	assert_null(strstr(text, "freed when"));
	free(text);

	sample->sites[0].live_bytes = 24;
	sample->sites[0].live_blocks = 1;
	text = sample_report_text(sample, (struct text_report_options){0});
	assert_non_null(strstr(text, " at its peak, all but 24 B freed at the end\n"));
	free(text);

	/* Nobody knows yet how it ends. */
	sample->profile.is_running = true;
	text = sample_report_text(sample, (struct text_report_options){0});
	assert_non_null(strstr(text, " at its peak, all but 24 B freed since\n"));
	assert_null(strstr(text, "freed when"));
	free(text);
	free(sample);
}

/* That of a short run is worth a word, and so is how old it is. */
static void a_scan_that_found_nothing_is_mentioned(void **state)
{
	(void)state;
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_UNFREED});
	struct scan scan = {.raw = {.snapshot = SAMPLE_POINTS,
				    .reason = SEEP_REASON_REQUEST,
				    .pause_ns = 2000000},
			    .time_s = 58.6};
	sample->report.scan = &scan;
	char *text = sample_report_text(sample, (struct text_report_options){0});
	assert_non_null(strstr(text,
			       "\n  lost      nothing is lost, every block can be reached; the "
			       "program stood still\n            for 2 ms\n"));
	assert_non_null(strstr(text,
			       "\nToo short to judge growth (40 snapshots in 1 m 01 s), nothing "
			       "lost: what is"));
	free(text);

	scan.raw.snapshot--;
	scan.time_s = 3;
	text = sample_report_text(sample, (struct text_report_options){0});
	assert_non_null(strstr(text,
			       "\n  lost      when it was looked at, 3.0 s into the run: nothing "
			       "is lost"));
	free(text);

	scan.raw.outcome = SEEP_SCAN_TOO_LATE;
	text = sample_report_text(sample, (struct text_report_options){0});
	assert_non_null(
		strstr(text, "\n  lost      what is lost is not known: the program was gone"));
	assert_null(strstr(text, "nothing lost"));
	free(text);
	free(sample);
}

static void a_leak_in_a_library_is_named_by_its_caller_too(void **state)
{
	(void)state;
	static const char expected[] = "1 leak: +4.20 MiB/h at prepare (libsqlite3.so.0)\n"
				       "    called from transfer bank.c:7\n"
				       "\n";
	static const char without[] = "1 leak: +4.20 MiB/h at prepare (libsqlite3.so.0)\n\n";
	struct frame frames[] = {
		{.function = "prepare", .module = "/usr/lib/x86_64-linux-gnu/libsqlite3.so.0"},
		{.function = "step", .module = "/lib64/libsqlite3.so.0"},
		{.function = "transfer", .file = "/src/bank.c", .line = 7, .module = SERVER},
		{.function = "main", .file = "/src/bank.c", .line = 20, .module = SERVER},
		{.function = "__libc_start_call_main", .module = LIBC},
		{.function = "_start", .module = SERVER},
	};
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_LEAK});
	sample->sites[0].frames = frames;
	sample->sites[0].frame_count = 6;
	char *text = sample_report_text(sample, (struct text_report_options){0});
	assert_memory_equal(sample_below_header(text), expected, strlen(expected));
	free(text);
	/* Called by nobody but what starts a program, of which nothing can be mended. */
	memmove(&frames[2], &frames[4], 2 * sizeof(*frames));
	sample->sites[0].frame_count = 4;
	text = sample_report_text(sample, (struct text_report_options){0});
	assert_memory_equal(sample_below_header(text), without, strlen(without));
	free(text);
	free(sample);
}

static void no_forecast_is_made_over_many_times_what_was_seen(void **state)
{
	(void)state;
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_LEAK});
	struct growth *growth = &sample->sites[0].judgement.growth;
	static const struct {
		double spans, days;
		bool is_told;
	} cases[] = {{4900, 0, true}, {5100, 0, false}, {0, 89, true}, {0, 91, false}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		growth->time_to_limit_s =
			cases[i].spans * sample->report.span_s + cases[i].days * 86400;
		if (cases[i].days)
			sample->report.span_s = 1e6;
		char *text = sample_report_text(sample, (struct text_report_options){0});
		assert_int_equal(strstr(text, "at the memory limit in") != NULL, cases[i].is_told);
		free(text);
	}
	free(sample);
}

static void says_when_there_is_no_snapshot(void **state)
{
	(void)state;
	struct sample *sample = sample_new(0, NULL);
	sample->profile.snapshot_count = 0;
	sample->report.snapshot_count = 0;
	sample->report.point_count = 0;
	char *text = sample_report_text(sample, (struct text_report_options){0});

	assert_non_null(strstr(text, "No snapshot in the file"));
	free(text);
	free(sample);
}

static void sums_up_what_the_limit_leaves_out(void **state)
{
	(void)state;
	struct sample *sample = sample_new(
		4, (enum verdict[]){VERDICT_LEAK, VERDICT_LEAK, VERDICT_STABLE, VERDICT_STABLE});
	char *text = sample_report_text(sample, (struct text_report_options){.site_limit = 1});

	assert_non_null(strstr(text, "\n3 more sites (1 flagged) with 4.52 MiB in 47,400 blocks:\n"
				     "seep report --top=0 run.seep\n"));
	assert_null(strstr(text, " 2. "));
	free(text);
	free(sample);
}

static void quotes_the_command_and_keeps_it_whole(void **state)
{
	(void)state;
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_LEAK});
	sample->profile.path = "/a folder/with a name that takes more than half a line/it's.seep";
	char *text = sample_report_text(sample, (struct text_report_options){0});

	assert_non_null(strstr(text, "snapshot:\n      seep diff '/a folder/with a name that takes "
				     "more than half a line/it'\\''s.seep'\n"));
	free(text);
	free(sample);
}

static void works_without_symbols(void **state)
{
	(void)state;
	static struct frame frames[] = {{.module = SERVER, .offset = 0x4660}, {.offset = 0x7f00}};
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_LEAK});
	sample->sites[0].frames = frames;
	sample->sites[0].frame_count = 2;
	char *text = sample_report_text(sample, (struct text_report_options){0});

	assert_non_null(strstr(text, "at server+0x4660\n"));
	assert_non_null(strstr(text, "      server+0x4660\n      0x7f00\n"));
	free(text);
	sample->sites[0].frames = NULL;
	sample->sites[0].frame_count = 0;
	text = sample_report_text(sample, (struct text_report_options){0});
	assert_non_null(strstr(text, "(no stack was recorded)"));
	free(text);
	free(sample);
}

static void shows_notes_and_a_next_step(void **state)
{
	(void)state;
	static const char *const notes[] = {"libfoo.so is not the one that ran.", NULL};
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_GROWING});
	sample->profile.is_running = true;
	char *text = sample_report_text(sample, (struct text_report_options){.notes = notes});

	assert_non_null(strstr(text, "\nNote: libfoo.so is not the one that ran.\n"));
	assert_non_null(strstr(text, "\nNext: "));
	assert_non_null(strstr(text, "seep snapshot 4711"));
	free(text);
	free(sample);
}

static void full_stacks_leave_nothing_out(void **state)
{
	(void)state;
	static struct frame frames[40];
	char names[40][24];
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_LEAK});
	for (int i = 0; i < 40; i++) {
		snprintf(names[i], sizeof(names[i]), "level_%d", i);
		frames[i] = (struct frame){.function = names[i], .module = SERVER};
	}
	sample->sites[0].frames = frames;
	sample->sites[0].frame_count = 40;
	char *text = sample_report_text(sample, (struct text_report_options){0});
	assert_non_null(strstr(text, "… 29 frames …"));
	assert_non_null(strstr(text, "level_39"));
	assert_null(strstr(text, "level_20 "));
	free(text);
	text = sample_report_text(sample, (struct text_report_options){.has_full_stacks = true});
	for (int i = 0; i < 40; i++)
		assert_non_null(strstr(text, names[i]));
	assert_null(strstr(text, "frames …"));
	free(text);
	free(sample);
}

static void colours_only_when_told(void **state)
{
	(void)state;
	struct sample *sample = sample_of_all_verdicts();
	char *without = sample_report_text(sample, (struct text_report_options){0});
	char *with = sample_report_text(
		sample, (struct text_report_options){
				.style = {.width = 80, .is_utf8 = true, .has_colour = true}});
	char *out = with;

	assert_null(strchr(without, '\033'));
	assert_non_null(strstr(with, "\033[1;31mLEAK"));
	/* Without its escape sequences it is the same text. */
	for (const char *c = with; *c; c++) {
		if (*c == '\033')
			c = strchr(c, 'm');
		else
			*out++ = *c;
	}
	*out = 0;
	assert_string_equal(with, without);
	free(without);
	free(with);
	free(sample);
}

/* ---- never too wide ---- */

static void random_text(char *text, size_t size)
{
	static const char *const parts[] = {
		"std::",
		"<",
		">",
		"operator<<",
		"(",
		")",
		"unsigned long",
		"::",
		"\xff",
		"\033[31m",
		"漢字",
		"e\xcc\x81",
		", ",
		"\n",
		"{lambda(int)#1}",
		"x",
		"very_long_identifier_that_goes_on",
		"std::allocator<char> >",
		"ü",
		"/",
	};
	size_t used = 0, length = (size_t)rand() % (size - 1);

	text[0] = 0;
	while (used < length) {
		const char *part = parts[(size_t)rand() % (sizeof(parts) / sizeof(*parts))];
		if (used + strlen(part) >= size)
			break;
		strcpy(text + used, part);
		used += strlen(part);
	}
}

static void check_lines(const char *text, const struct text_style *style, unsigned seed)
{
	int columns = 0;

	while (*text) {
		uint32_t character = utf8_next(&text);
		if (character == '\n') {
			columns = 0;
			continue;
		}
		columns += utf8_columns(character);
		if (columns > style->width || utf8_is_unsafe(character))
			fail_msg("seed %u: %s at width %d", seed,
				 columns > style->width ? "a line too wide" : "a control character",
				 style->width);
	}
}

static void no_line_is_wider_than_the_width(void **state)
{
	(void)state;
	unsigned seed = (unsigned)time(NULL);

	print_message("seed %u\n", seed);
	srand(seed);
	for (int round = 0; round < 400; round++) {
		static struct frame frames[SAMPLE_SITES][20];
		static char names[SAMPLE_SITES][20][3][600];
		struct sample *sample = sample_of_all_verdicts();
		struct text_report_options options = {
			.style = {.width = TEXT_WIDTH_MIN +
					   rand() % (TEXT_WIDTH_MAX - TEXT_WIDTH_MIN + 1),
				  .is_utf8 = rand() % 2},
			.has_full_stacks = rand() % 4 == 0,
			.source = names[0][0][0],
			.old_source = names[0][0][1],
		};
		for (size_t i = 0; i < SAMPLE_SITES; i++) {
			struct report_site *site = &sample->sites[i];
			site->frames = frames[i];
			site->frame_count = (size_t)rand() % 20;
			for (size_t j = 0; j < 20; j++) {
				for (int k = 0; k < 3; k++)
					random_text(names[i][j][k], rand() % 8 ? 80 : 600);
				frames[i][j] = (struct frame){
					.function = rand() % 4 ? names[i][j][0] : NULL,
					.file = rand() % 4 ? names[i][j][1] : NULL,
					.module = rand() % 4 ? names[i][j][2] : NULL,
					.line = rand(),
					.offset = (uint64_t)rand() * 12345678901u,
					.is_inlined = rand() % 2,
					.is_wrapper = j < 2,
					.is_pseudo = rand() % 9 == 0,
				};
			}
			site->live_bytes = (uint64_t)rand() << rand() % 33;
			site->live_blocks = (uint64_t)rand() << rand() % 33;
			site->judgement.growth.bytes_per_hour = ldexp(rand(), rand() % 90 - 30);
			site->judgement.growth.bytes_per_hour_ci95[1] = ldexp(rand(), rand() % 200);
			site->judgement.growth.since_s = ldexp(rand(), rand() % 60 - 30);
			site->judgement.growth.time_to_limit_s = ldexp(rand(), rand() % 90 - 30);
			site->delta_bytes = (int64_t)rand() - RAND_MAX / 2;
		}
		sample_differ(sample);
		sample->differences[0].ours = sample->sites[0];
		sample->differences[0].libunwinds = sample->sites[rand() % SAMPLE_SITES];
		sample->profile.name = names[1][0][0];
		sample->profile.is_running = rand() % 2;
		char *text = SAMPLE_WRITTEN(stream,
					    text_report_write(stream, &sample->report, &options));
		check_lines(text, &options.style, seed);
		free(text);
		sample->report.old = &sample->profile;
		text = SAMPLE_WRITTEN(stream, text_diff_write(stream, &sample->report, &options));
		check_lines(text, &options.style, seed);
		free(text);
		free(sample);
	}
}

static void says_which_thresholds_were_crossed(void **state)
{
	(void)state;
	struct sample *sample = sample_of_all_verdicts();
	sample_cross_thresholds(sample);
	char *text = sample_report_text(sample, (struct text_report_options){0});
	assert_non_null(strstr(text, "\n2 thresholds crossed:\n"
				     "    heap share of RSS 90 %, more than 80 %, first at 12 s\n"
				     "    site growth +4.00 MiB/h, more than +1.00 MiB/h,"));
	assert_non_null(strstr(text, "by open_session server.c:88\n"));
	assert_non_null(strstr(text, "    logged at 2.0 s (snapshot 3): heap share of RSS 90 %\n"
				     "    logged at 1.5 s (snapshot 2): site live 2.93 KiB\n"));
	free(text);
	sample->report.crossing_count = 0;
	text = sample_report_text(sample, (struct text_report_options){0});
	assert_non_null(strstr(text, "\nNo threshold crossed by the run as a whole:\n    logged"));
	free(text);
	/* Before the part that the report is about. */
	sample->report.first_snapshot = sample->report.last_snapshot;
	text = sample_report_text(sample, (struct text_report_options){0});
	assert_null(strstr(text, "threshold"));
	free(text);
	free(sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_which_thresholds_were_crossed),
		cmocka_unit_test(shows_every_verdict),
		cmocka_unit_test(shows_what_is_lost_with_what_it_held),
		cmocka_unit_test(marks_are_listed_and_it_is_said_whether_they_tell),
		cmocka_unit_test(a_site_that_its_marks_have_cleared_says_why),
		cmocka_unit_test(says_why),
		cmocka_unit_test(falls_back_to_ascii),
		cmocka_unit_test(tells_the_peak_of_what_was_freed_at_the_end),
		cmocka_unit_test(a_scan_that_found_nothing_is_mentioned),
		cmocka_unit_test(a_leak_in_a_library_is_named_by_its_caller_too),
		cmocka_unit_test(no_forecast_is_made_over_many_times_what_was_seen),
		cmocka_unit_test(says_when_there_is_no_snapshot),
		cmocka_unit_test(sums_up_what_the_limit_leaves_out),
		cmocka_unit_test(quotes_the_command_and_keeps_it_whole),
		cmocka_unit_test(works_without_symbols),
		cmocka_unit_test(shows_notes_and_a_next_step),
		cmocka_unit_test(full_stacks_leave_nothing_out),
		cmocka_unit_test(colours_only_when_told),
		cmocka_unit_test(no_line_is_wider_than_the_width),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("text_report", tests, NULL, NULL);
}
