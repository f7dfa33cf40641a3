/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_lost_text: what a scan has found, word for word; and why it has found nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "tools/model/report.h"
#include "tools/model/scan.h"
#include "tools/output/lost_text.h"

static struct scan scan_of_site;

static void expect_lines(struct scanned_site scanned, enum verdict verdict, const char *first,
			 const char *second)
{
	struct profile profile = {.scan = &scan_of_site};
	struct report_site site = {.profile = &profile, .scanned = &scanned};
	site.judgement.verdict = verdict;
	struct lost_text text = lost_text_of(&site);
	assert_int_equal(text.count, (first != NULL) + (second != NULL));
	if (first)
		assert_string_equal(text.lines[0], first);
	if (second)
		assert_string_equal(text.lines[1], second);
}

static void a_site_says_what_of_it_is_lost(void **state)
{
	(void)state;
	scan_of_site = (struct scan){.raw.flags = SEEP_SCAN_IS_STOPPED};
	expect_lines((struct scanned_site){.definitely = {40, 1229}}, VERDICT_LOST,
		     "all 40 blocks (1.20 KiB) are definitely lost", NULL);
	expect_lines((struct scanned_site){.definitely = {1, 40}, .below = {1, 8}}, VERDICT_LOST,
		     "its only block (40 B) is definitely lost, with 8 B in 1 block that only it "
		     "holds",
		     NULL);
	expect_lines((struct scanned_site){.definitely = {1, 40},
					   .indirectly = {2, 80},
					   .reachable = {1, 40},
					   .below = {2, 80}},
		     VERDICT_LOST,
		     "1 of 4 blocks (40 B) is definitely lost, with 80 B in 2 blocks that only it "
		     "holds",
		     NULL);
	expect_lines((struct scanned_site){.indirectly = {1, 40}}, VERDICT_LOST,
		     "its only block (40 B) is indirectly lost: only lost blocks point to it",
		     NULL);
	expect_lines(
		(struct scanned_site){.indirectly = {3, 120}, .reachable = {1, 40}}, VERDICT_STABLE,
		"3 of 4 blocks (120 B) are indirectly lost: only lost blocks point to them", NULL);
	expect_lines(
		(struct scanned_site){.definitely = {3, 96}, .possibly = {1200, 4096}},
		VERDICT_LEAK, "3 of 1,203 blocks (96 B) are definitely lost",
		"1,200 of 1,203 blocks (4.00 KiB) are possibly lost: no pointer to their start "
		"is left");
}

static void one_block_is_no_blocks(void **state)
{
	(void)state;
	scan_of_site = (struct scan){.raw.flags = SEEP_SCAN_IS_STOPPED};
	expect_lines((struct scanned_site){.possibly = {1, 8}, .reachable = {1, 8}}, VERDICT_STABLE,
		     "1 of 2 blocks (8 B) is possibly lost: no pointer to its start is left", NULL);
}

static void what_could_not_be_seen_is_not_called_gone(void **state)
{
	(void)state;
	/* A register may hold them, or they may be too young. */
	static const struct seep_scan scans[] = {
		{.flags = SEEP_SCAN_IS_STOPPED, .unread_threads = 1},
		{.flags = SEEP_SCAN_IS_STOPPED | SEEP_SCAN_IS_CONFIRMED},
		{.flags = 0},
	};
	for (size_t i = 0; i < sizeof(scans) / sizeof(*scans); i++) {
		scan_of_site = (struct scan){.raw = scans[i]};
		expect_lines((struct scanned_site){.possibly = {5, 200}}, VERDICT_UNFREED,
			     "all 5 blocks (200 B) are possibly lost: no pointer to their start "
			     "was seen",
			     NULL);
	}
}

static void of_a_leak_it_is_said_that_it_is_held(void **state)
{
	(void)state;
	scan_of_site = (struct scan){.raw.flags = SEEP_SCAN_IS_STOPPED};
	const struct scanned_site reachable = {.reachable = {10, 100}};
	static const char held[] = "none of it is lost: the program still holds all of it";
	expect_lines(reachable, VERDICT_LEAK, held, NULL);
	expect_lines(reachable, VERDICT_GROWING, held, NULL);
	/* Of others nobody has asked. */
	expect_lines(reachable, VERDICT_STABLE, NULL, NULL);
	expect_lines((struct scanned_site){0}, VERDICT_LEAK, NULL, NULL);
	assert_int_equal(lost_text_of(&(struct report_site){.stack = 1}).count, 0);
}

static void expect_sentence(struct seep_scan raw, uint64_t lost_blocks, const char *wanted)
{
	struct scan scan = {.raw = raw};
	assert_string_equal(lost_text_sentence(&scan, lost_blocks).text, wanted);
}

static void the_process_says_what_it_has_lost(void **state)
{
	(void)state;
	expect_sentence((struct seep_scan){.reachable_blocks = 10, .reason = SEEP_REASON_FINAL}, 0,
			"nothing is lost, every block can be reached");
	expect_sentence((struct seep_scan){.definitely_blocks = 1,
					   .definitely_bytes = 40,
					   .indirectly_blocks = 2,
					   .indirectly_bytes = 80,
					   .pause_ns = 2500000,
					   .reason = SEEP_REASON_FINAL},
			0, "1 block (40 B) definitely lost, 2 (80 B) with it");
	/* A program that is over does not care for how long it stood still. */
	expect_sentence(
		(struct seep_scan){.definitely_blocks = 3,
				   .definitely_bytes = 120,
				   .possibly_blocks = 1,
				   .possibly_bytes = 8,
				   .threads = 3,
				   .unread_threads = 2,
				   .pause_ns = 2500000,
				   .reason = SEEP_REASON_REQUEST},
		0,
		"3 blocks (120 B) definitely lost; 1 block (8 B) possibly lost; the registers of 2 "
		"threads could not be read, so that less is called definitely lost; the program "
		"stood still for 2 ms");
	expect_sentence((struct seep_scan){.possibly_blocks = 2, .possibly_bytes = 8}, 0,
			"nothing is definitely lost; 2 blocks (8 B) possibly lost: they are held, if "
			"at all, by pointers into them");
	expect_sentence((struct seep_scan){.possibly_blocks = 2,
					   .possibly_bytes = 8,
					   .flags = SEEP_SCAN_IS_BLIND},
			0,
			"nothing is definitely lost; 2 blocks (8 B) possibly lost; not all that may "
			"hold pointers could be "
			"looked at (such as what the kernel keeps for it), so that "
			"nothing is called definitely lost");
	expect_sentence((struct seep_scan){.possibly_blocks = 2,
					   .possibly_bytes = 8,
					   .flags = SEEP_SCAN_IS_BLIND | SEEP_SCAN_IS_CLOSED},
			0,
			"nothing is definitely lost; 2 blocks (8 B) possibly lost; the program has "
			"changed its user or is not dumpable, so that it is not known what the kernel "
			"keeps for it, and nothing is called definitely lost; start it as that user");
	/* What may have run when a program was killed is no count that anybody knows. */
	expect_sentence((struct seep_scan){.reachable_blocks = 2, .unread_threads = 9}, 0,
			"nothing is lost, every block can be reached; the registers of its threads "
			"were gone, so that less is called definitely lost");
}

/* Each with what to do about it, where there is something. */
static void every_outcome_has_its_sentence(void **state)
{
	static const struct {
		struct seep_scan raw;
		const char *part;
	} cases[] = {
		{{.outcome = SEEP_SCAN_NO_COPY, .error = ENOMEM}, "vm.overcommit_memory=2"},
		{{.outcome = SEEP_SCAN_NO_COPY, .error = EAGAIN}, "pids.max"},
		{{.outcome = SEEP_SCAN_NO_COPY, .error = EPERM}, "seccomp"},
		{{.outcome = SEEP_SCAN_NO_COPY, .error = EINVAL}, "Invalid argument"},
		{{.outcome = SEEP_SCAN_NO_MEMORY}, "give it more room"},
		{{.outcome = SEEP_SCAN_FAILED, .error = 128 + 9}, "signal 9 (Killed)"},
		{{.outcome = SEEP_SCAN_FAILED, .error = ETIMEDOUT}, "timed out; try it again"},
		{{.outcome = SEEP_SCAN_FAILED, .error = ENOENT}, "from /proc; mount it"},
		{{.outcome = SEEP_SCAN_FAILED}, "before it was done; try it again"},
		{{.outcome = SEEP_SCAN_SAMPLED}, "run it without"},
		{{.outcome = SEEP_SCAN_LOST}, "1,200 blocks could not be recorded"},
		{{.outcome = SEEP_SCAN_TOO_LATE}, "--scan=5m"},
		{{.outcome = 4711}, "newer seep"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scan scan = {.raw = cases[i].raw};
		struct lost_sentence sentence = lost_text_sentence(&scan, 1200);
		assert_memory_equal(sentence.text, "what is lost is not known: ", 27);
		if (!strstr(sentence.text, cases[i].part))
			fail_msg("\"%s\" does not say \"%s\"", sentence.text, cases[i].part);
		assert_string_equal(lost_text_brief(&scan).text, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_site_says_what_of_it_is_lost),
		cmocka_unit_test(one_block_is_no_blocks),
		cmocka_unit_test(what_could_not_be_seen_is_not_called_gone),
		cmocka_unit_test(of_a_leak_it_is_said_that_it_is_held),
		cmocka_unit_test(the_process_says_what_it_has_lost),
		cmocka_unit_test(every_outcome_has_its_sentence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
