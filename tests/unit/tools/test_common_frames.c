/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_common_frames: which function the sites of a finding have in common.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/model/profile.h"
#include "tools/model/report_builder.h"

#define CALLED(name, at)                                                                           \
	{                                                                                          \
		.function = (name), .file = "broker.c", .line = (at), .module = "/bin/broker"      \
	}
#define WRAPPER(name)                                                                              \
	{                                                                                          \
		.function = (name), .module = "/bin/broker", .is_wrapper = true                    \
	}

struct example {
	struct profile profile;
	struct report *report;
	struct report_site sites[2], *members[2];
	struct report_finding finding;
};

/* Two sites of which the finding knows what they share as the tree sees it: main. */
static void make(struct example *example, struct frame *first, struct frame *second, size_t count)
{
	*example = (struct example){.report = NULL};
	example->report = report_new(&example->profile, 2);
	assert_non_null(example->report);
	example->sites[0] = (struct report_site){.frames = first, .frame_count = count};
	example->sites[1] = (struct report_site){.frames = second, .frame_count = count};
	for (size_t i = 0; i < 2; i++)
		example->members[i] = &example->sites[i];
	example->finding = (struct report_finding){
		.kind = FINDING_CALLER,
		.sum = {.frames = &first[count - 1], .frame_count = 1},
		.sites = example->members,
		.site_count = 2,
		.all_count = 2,
	};
}

static void two_lines_of_one_function_are_that_function(void **state)
{
	(void)state;
	struct frame first[] = {WRAPPER("xmalloc"), CALLED("msg_new", 6), CALLED("publish", 40),
				CALLED("main", 12)};
	struct frame second[] = {WRAPPER("xmalloc"), CALLED("msg_new", 7), CALLED("publish", 40),
				 CALLED("main", 12)};
	struct example example;
	make(&example, first, second, 4);
	assert_true(report_finding_narrow(example.report, &example.finding));
	const struct report_site *sum = &example.finding.sum;
	assert_int_equal(sum->frame_count, 3);
	assert_string_equal(sum->frames[0].function, "msg_new");
	assert_int_equal(sum->frames[0].line, 0); /* there are two */
	assert_string_equal(sum->frames[1].function, "publish");
	assert_int_equal(sum->frames[1].line, 40);
	assert_string_equal(sum->frames[2].function, "main");
	assert_int_equal(first[1].line, 6); /* the site's own stay as they are */
	report_free(example.report);
}

static void where_functions_part_it_ends(void **state)
{
	(void)state;
	struct frame first[] = {CALLED("msg_new", 6), CALLED("publish", 40), CALLED("main", 12)};
	struct frame second[] = {CALLED("msg_new", 6), CALLED("replay", 50), CALLED("main", 13)};
	struct frame elsewhere[] = {CALLED("msg_new", 6), CALLED("publish", 40),
				    CALLED("main", 12)};
	struct example example;
	make(&example, first, second, 3);
	assert_true(report_finding_narrow(example.report, &example.finding));
	assert_int_equal(example.finding.sum.frame_count, 1);
	report_free(example.report);

	/* Functions of one name in two libraries are two. */
	elsewhere[1].module = "/lib/libother.so";
	make(&example, first, elsewhere, 3);
	assert_true(report_finding_narrow(example.report, &example.finding));
	assert_int_equal(example.finding.sum.frame_count, 1);
	report_free(example.report);
}

static void what_is_not_known_of_all_sites_is_not_said(void **state)
{
	(void)state;
	struct frame first[] = {CALLED("msg_new", 6), CALLED("main", 12)};
	struct frame second[] = {CALLED("msg_new", 7), CALLED("main", 12)};
	struct example example;
	make(&example, first, second, 2);
	example.finding.all_count = 3; /* one that the report leaves out */
	assert_true(report_finding_narrow(example.report, &example.finding));
	assert_int_equal(example.finding.sum.frame_count, 1);
	example.finding.all_count = 2;
	example.sites[1].frames = NULL; /* not resolved */
	assert_true(report_finding_narrow(example.report, &example.finding));
	assert_int_equal(example.finding.sum.frame_count, 1);
	report_free(example.report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_lines_of_one_function_are_that_function),
		cmocka_unit_test(where_functions_part_it_ends),
		cmocka_unit_test(what_is_not_known_of_all_sites_is_not_said),
	};

	return cmocka_run_group_tests_name("common_frames", tests, NULL, NULL);
}
