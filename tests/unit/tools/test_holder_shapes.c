/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_holder_shapes: paths to the blocks of a site, and what they have in common.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "tests/support/profile_writer.h"
#include "tools/model/arena.h"
#include "tools/model/error.h"
#include "tools/model/holder_links.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"

#define SITES 5
#define ROOTS 3

static struct arena *arena;

/* Five sites with 1, 2 … 5 live blocks of 100 bytes in one snapshot, and who holds them. */
static struct profile *read_run(const struct profile_writer_path *paths, uint32_t count,
				enum seep_scan_outcome outcome)
{
	static const struct profile_writer_root roots[ROOTS] = {
		{{.kind = SEEP_ROOT_MODULE, .address = 0x1000, .module = SEEP_ROOT_NO_MODULE}, ""},
		{{.kind = SEEP_ROOT_LOADER, .module = SEEP_ROOT_NO_MODULE}, ""},
		{{.kind = SEEP_ROOT_REGION, .module = SEEP_ROOT_NO_MODULE}, ""},
	};
	struct profile_writer writer;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	for (uint32_t id = 1; id <= SITES; id++)
		profile_writer_node(&writer, id, 0, 0x10000 + id * 16, 0);
	profile_writer_snapshot(&writer, 1, 1, SEEP_SNAPSHOT_IS_KEYFRAME, SEEP_REASON_FINAL, "");
	for (uint32_t id = 1; id <= SITES; id++) {
		profile_writer_entry(&writer, id, id, 100 * id, id, 1);
		profile_writer_cohort(&writer, 1, id, 100 * id);
	}
	profile_writer_snapshot_done(&writer);
	profile_writer_scan(&writer, (struct seep_scan){.snapshot = 1, .outcome = outcome}, NULL,
			    0);
	profile_writer_holders(&writer, (struct seep_holders){.snapshot = 1}, roots, ROOTS, paths,
			       count);
	struct profile *profile = profile_writer_read(&writer);
	profile_writer_free(&writer);
	return profile;
}

#define READ_RUN(paths) read_run(paths, sizeof(paths) / sizeof(*(paths)), SEEP_SCAN_DONE)

static const struct site *find_site(const struct profile *profile, uint32_t stack)
{
	for (size_t i = 0; i < profile->site_count; i++)
		if (profile->sites[i].stack == stack)
			return &profile->sites[i];
	fail_msg("no site of stack %u", stack);
	return NULL;
}

static struct holder_shapes shapes_of(const struct profile *profile, uint32_t stack)
{
	struct holder_shapes shapes;
	const struct site *site = find_site(profile, stack);
	assert_true(holder_shapes_make(&shapes, profile, &site, 1, 0, arena));
	return shapes;
}

static void check_step(const struct holder_shape *shape, size_t index, uint32_t stack,
		       uint64_t least, uint64_t most)
{
	assert_true(index < shape->step_count);
	assert_int_equal(shape->steps[index].stack, stack);
	assert_int_equal(shape->steps[index].least, least);
	assert_int_equal(shape->steps[index].most, most);
}

static int set_up(void **state)
{
	(void)state;
	arena = arena_new();
	return arena ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* ---- one site ---- */

static void places_in_a_table_are_one_way(void **state)
{
	(void)state;
	static const struct profile_writer_path paths[] = {
		{2, 30, 0, 1, {{1, 0, 1}}},  {2, 10, 0, 1, {{1, 8, 1}}},
		{2, 10, 0, 1, {{1, 80, 1}}}, {2, 10, 0, 1, {{1, 88, 1}}},
		{2, 10, 0, 1, {{1, 96, 1}}}, {2, 5, 0, 1, {{1, 104, 1}}},
		{2, 5, 0, 1, {{1, 112, 1}}}, {2, 5, 0, 1, {{1, 120, 1}}},
		{2, 5, 0, 1, {{1, 800, 1}}}, {2, 10, 1, 0, {{0, 0, 0}}},
	};
	struct profile *profile = READ_RUN(paths);
	struct holder_shapes shapes = shapes_of(profile, 2);
	assert_int_equal(shapes.count, 2);
	assert_true(fabs(shapes.shapes[0].share - 0.9) < 1e-9);
	assert_int_equal(shapes.shapes[0].root, 0);
	check_step(&shapes.shapes[0], 0, 1, 1, 1);
	assert_int_equal(shapes.shapes[0].steps[0].place_count, SHAPE_PLACES_MAX);
	assert_int_equal(shapes.shapes[1].root, 1);
	assert_int_equal(shapes.shapes[1].step_count, 0);
	profile_free(profile);
}

static void a_list_is_one_step_however_long(void **state)
{
	(void)state;
	static const struct profile_writer_path paths[] = {
		{2, 1, 0, 1, {{1, 8, 3}}},
		{2, 1, 0, 1, {{1, 8, 999}}},
		{2, 1, 0, 2, {{1, 0, 5}, {1, 8, 6}}},
	};
	struct profile *profile = READ_RUN(paths);
	struct holder_shapes shapes = shapes_of(profile, 2);
	assert_int_equal(shapes.count, 1);
	assert_int_equal(shapes.shapes[0].step_count, 1);
	check_step(&shapes.shapes[0], 0, 1, 3, 999);
	assert_int_equal(shapes.shapes[0].steps[0].place_count, 2);
	profile_free(profile);
}

static void of_equal_paths_only_the_most_steps_are_known(void **state)
{
	(void)state;
	static const struct profile_writer_path paths[] = {{2, 40, 0, 1, {{1, 8, 30}}}};
	struct profile *profile = READ_RUN(paths);
	struct holder_shapes shapes = shapes_of(profile, 2);
	check_step(&shapes.shapes[0], 0, 1, 1, 30);
	profile_free(profile);
}

/* Through nodes of two kinds in turn; the way of another path is the same without coming back. */
static void a_way_that_comes_back_is_cut_short(void **state)
{
	(void)state;
	static const struct profile_writer_path paths[] = {
		{3, 1, 0, 4, {{1, 0, 1}, {2, 0, 1}, {1, 0, 1}, {2, 0, 1}}},
		{3, 1, 0, 2, {{1, 0, 1}, {2, 0, 1}}},
	};
	struct profile *profile = READ_RUN(paths);
	struct holder_shapes shapes = shapes_of(profile, 3);
	assert_int_equal(shapes.count, 1);
	assert_int_equal(shapes.shapes[0].step_count, 2);
	check_step(&shapes.shapes[0], 0, 1, 1, 2);
	check_step(&shapes.shapes[0], 1, 2, 1, 1);
	profile_free(profile);
}

/* The first block of a list, and all that hang on others of it. */
static void blocks_of_the_site_itself_are_no_step(void **state)
{
	(void)state;
	static const struct profile_writer_path paths[] = {
		{2, 1, 0, 1, {{1, 0, 1}}},
		{2, 50, 0, 2, {{1, 0, 1}, {2, 8, 99}}},
		{2, 49, 0, 4, {{1, 0, 1}, {2, 8, 700}, {3, 0, 1}, {2, 8, 50}}},
	};
	struct profile *profile = READ_RUN(paths);
	struct holder_shapes shapes = shapes_of(profile, 2);
	assert_int_equal(shapes.count, 1);
	assert_int_equal(shapes.shapes[0].step_count, 1);
	assert_int_equal(shapes.shapes[0].own_most, 750);
	assert_true(fabs(shapes.shapes[0].share - 1) < 1e-9);
	profile_free(profile);
}

static void what_is_left_out_stays_a_gap(void **state)
{
	(void)state;
	static const struct profile_writer_path paths[] = {
		{3, 1, 0, 4, {{1, 0, 1}, {0, 0, 7}, {0, 0, 2}, {2, 0, 1}}},
	};
	struct profile *profile = READ_RUN(paths);
	struct holder_shapes shapes = shapes_of(profile, 3);
	assert_int_equal(shapes.shapes[0].step_count, 3);
	assert_int_equal(shapes.shapes[0].steps[1].stack, 0);
	assert_int_equal(shapes.shapes[0].steps[2].stack, 2);
	profile_free(profile);
}

static void nobody_is_not_the_same_as_unknown(void **state)
{
	(void)state;
	static const struct profile_writer_path paths[] = {{2, 1, 0, 0, {{0, 0, 0}}}};
	struct profile *profile = READ_RUN(paths);
	assert_non_null(shapes_of(profile, 1).shapes);
	assert_int_equal(shapes_of(profile, 1).count, 0);
	profile_free(profile);
	profile = read_run(paths, 1, SEEP_SCAN_NO_COPY);
	assert_null(shapes_of(profile, 2).shapes);
	assert_int_equal(shapes_of(profile, 2).count, 0);
	profile_free(profile);
}

/* ---- several sites ---- */

/* Site 1 has one live block and site 4 four: what holds 1 counts for a fifth, however many were drawn. */
static void sites_are_weighed_by_what_is_live(void **state)
{
	(void)state;
	static const struct profile_writer_path paths[] = {
		{1, 100, 0, 0, {{0, 0, 0}}},
		{4, 1, 1, 0, {{0, 0, 0}}},
		{4, 1, 0, 0, {{0, 0, 0}}},
	};
	struct profile *profile = READ_RUN(paths);
	const struct site *sites[] = {find_site(profile, 4), find_site(profile, 1)};
	struct holder_shapes shapes;
	assert_true(holder_shapes_make(&shapes, profile, sites, 2, 0, arena));
	assert_int_equal(shapes.count, 2);
	assert_int_equal(shapes.shapes[0].root, 0);
	assert_true(fabs(shapes.shapes[0].share - 0.6) < 1e-9);
	assert_true(fabs(shapes.shapes[1].share - 0.4) < 1e-9);
	profile_free(profile);
}

static void sites_asked_about_together_are_no_steps_of_each_other(void **state)
{
	(void)state;
	static const struct profile_writer_path paths[] = {
		{1, 1, 0, 1, {{2, 0, 1}}},
		{2, 1, 0, 1, {{1, 0, 3}}},
	};
	struct profile *profile = READ_RUN(paths);
	const struct site *sites[] = {find_site(profile, 2), find_site(profile, 1)};
	struct holder_shapes shapes;
	assert_true(holder_shapes_make(&shapes, profile, sites, 2, 0, arena));
	assert_int_equal(shapes.count, 1);
	assert_int_equal(shapes.shapes[0].step_count, 0);
	assert_int_equal(shapes.shapes[0].own_most, 3);
	profile_free(profile);
}

/* ---- in a report ---- */

static void a_report_says_which_growing_site_is_on_the_way(void **state)
{
	(void)state;
	static const struct profile_writer_path paths[] = {
		{3, 1, 0, 3, {{1, 0, 1}, {2, 0, 1}, {4, 0, 1}}},
		{5, 1, 0, 1, {{1, 0, 1}}},
	};
	struct profile *profile = READ_RUN(paths);
	struct report *report;
	struct error error = {""};
	assert_int_equal(report_build(profile, NULL, &report, &error), 0);
	assert_int_equal(report->site_count, SITES);
	struct report_site *by_stack[SITES + 1] = {NULL};
	for (size_t i = 0; i < report->site_count; i++)
		by_stack[report->sites[i].stack] = &report->sites[i];
	assert_non_null(report->holder_places);
	assert_null(by_stack[3]->held_by.shapes[0].through);

	/* Of several the one next to the root. */
	by_stack[4]->judgement.verdict = VERDICT_GROWING;
	by_stack[2]->judgement.is_flagged = true;
	assert_true(holder_links_make(report));
	assert_ptr_equal(by_stack[3]->held_by.shapes[0].through, by_stack[2]);
	assert_null(by_stack[5]->held_by.shapes[0].through);
	report_free(report);
	profile_free(profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_in_a_table_are_one_way),
		cmocka_unit_test(a_list_is_one_step_however_long),
		cmocka_unit_test(of_equal_paths_only_the_most_steps_are_known),
		cmocka_unit_test(a_way_that_comes_back_is_cut_short),
		cmocka_unit_test(blocks_of_the_site_itself_are_no_step),
		cmocka_unit_test(what_is_left_out_stays_a_gap),
		cmocka_unit_test(nobody_is_not_the_same_as_unknown),
		cmocka_unit_test(sites_are_weighed_by_what_is_live),
		cmocka_unit_test(sites_asked_about_together_are_no_steps_of_each_other),
		cmocka_unit_test(a_report_says_which_growing_site_is_on_the_way),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
