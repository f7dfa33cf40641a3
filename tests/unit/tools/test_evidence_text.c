/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_evidence_text: the reasons of a verdict, word for word.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/output/evidence_text.h"

#define SNAPSHOTS 40

/* A leak in traffic, as the engine describes it. */
static struct judgement leak(void)
{
	return (struct judgement){
		.verdict = VERDICT_LEAK,
		.is_flagged = true,
		.evidence = {.age_s = 12,
			     .periods = 31,
			     .periods_that_kept = 31,
			     .kept_low = 40,
			     .kept_high = 59.6,
			     .births = 117000,
			     .freed = 115479.0,
			     .freed_within_s = 2,
			     .kept_lately = 1,
			     .clock = CLOCK_TIME,
			     .decline = 0.02,
			     .decline_error = 0.1,
			     .drift_p = 1e-9},
	};
}

static struct evidence_text reasons_of(struct judgement judgement, size_t snapshots)
{
	struct report_site site = {.judgement = judgement, .frees = 1};
	return evidence_text_of(&site, false, snapshots);
}

static void assert_lines(struct judgement judgement, bool is_group, const char *first,
			 const char *second, const char *third)
{
	const char *expected[EVIDENCE_LINES_MAX] = {first, second, third};
	struct report_site site = {.judgement = judgement, .frees = 1};
	struct evidence_text text = evidence_text_of(&site, is_group, SNAPSHOTS);
	for (size_t i = 0; i < EVIDENCE_LINES_MAX; i++) {
		if (!expected[i])
			assert_true(text.count <= i);
		else if (i < text.count)
			assert_string_equal(text.lines[i], expected[i]);
		else
			fail_msg("there is no line \"%s\"", expected[i]);
	}
}

#define KEPT "every one of 31 periods left 40 to 60 blocks that nothing freed"
#define FREED "98.7 % of its blocks are freed, nearly all of those within 2.0 s"

static void a_leak_says_what_stays_what_dies_and_how_it_goes_on(void **state)
{
	(void)state;
	struct judgement judgement = leak();
	assert_lines(judgement, false, KEPT, FREED, "it goes on as fast as in the beginning");
	judgement.evidence.clock = CLOCK_WORK;
	assert_lines(judgement, false, KEPT, FREED,
		     "it goes on in step with what else the process allocates");
	judgement.evidence.clock = CLOCK_OWN;
	assert_lines(judgement, false, KEPT, FREED,
		     "it goes on: always the same part of what it allocates is kept");
	judgement.evidence.decline = log(2);
	assert_lines(judgement, false, KEPT, FREED,
		     "it goes on, though slower: at 50 % of its first pace");
	judgement.evidence.decline = -log(3);
	judgement.evidence.clock = CLOCK_TIME;
	assert_lines(judgement, false, KEPT, FREED, "it becomes ever faster");
	judgement.evidence.decline = -log(1.5); /* as work comes and goes */
	assert_lines(judgement, false, KEPT, FREED, "it goes on as fast as in the beginning");
	judgement.evidence.decline = -log(3);
	judgement.evidence.decline_error = 0.7;
	assert_lines(judgement, false, KEPT, FREED, "it goes on as fast as in the beginning");
}

static void what_saturates_is_never_said_to_go_on(void **state)
{
	(void)state;
	struct judgement judgement = leak();
	judgement.verdict = VERDICT_SATURATING;
	judgement.is_flagged = false;
	assert_lines(judgement, false, KEPT, FREED, "it was faster in the beginning of the run");
	judgement.evidence.decline = log(2);
	assert_lines(judgement, false, KEPT, FREED, "it has slowed down to 50 % of its first pace");
}

static void of_what_slows_down_it_is_said_that_nobody_knows_whether_it_stops(void **state)
{
	(void)state;
	struct judgement judgement = leak();
	judgement.verdict = VERDICT_GROWING;
	judgement.is_flagged = false;
	judgement.evidence.is_slowing = true;
	judgement.evidence.decline = log(2);
	struct evidence_text text = reasons_of(judgement, SNAPSHOTS);
	assert_int_equal(text.count, 4);
	assert_string_equal(text.lines[2], "it has slowed down to 50 % of its first pace");
	assert_string_equal(text.lines[3], "whether it stops some day cannot be told yet");
}

static void of_a_growing_backlog_it_is_said_that_nobody_knows_what_is_kept(void **state)
{
	(void)state;
	struct judgement judgement = leak();
	judgement.verdict = VERDICT_GROWING;
	judgement.is_flagged = false;
	judgement.evidence.is_of_backlog = true;
	struct evidence_text text = reasons_of(judgement, SNAPSHOTS);
	assert_int_equal(text.count, 2);
	assert_string_equal(text.lines[1], "whether any of it is kept for ever cannot be told yet");
}

static void all_is_never_claimed_of_nearly_all(void **state)
{
	(void)state;
	struct judgement judgement = leak();
	judgement.evidence.freed = 116999;
	judgement.evidence.freed_within_s = NAN;
	assert_lines(judgement, false, KEPT, "99.9 % of its blocks are freed",
		     "it goes on as fast as in the beginning");
	judgement.evidence.freed = 3; /* but not none of them either */
	assert_lines(judgement, false, KEPT, "less than 0.1 % of its blocks are freed",
		     "it goes on as fast as in the beginning");
	judgement.evidence.freed = 0;
	assert_lines(judgement, false, KEPT,
		     "none of the 117,000 blocks allocated in these periods was freed",
		     "it goes on as fast as in the beginning");
}

/* A site of which two functions free blocks, as far as 100 samples say. */
static struct report_site freed_site(struct freer freers[2], struct frame frames[2], double first)
{
	frames[0] = (struct frame){.function = "session_close",
				   .file = "/src/server.c",
				   .line = 120,
				   .module = "/srv/server"};
	frames[1] = frames[0];
	frames[1].function = "session_drop";
	frames[1].line = 150;
	for (size_t i = 0; i < 2; i++)
		freers[i] = (struct freer){.frames = &frames[i], .frame_count = 1};
	freers[0].share = first;
	freers[1].share = 1 - first;
	return (struct report_site){
		.judgement = leak(),
		.frees = 1000,
		.freed_by = {freers, first < 1 ? 2 : 1, 100},
	};
}

static void assert_freed(const struct report_site *site, const char *expected)
{
	struct evidence_text text = evidence_text_of(site, false, SNAPSHOTS);
	assert_true(text.count > 1);
	assert_string_equal(text.lines[1], expected);
}

static void who_frees_the_others_is_named(void **state)
{
	(void)state;
	struct profile profile = {.exe = (char[]){"/srv/server"}};
	struct freer freers[2];
	struct frame frames[2];
	struct report_site site = freed_site(freers, frames, 1);
	site.profile = &profile;
	assert_freed(&site, "98.7 % of its blocks are freed by session_close server.c:120, nearly "
			    "all of those within 2.0 s");
	site = freed_site(freers, frames, 0.979);
	site.profile = &profile;
	assert_freed(&site, "98.7 % of its blocks are freed, 97 % of those by session_close "
			    "server.c:120, nearly all of those within 2.0 s");
	site = freed_site(freers, frames, 0.8);
	site.profile = &profile;
	assert_freed(&site, "98.7 % of its blocks are freed, 80 % of those by session_close "
			    "server.c:120 and 19 % by session_drop server.c:150, nearly all of "
			    "those within 2.0 s");
	/* With too few samples nobody is, nor of what is not flagged. */
	site.freed_by.samples = 9;
	assert_freed(&site, FREED);
	site.freed_by.samples = 100;
	site.judgement.is_flagged = false;
	site.judgement.verdict = VERDICT_GROWING;
	assert_freed(&site, FREED);
}

static void that_nothing_ever_freed_is_said_of_what_is_flagged(void **state)
{
	(void)state;
	struct report_site site = {.judgement = leak()};
	site.judgement.evidence.freed = 0;
	assert_freed(&site, "nothing has ever freed a block of this site");
	assert_string_equal(evidence_text_of(&site, true, SNAPSHOTS).lines[1],
			    "nothing has ever freed a block of these sites");
	/* With samples it is not known of all. */
	site.profile = &(struct profile){.sample_bytes = 4096};
	assert_freed(&site, "none of the 117,000 blocks allocated in these periods was freed");
	site.profile = NULL;
	site.judgement.is_flagged = false;
	site.judgement.verdict = VERDICT_GROWING;
	assert_freed(&site, "none of the 117,000 blocks allocated in these periods was freed");
}

static void what_grows_from_mark_to_mark_comes_first(void **state)
{
	(void)state;
	struct judgement judgement = leak();
	judgement.marks = (struct mark_evidence){.label = "idle",
						 .word = MARKS_SAY_GROWS,
						 .mark_count = 11,
						 .steps = 9,
						 .grew = 9,
						 .low = 40,
						 .high = 60};
	struct evidence_text text = reasons_of(judgement, SNAPSHOTS);
	assert_int_equal(text.count, 4);
	assert_string_equal(text.lines[0], "each of the last 9 times the program was \"idle\", 40 "
					   "to 60 more blocks were live than the time before");
	assert_string_equal(text.lines[1], KEPT);
	judgement.marks.grew = 8;
	judgement.marks.low = judgement.marks.high = 1;
	assert_string_equal(reasons_of(judgement, SNAPSHOTS).lines[0],
			    "8 of the last 9 times the program was \"idle\", 1 more block was live "
			    "than the time before");
	judgement.marks.is_of_length = true;
	judgement.marks.high = 2048;
	assert_string_equal(
		reasons_of(judgement, SNAPSHOTS).lines[0],
		"8 of the last 9 times the program was \"idle\", its blocks were 1 B to "
		"2.00 KiB longer than the time before");
	/* What was asked in vain is not said. */
	judgement.marks.word = MARKS_SAY_NOTHING;
	assert_string_equal(reasons_of(judgement, SNAPSHOTS).lines[0], KEPT);
}

static void what_only_the_marks_have_shown_has_no_periods(void **state)
{
	(void)state;
	struct report_site site = {.judgement = leak()};
	site.judgement.evidence = (struct verdict_evidence){.drift_p = 0.01, .freed_within_s = NAN};
	site.judgement.marks = (struct mark_evidence){.label = "idle",
						      .word = MARKS_SAY_GROWS,
						      .steps = 4,
						      .grew = 4,
						      .low = 1,
						      .high = 1};
	struct evidence_text text = evidence_text_of(&site, false, 6);
	assert_int_equal(text.count, 2);
	assert_string_equal(text.lines[1], "nothing has ever freed a block of this site");
	site.frees = 2;
	site.allocations = 6;
	assert_string_equal(evidence_text_of(&site, false, 6).lines[1],
			    "33.3 % of its blocks are freed");
	site.judgement.is_flagged = false;
	site.judgement.verdict = VERDICT_GROWING;
	assert_string_equal(evidence_text_of(&site, false, 6).lines[2],
			    "among so many sites one may grow like this by chance");
	site.judgement.marks.word = MARKS_SAY_RISES;
	assert_string_equal(evidence_text_of(&site, false, 6).lines[2],
			    "whether it goes on for ever or slows down cannot be told yet");
}

static void what_is_level_at_marks_says_so(void **state)
{
	(void)state;
	struct judgement judgement = leak();
	judgement.verdict = VERDICT_PLATEAU;
	judgement.marks =
		(struct mark_evidence){.label = "idle", .word = MARKS_SAY_LEVEL, .mark_count = 9};
	struct evidence_text text = reasons_of(judgement, SNAPSHOTS);
	assert_int_equal(text.count, 1);
	assert_string_equal(text.lines[0], "it is level from one \"idle\" to the next: what it "
					   "gained in between was given back");
}

static void periods_that_kept_nothing_are_counted_too(void **state)
{
	(void)state;
	struct judgement judgement = leak();
	judgement.evidence.periods_that_kept = 9;
	judgement.evidence.kept_low = judgement.evidence.kept_high = 1;
	assert_lines(judgement, false, "9 of 31 periods left 1 block that nothing freed", FREED,
		     "it goes on as fast as in the beginning");
}

static void a_buffer_has_words_of_its_own(void **state)
{
	(void)state;
	struct judgement judgement = leak();
	judgement.evidence.is_of_length = true;
	judgement.evidence.periods_that_kept = 13;
	assert_lines(judgement, false,
		     "not more blocks, but longer ones: in 13 of 31 periods they grew",
		     "it goes on as fast as in the beginning", NULL);
	judgement.evidence.is_of_chunks = true;
	assert_lines(judgement, false,
		     "nothing is freed, and each block is longer than the last: in 13 of 31 "
		     "periods there "
		     "were more",
		     "it goes on as fast as in the beginning", NULL);
}

static void what_is_not_decided_says_what_is_missing(void **state)
{
	(void)state;
	struct judgement judgement = leak();
	judgement.verdict = VERDICT_GROWING;
	assert_lines(judgement, false, KEPT, FREED,
		     "among so many sites one may grow like this by chance");
	assert_lines(judgement, true, KEPT, FREED,
		     "none of these sites is a leak that stands out by itself");
	judgement.is_minor = true;
	assert_lines(judgement, false, KEPT, FREED,
		     "it leaks, but it is lost in a crowd of other sites that grow (--all)");
	judgement.is_minor = false;
	judgement.evidence.decline = 1;
	assert_lines(judgement, false, KEPT, FREED, "it may be slowing down");
	judgement.evidence.decline_error = INFINITY;
	assert_lines(judgement, false, KEPT, FREED,
		     "whether it goes on for ever or slows down cannot be told yet");
	judgement.evidence.periods_that_kept = 3;
	assert_string_equal(reasons_of(judgement, SNAPSHOTS).lines[2],
			    "too few periods have left something so far");
	assert_string_equal(reasons_of(judgement, 9).lines[2],
			    "too few snapshots so far for more than a suspicion");
}

static void what_does_not_grow_has_no_evidence(void **state)
{
	(void)state;
	static const enum verdict verdicts[] = {VERDICT_STABLE, VERDICT_UNFREED, VERDICT_PERIODIC,
						VERDICT_PLATEAU};
	struct judgement judgement = leak();
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++) {
		judgement.verdict = verdicts[i];
		assert_int_equal(reasons_of(judgement, SNAPSHOTS).count, 0);
	}
	judgement = leak();
	judgement.evidence.periods = 0;
	assert_int_equal(reasons_of(judgement, SNAPSHOTS).count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leak_says_what_stays_what_dies_and_how_it_goes_on),
		cmocka_unit_test(what_saturates_is_never_said_to_go_on),
		cmocka_unit_test(of_what_slows_down_it_is_said_that_nobody_knows_whether_it_stops),
		cmocka_unit_test(of_a_growing_backlog_it_is_said_that_nobody_knows_what_is_kept),
		cmocka_unit_test(all_is_never_claimed_of_nearly_all),
		cmocka_unit_test(who_frees_the_others_is_named),
		cmocka_unit_test(that_nothing_ever_freed_is_said_of_what_is_flagged),
		cmocka_unit_test(what_grows_from_mark_to_mark_comes_first),
		cmocka_unit_test(what_only_the_marks_have_shown_has_no_periods),
		cmocka_unit_test(what_is_level_at_marks_says_so),
		cmocka_unit_test(periods_that_kept_nothing_are_counted_too),
		cmocka_unit_test(a_buffer_has_words_of_its_own),
		cmocka_unit_test(what_is_not_decided_says_what_is_missing),
		cmocka_unit_test(what_does_not_grow_has_no_evidence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
