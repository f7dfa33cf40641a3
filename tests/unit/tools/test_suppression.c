/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_suppression: files of LeakSanitizer and Valgrind mean here what they mean there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/suppression.h"
#include "tools/model/threshold.h"

/* operator new in libstdc++ <- net::Pool::take <- serve <- main */
static struct frame frames[] = {
	{.function = "operator new(unsigned long)",
	 .linkage_name = "_Znwm",
	 .module = "/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30",
	 .is_wrapper = true},
	{.function = "net::Pool::take",
	 .linkage_name = "_ZN3net4Pool4takeEv",
	 .file = "/src/net/pool.cc",
	 .line = 41,
	 .module = "/opt/server/bin/server"},
	{.function = "serve",
	 .file = "/src/serve.c",
	 .line = 7,
	 .module = "/opt/server/bin/server"},
	{.function = "main",
	 .file = "/src/serve.c",
	 .line = 99,
	 .module = "/opt/server/bin/server"},
};
static struct report_site site = {
	.frames = frames,
	.frame_count = sizeof(frames) / sizeof(frames[0]),
	.judgement = {.verdict = VERDICT_LEAK, .is_flagged = true},
};

static struct suppressions read_well(const char *text)
{
	struct suppressions made = {0};
	struct error error = {""};

	if (suppressions_parse(&made, "known.supp", text, strlen(text), &error) < 0)
		fail_msg("%s", error.text);
	return made;
}

static bool suppresses(const char *text)
{
	struct suppressions made = read_well(text);
	bool does = false;

	for (size_t i = 0; i < made.count; i++)
		does |= suppression_matches(&made.list[i], &site);
	suppressions_free(&made);
	return does;
}

static void a_line_is_searched_for_in_function_file_and_module_of_every_frame(void **state)
{
	(void)state;
	assert_true(suppresses("leak:serve"));
	assert_true(suppresses("leak:Pool::take"));
	assert_true(suppresses("  leak:pool.cc  \r\n"));
	assert_true(suppresses("leak:libstdc++.so"));
	assert_false(suppresses("leak:Serve"));
	assert_false(suppresses("leak:server.c"));
	assert_false(suppresses("# leak:serve\n\n"));
}

static void stars_and_anchors_are_those_of_leaksanitizer(void **state)
{
	(void)state;
	assert_true(suppresses("leak:^main$"));
	assert_true(suppresses("leak:^net::*take$"));
	assert_true(suppresses("leak:n*P*l*t"));
	assert_true(suppresses("leak:^*take"));
	assert_true(suppresses("leak:ma*$"));
	assert_false(suppresses("leak:^ain"));
	assert_false(suppresses("leak:mai$"));
	assert_false(suppresses("leak:take*Pool"));
	/* The first place counts, there as here. */
	frames[2].function = "serveserve";
	assert_false(suppresses("leak:^serve$"));
	assert_false(suppresses("leak:serve$"));
	assert_true(suppresses("leak:serveserve$"));
	frames[2].function = "serve";
}

#define BLOCK(frames) "{\n  a name\n  Memcheck:Leak\n" frames "}\n"

static void a_block_is_compared_from_the_allocator_outwards(void **state)
{
	(void)state;
	assert_true(suppresses(BLOCK("fun:_Znwm\nfun:_ZN3net4Pool4takeEv\n")));
	assert_true(
		suppresses(BLOCK("fun:malloc\nfun:_Znwm\nfun:_ZN3net4Pool4take*\nfun:serve\n")));
	assert_true(suppresses(BLOCK("fun:*alloc\n...\nfun:main\n")));
	assert_true(suppresses(BLOCK("...\nobj:*/bin/server\nfun:main\n")));
	assert_true(suppresses(BLOCK("obj:*/libstdc++.so*\nfun:net::Pool::tak?\n")));
	assert_true(suppresses(BLOCK("...\nsrc:pool.cc:41\n...\nsrc:serve.c:99\n")));
	/* Valgrind's own allocator, which is not there. */
	assert_true(
		suppresses(BLOCK("obj:/usr/lib/valgrind/vgpreload_memcheck-x86.so\nfun:_Znwm\n")));
	assert_true(suppresses(BLOCK("obj:*vgpreload_memcheck*\nfun:_Znwm\n")));
	assert_true(suppresses(BLOCK("obj:*\nfun:_Znwm\n")));
	assert_false(suppresses(BLOCK("obj:*/libc.so.6\nfun:_Znwm\n")));
	assert_false(suppresses(BLOCK("fun:_ZN3net4Pool4takeEv\n")));
	assert_false(suppresses(BLOCK("fun:malloc\nfun:serve\n")));
	assert_false(suppresses(BLOCK("...\nfun:serve\nfun:_ZN3net4Pool4takeEv\n")));
	assert_false(suppresses(BLOCK("...\nfun:serv\n")));
	assert_false(suppresses(BLOCK("...\nfun:main\nfun:_start\n")));
	assert_false(suppresses(BLOCK("...\nsrc:serve.c:98\n")));
}

static void several_gaps_are_tried_at_every_frame(void **state)
{
	struct frame many[64] = {0};
	struct report_site deep = {.frames = many, .frame_count = 64};
	struct suppressions made =
		read_well(BLOCK("...\nfun:a\n...\nfun:a\nfun:b\n...\nfun:c\n...\n"));

	(void)state;
	for (size_t i = 0; i < 64; i++)
		many[i].function = "a";
	assert_false(suppression_matches(&made.list[0], &deep));
	many[62].function = "b";
	assert_false(suppression_matches(&made.list[0], &deep));
	many[63].function = "c";
	assert_true(suppression_matches(&made.list[0], &deep));
	suppressions_free(&made);
}

static void kinds_of_leaks_are_told_apart(void **state)
{
	(void)state;
	assert_true(suppresses(BLOCK("match-leak-kinds: reachable\n...\nfun:main\n")));
	assert_true(suppresses(BLOCK("match-leak-kinds: definite,reachable\n...\nfun:main\n")));
	assert_true(suppresses(BLOCK("match-leak-kinds: all\n...\nfun:main\n")));
	assert_false(suppresses(BLOCK("match-leak-kinds: definite\n...\nfun:main\n")));
	site.judgement.verdict = VERDICT_LOST;
	assert_true(suppresses(BLOCK("match-leak-kinds: definite\n...\nfun:main\n")));
	assert_false(suppresses(BLOCK("match-leak-kinds: reachable,possible\n...\nfun:main\n")));
	site.judgement.verdict = VERDICT_LEAK;
}

static void other_errors_of_valgrinds_are_skipped(void **state)
{
	struct suppressions made =
		read_well("{\nx\nMemcheck:Cond\nfun:main\n}\n"
			  "{\ny\nHelgrind:Race\nfun:main\n}\n"
			  "{\nz\nMemcheck:Param\nwrite(buf)\nfun:main\n}\n"
			  "{\n# a comment\nw\n\nAddrcheck,Memcheck:Leak\nfun:a\n}\n"
			  "leak:b\n");

	(void)state;
	assert_int_equal(made.count, 2);
	assert_string_equal(made.list[0].name, "w");
	assert_int_equal(made.list[0].line, 17);
	assert_string_equal(made.list[1].name, "b");
	assert_int_equal(made.list[1].line, 24);
	suppressions_free(&made);
}

static void a_comment_limits_the_one_that_follows(void **state)
{
	struct suppressions made = read_well("# seep: max-bytes=64K max-blocks=10 "
					     "expires=2027-06-30 reason=the kernel frees it\n"
					     "leak:a\n"
					     "# seeping\n"
					     "leak:b\n"
					     "#seep:reason=because\n"
					     "\n" BLOCK("fun:malloc\nfun:c\n"));
	const struct suppression *a = &made.list[0], *b = &made.list[1], *c = &made.list[2];
	struct tm day = {.tm_year = 127, .tm_mon = 5, .tm_mday = 30, .tm_hour = 23};
	int64_t late = timegm(&day);

	(void)state;
	assert_int_equal(made.count, 3);
	assert_int_equal(a->max_bytes, 64 << 10);
	assert_int_equal(a->max_blocks, 10);
	assert_string_equal(a->expires, "2027-06-30");
	assert_string_equal(a->reason, "the kernel frees it");
	assert_false(suppression_has_expired(a, late));
	assert_true(suppression_has_expired(a, late + 3600));
	assert_true(b->max_bytes == UINT64_MAX && b->max_blocks == UINT64_MAX);
	assert_null(b->reason);
	assert_false(suppression_has_expired(b, INT64_MAX));
	assert_string_equal(c->reason, "because");
	suppressions_free(&made);
}

static void expect_refusal(const char *text, const char *expected)
{
	struct suppressions made = {0};
	struct error error = {""};

	if (suppressions_parse(&made, "known.supp", text, strlen(text), &error) != -EINVAL)
		fail_msg("\"%s\" is not refused", text);
	if (!strstr(error.text, expected))
		fail_msg("\"%s\" is refused with \"%s\", not with \"%s\"", text, error.text,
			 expected);
	suppressions_free(&made);
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
	(void)state;
	expect_refusal("leak:a\nleek:b\n", "known.supp:2: no suppression: 'leek:b'");
	expect_refusal("leak:\n", "known.supp:1: this would suppress everything");
	expect_refusal("\nleak:*\n", "known.supp:2: this would suppress everything");
	expect_refusal("race:a\n", "known.supp:1:");
	expect_refusal("{\nname\nMemcheck:Leak\nfun:a\n",
		       "known.supp:1: this block has no closing");
	expect_refusal("{\nname\nMemcheck:Leak\n}\n", "known.supp:1: this block has no frame");
	expect_refusal("{\n}\n", "known.supp:1: this block is empty");
	expect_refusal("{\nname\n# seep: max-blocks=1\nMemcheck:Leak\nfun:a\n}\nleak:b\n",
		       "known.supp:3: a \"# seep:\" comment stands before the block");
	expect_refusal("{\nname\nLeak\n}\n", "known.supp:3: no kind of error: 'Leak'");
	expect_refusal("{\nname\nMemcheck:Leak\nfunc:a\n}\n", "known.supp:4: no frame: 'func:a'");
	expect_refusal("{\nn\nMemcheck:Leak\nmatch-leak-kinds: some\nfun:a\n}\n",
		       "known.supp:4: there is no kind of leak 'some'");
	expect_refusal("# seep: max-bytes=many\nleak:a\n", "known.supp:1: no size: 'many'");
	expect_refusal("# seep: max-blocks=1K\nleak:a\n", "known.supp:1: no number: '1K'");
	expect_refusal("# seep: expires=2027-02-31\nleak:a\n",
		       "known.supp:1: no day: '2027-02-31'");
	expect_refusal("# seep: expires=soon\nleak:a\n", "known.supp:1: no day: 'soon'");
	expect_refusal("# seep: program=\nleak:a\n", "known.supp:1: no program: ''");
	expect_refusal("# seep: forever\nleak:a\n", "known.supp:1: there is no 'forever'");
	expect_refusal("leak:a\n# seep: max-blocks=1\n", "known.supp:2: no suppression follows");
	expect_refusal("# seep: max-blocks=1\n# seep: max-blocks=2\nleak:a\n",
		       "known.supp:1: no suppression follows");
}

static void a_zero_byte_is_no_text(void **state)
{
	struct suppressions made = {0};
	struct error error = {""};

	(void)state;
	assert_int_equal(suppressions_parse(&made, "x", "leak:a\0b\n", 9, &error), -EINVAL);
	assert_non_null(strstr(error.text, "x:1: this is no text"));
	suppressions_free(&made);
}

static void files_that_are_none_are_refused(void **state)
{
	struct suppressions made = {0};
	struct error error = {""};

	(void)state;
	assert_int_equal(suppressions_read(&made, "/nowhere/known.supp", &error), -ENOENT);
	assert_non_null(strstr(error.text, "cannot open the suppressions /nowhere/known.supp"));
	assert_int_equal(suppressions_read(&made, "/", &error), -EISDIR);
	assert_int_equal(suppressions_read(&made, "/dev/zero", &error), -EFBIG);
	suppressions_free(&made);
}

/* ---- on a report ---- */

/* Four sites; of the first three, which are flagged, the last two are one finding. */
struct made_report {
	struct profile profile;
	struct site sites[4];
	struct report_site described[4], *of_finding[2];
	struct report_finding finding;
	struct report_entry entries[3];
	struct frame frames[4];
	struct crossing crossing;
	struct report report;
};

static struct made_report *make_report(void)
{
	static const char *const functions[] = {"one", "two", "three", "four"};
	struct made_report *made = calloc(1, sizeof(*made));

	assert_non_null(made);
	made->profile =
		(struct profile){.exe = (char *)"/bin/x", .sites = made->sites, .site_count = 4};
	for (size_t i = 0; i < 4; i++) {
		made->frames[i].function = functions[i];
		made->described[i] = (struct report_site){
			.site = &made->sites[i],
			.profile = &made->profile,
			.stack = (uint32_t)i + 1,
			.frames = &made->frames[i],
			.frame_count = 1,
			.live_bytes = 1000 - i,
			.live_blocks = 10,
			.judgement = {.verdict = i < 3 ? VERDICT_LEAK : VERDICT_STABLE,
				      .is_flagged = i < 3,
				      .growth.bytes_per_hour = (double)(4 - i)},
		};
	}
	made->finding.sum = made->described[1];
	made->finding.sum.stack = 9;
	made->finding.sites = made->of_finding;
	made->finding.site_count = 2;
	made->of_finding[0] = &made->described[1];
	made->of_finding[1] = &made->described[2];
	made->described[1].finding = made->described[2].finding = &made->finding;
	made->entries[0].site = &made->described[0];
	made->entries[1].finding = &made->finding;
	made->entries[2].site = &made->described[3];
	made->crossing.site = &made->described[0];
	made->report = (struct report){.profile = &made->profile,
				       .sites = made->described,
				       .site_count = 4,
				       .entries = made->entries,
				       .entry_count = 3,
				       .crossings = &made->crossing,
				       .crossing_count = 1};
	return made;
}

static const char *function_of(const struct report_site *described)
{
	return described->frames[0].function;
}

static void what_is_known_goes_behind_what_is_not(void **state)
{
	struct made_report *made = make_report();
	struct suppressions known = read_well("leak:one\n");
	const struct report *report = &made->report;
	struct holder_shape of_site = {.through = &made->described[0]},
			    of_finding = {.through = &made->described[3]};

	(void)state;
	made->described[1].held_by = (struct holder_shapes){.shapes = &of_site, .count = 1};
	made->finding.sum.held_by = (struct holder_shapes){.shapes = &of_finding, .count = 1};
	assert_true(suppressions_apply(&known, &made->report, 0));
	assert_string_equal(function_of(&report->sites[0]), "two");
	assert_string_equal(function_of(&report->sites[1]), "three");
	assert_string_equal(function_of(&report->sites[2]), "one");
	assert_ptr_equal(report->sites[2].suppression, &known.list[0]);
	assert_int_equal(report->sites[2].judgement.verdict, VERDICT_LEAK);
	assert_false(report->sites[2].judgement.is_flagged);
	assert_int_equal(known.list[0].site_count, 1);
	assert_int_equal(known.list[0].bytes, 1000);
	/* Whatever points to a site still points to it. */
	assert_ptr_equal(report->entries[0].finding, &made->finding);
	assert_true(made->finding.sum.judgement.is_flagged);
	assert_string_equal(function_of(made->finding.sites[0]), "two");
	assert_string_equal(function_of(made->finding.sites[1]), "three");
	assert_string_equal(function_of(report->entries[1].site), "one");
	assert_string_equal(function_of(report->entries[2].site), "four");
	assert_string_equal(function_of(made->crossing.site), "one");
	assert_string_equal(function_of(of_site.through), "one");
	assert_string_equal(function_of(of_finding.through), "four");
	suppressions_free(&known);
	free(made);
}

static void what_was_lost_with_what_is_known_is_known(void **state)
{
	static const char *const rules[] = {"leak:two\n", "leak:three\n"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct made_report *made = make_report();
		struct suppressions known = read_well(rules[i]);
		made->finding.kind = FINDING_LOST;
		made->finding.sum.stack = made->described[1].stack;
		assert_true(suppressions_apply(&known, &made->report, 0));
		/* Not the other way round. */
		assert_int_equal(made->finding.sum.judgement.is_flagged, i == 1);
		assert_int_equal(report_leak_count(&made->report), 1 + i);
		assert_int_equal(known.list[0].site_count, 1);
		suppressions_free(&known);
		free(made);
	}
}

static void a_finding_is_known_when_all_its_sites_are(void **state)
{
	struct made_report *made = make_report();
	struct suppressions known = read_well("leak:two\nleak:three\nleak:two\n");

	(void)state;
	assert_true(suppressions_apply(&known, &made->report, 0));
	assert_false(made->finding.sum.judgement.is_flagged);
	assert_string_equal(function_of(made->report.entries[0].site), "one");
	assert_int_equal(report_leak_count(&made->report), 1);
	assert_int_equal(known.list[2].site_count, 0);
	suppressions_free(&known);
	free(made);
}

static void more_than_is_allowed_is_flagged(void **state)
{
	struct made_report *made = make_report();
	struct suppressions known =
		read_well("# seep: max-blocks=19\nleak:t\n# seep: max-bytes=1000\nleak:one\n");

	(void)state;
	assert_true(suppressions_apply(&known, &made->report, 0));
	assert_true(made->finding.sum.judgement.is_flagged);
	assert_true(known.list[0].is_exceeded);
	assert_false(known.list[1].is_exceeded);
	assert_int_equal(report_leak_count(&made->report), 1);
	/* In a second process there are as many once more. */
	free(made);
	made = make_report();
	assert_true(suppressions_apply(&known, &made->report, 0));
	assert_true(known.list[1].is_exceeded);
	assert_int_equal(report_leak_count(&made->report), 2);
	suppressions_start_again(&known);
	assert_int_equal(known.list[1].bytes, 0);
	suppressions_free(&known);
	free(made);
}

static void what_has_expired_hides_nothing(void **state)
{
	struct made_report *made = make_report();
	struct suppressions known = read_well("# seep: expires=1970-01-01\nleak:one\nleak:two\n");

	(void)state;
	assert_true(suppressions_apply(&known, &made->report, 86400));
	assert_true(made->report.sites[0].judgement.is_flagged);
	assert_string_equal(function_of(&made->report.sites[0]), "one");
	assert_int_equal(known.list[0].site_count, 1);
	assert_string_equal(made->report.sites[2].suppression->name, "two");
	suppressions_free(&known);
	free(made);
}

static void what_a_program_says_holds_for_it_alone(void **state)
{
	struct made_report *made = make_report();
	struct suppressions known = {0};
	struct error error = {""};

	(void)state;
	assert_int_equal(suppressions_add_program(&known, "/bin/y", "leak:one", &error), 0);
	assert_true(suppressions_apply(&known, &made->report, 0));
	assert_int_equal(report_leak_count(&made->report), 2);
	assert_int_equal(suppressions_add_program(&known, "/bin/x", "leak:one", &error), 0);
	assert_int_equal(suppressions_add_program(&known, "/bin/x", "leak:one", &error), 0);
	assert_int_equal(known.count, 2);
	assert_true(suppressions_apply(&known, &made->report, 0));
	assert_int_equal(report_leak_count(&made->report), 1);
	assert_int_equal(suppressions_add_program(&known, "/bin/z", "leak:a\nleek:b", &error),
			 -EINVAL);
	assert_non_null(strstr(error.text, "z's own suppressions:2:"));
	assert_int_equal(known.count, 2);
	suppressions_free(&known);
	free(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_searched_for_in_function_file_and_module_of_every_frame),
		cmocka_unit_test(stars_and_anchors_are_those_of_leaksanitizer),
		cmocka_unit_test(a_block_is_compared_from_the_allocator_outwards),
		cmocka_unit_test(several_gaps_are_tried_at_every_frame),
		cmocka_unit_test(kinds_of_leaks_are_told_apart),
		cmocka_unit_test(other_errors_of_valgrinds_are_skipped),
		cmocka_unit_test(a_comment_limits_the_one_that_follows),
		cmocka_unit_test(what_is_wrong_is_said_with_its_line),
		cmocka_unit_test(a_zero_byte_is_no_text),
		cmocka_unit_test(files_that_are_none_are_refused),
		cmocka_unit_test(what_is_known_goes_behind_what_is_not),
		cmocka_unit_test(what_was_lost_with_what_is_known_is_known),
		cmocka_unit_test(a_finding_is_known_when_all_its_sites_are),
		cmocka_unit_test(more_than_is_allowed_is_flagged),
		cmocka_unit_test(what_has_expired_hides_nothing),
		cmocka_unit_test(what_a_program_says_holds_for_it_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
