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

static void assert_lines(struct judgement judgement, bool is_group, const char *first,
			 const char *second, const char *third)
{
	const char *expected[] = {first, second, third};
	struct evidence_text text = evidence_text_of(&judgement, is_group, SNAPSHOTS);
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
	assert_lines(judgement, false, KEPT, FREED, "it has slowed down to 50 % of its first pace");
	judgement.evidence.decline = -log(2);
	judgement.evidence.clock = CLOCK_TIME;
	assert_lines(judgement, false, KEPT, FREED, "it becomes ever faster");
}

static void all_is_never_claimed_of_nearly_all(void **state)
{
	(void)state;
	struct judgement judgement = leak();
	judgement.evidence.freed = 116999;
	judgement.evidence.freed_within_s = NAN;
	assert_lines(judgement, false, KEPT, "99.9 % of its blocks are freed",
		     "it goes on as fast as in the beginning");
	judgement.evidence.freed = 0;
	assert_lines(judgement, false, KEPT,
		     "none of the 117,000 blocks allocated in them was freed",
		     "it goes on as fast as in the beginning");
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
	assert_string_equal(evidence_text_of(&judgement, false, SNAPSHOTS).lines[2],
			    "too few periods have left something so far");
	assert_string_equal(evidence_text_of(&judgement, false, 9).lines[2],
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
		assert_int_equal(evidence_text_of(&judgement, false, SNAPSHOTS).count, 0);
	}
	judgement = leak();
	judgement.evidence.periods = 0;
	assert_int_equal(evidence_text_of(&judgement, false, SNAPSHOTS).count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leak_says_what_stays_what_dies_and_how_it_goes_on),
		cmocka_unit_test(all_is_never_claimed_of_nearly_all),
		cmocka_unit_test(periods_that_kept_nothing_are_counted_too),
		cmocka_unit_test(a_buffer_has_words_of_its_own),
		cmocka_unit_test(what_is_not_decided_says_what_is_missing),
		cmocka_unit_test(what_does_not_grow_has_no_evidence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
