/* SPDX-License-Identifier: Apache-2.0 */
/* test_folded: what flame graph tools read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "tests/unit/tools/sample_report.h"
#include "tools/output/folded.h"

static struct site_point points[2] = {
	{.snapshot = 0,
	 .live_blocks = 1,
	 .live_bytes = 10,
	 .allocations = 5,
	 .allocated_bytes = 500},
	{.snapshot = 9,
	 .live_blocks = 2,
	 .live_bytes = 20,
	 .allocations = 7,
	 .allocated_bytes = 700},
};
static struct site sites[SAMPLE_SITES];

static char *folded_of(struct sample *sample, size_t snapshot, enum folded_value value)
{
	for (size_t i = 0; i < sample->report.site_count; i++) {
		sites[i] =
			(struct site){.stack = (uint32_t)i + 1, .point_count = 2, .points = points};
		sample->sites[i].site = &sites[i];
	}
	return SAMPLE_WRITTEN(
		stream,
		assert_int_equal(folded_write(stream, &sample->report, snapshot, value), 0));
}

static void begins_at_the_root(void **state)
{
	(void)state;
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_LEAK});
	char *text = folded_of(sample, SAMPLE_POINTS - 1, FOLDED_LIVE_BYTES);

	assert_string_equal(text,
			    "_start;__libc_start_main_impl;__libc_start_call_main;main;"
			    "handle_events;accept_one;open_session;xmalloc;operator new 20\n");
	free(text);
	free(sample);
}

static void counts_what_was_asked_for(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const char *early, *late;
	} cases[] = {
		{"live_bytes", " 10\n", " 20\n"},
		{"live_blocks", " 1\n", " 2\n"},
		{"allocations", " 5\n", " 7\n"},
		{"allocated_bytes", " 500\n", " 700\n"},
	};
	enum folded_value value;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_STABLE});
		assert_int_equal(folded_value_of(cases[i].name, &value), 0);
		char *text = folded_of(sample, 8, value);
		assert_string_equal(strrchr(text, ' '), cases[i].early);
		free(text);
		text = folded_of(sample, 9, value);
		assert_string_equal(strrchr(text, ' '), cases[i].late);
		free(text);
		free(sample);
	}
	assert_int_equal(folded_value_of("peak", &value), -EINVAL);
}

static void adds_equal_stacks_and_leaves_out_zero(void **state)
{
	(void)state;
	struct sample *sample =
		sample_new(3, (enum verdict[]){VERDICT_STABLE, VERDICT_STABLE, VERDICT_LEAK});
	char *text = folded_of(sample, SAMPLE_POINTS - 1, FOLDED_LIVE_BYTES);

	assert_non_null(strstr(text, "main;dictAdd;dictExpand 40\n"));
	free(text);
	sample->sites[2].site = NULL;
	text = SAMPLE_WRITTEN(stream, folded_write(stream, &sample->report, SAMPLE_POINTS - 1,
						   FOLDED_LIVE_BYTES));
	assert_string_equal(text, "main;dictAdd;dictExpand 40\n");
	free(text);
	free(sample);
}

static void names_cannot_break_a_line(void **state)
{
	(void)state;
	static struct frame frames[] = {
		{.function = "a;b\nc\td"},
		{.module = "/lib/x;y.so", .offset = 0x10},
		{.offset = 0x7f00},
		{.function = "Map<K, V>::put(K const&)", .is_inlined = true},
	};
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_STABLE});
	sample->sites[0].frames = frames;
	sample->sites[0].frame_count = 4;
	char *text = folded_of(sample, 0, FOLDED_LIVE_BLOCKS);

	assert_string_equal(text, "Map<K, V>::put(K const&);0x7f00;x:y.so+0x10;a:b c d 1\n");
	free(text);
	free(sample);
}

static void names_are_text_that_no_byte_of_a_file_can_spoil(void **state)
{
	(void)state;
	/* Not UTF-8, a control character of Latin-1, DEL, one that turns the direction. */
	static struct frame frames[] = {{.function = "a\xff\xc2\x9b\x7f\xe2\x80\xae"
						     "b"}};
	struct sample *sample = sample_new(1, (enum verdict[]){VERDICT_STABLE});
	sample->sites[0].frames = frames;
	sample->sites[0].frame_count = 1;
	char *text = folded_of(sample, 0, FOLDED_LIVE_BLOCKS);

	assert_string_equal(text, "a\xef\xbf\xbd   b 1\n");
	free(text);
	free(sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_at_the_root),
		cmocka_unit_test(counts_what_was_asked_for),
		cmocka_unit_test(adds_equal_stacks_and_leaves_out_zero),
		cmocka_unit_test(names_cannot_break_a_line),
		cmocka_unit_test(names_are_text_that_no_byte_of_a_file_can_spoil),
	};

	return cmocka_run_group_tests_name("folded", tests, NULL, NULL);
}
