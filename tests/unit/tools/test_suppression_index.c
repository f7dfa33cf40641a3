/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_suppression_index: what the index finds is what comparing each with each finds, whatever the patterns
 * and the names; and many of both are a matter of a moment. SEED=N repeats a run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/suppression.h"
#include "tools/model/suppression_index.h"

#define ROUNDS 300
#define SITES 60
#define FRAMES 5
#define NAME_BYTES 24

static unsigned seed;

static unsigned below(unsigned limit)
{
	return (unsigned)rand_r(&seed) % limit;
}

/* Of few letters, so that much matches. */
static void random_name(char *name, size_t most, const char *letters)
{
	size_t length = 1 + below((unsigned)most - 1);

	for (size_t i = 0; i < length; i++)
		name[i] = letters[below((unsigned)strlen(letters))];
	name[length] = '\0';
}

struct crowd {
	char names[SITES][FRAMES][4][NAME_BYTES];
	struct frame frames[SITES][FRAMES];
	struct report_site sites[SITES];
	struct profile profile;
	struct report report;
};

static const char *name_or_none(char name[NAME_BYTES], const char *letters)
{
	random_name(name, 9, letters);
	return below(8) ? name : NULL;
}

static void make_sites(struct crowd *crowd)
{
	*crowd = (struct crowd){
		.profile = {.exe = (char *)"/bin/x", .name = (char *)"x"},
		.report = {.profile = &crowd->profile, .sites = crowd->sites, .site_count = SITES}};
	for (size_t i = 0; i < SITES; i++) {
		struct report_site *site = &crowd->sites[i];
		for (size_t f = 0; f < FRAMES; f++) {
			char(*names)[NAME_BYTES] = crowd->names[i][f];
			crowd->frames[i][f] =
				(struct frame){.function = name_or_none(names[0], "abc"),
					       .linkage_name = name_or_none(names[1], "abc_"),
					       .file = name_or_none(names[2], "ab./"),
					       .line = (int)below(2000),
					       .module = name_or_none(names[3], "ab/.")};
		}
		*site = (struct report_site){
			.profile = &crowd->profile,
			.stack = (uint32_t)i + 1,
			.identity = (uint64_t)(i + 1) << 32, /* so none of the ids is a twin's */
			.frames = crowd->frames[i],
			.frame_count = 1 + below(FRAMES),
			.judgement = {.verdict = below(2) ? VERDICT_LEAK : VERDICT_LOST,
				      .is_flagged = true}};
		snprintf(site->id, sizeof(site->id), "%016x", below(1000));
	}
}

static void put_pattern(FILE *stream)
{
	static const char *const keys[] = {"fun:", "fun:", "obj:", "src:", "..."};
	static const char *const letters[] = {"abc*?", "abc", "ab/.*", "ab./*?:0123456789"};
	size_t key = below(5);
	char name[NAME_BYTES] = "";

	if (key < 4)
		random_name(name, 9, letters[key]);
	fprintf(stream, "%s%s\n", keys[key], name);
}

static void add_suppressions(struct suppressions *all, size_t count)
{
	static const char *const allocators[] = {"", "", "fun:malloc\n", "fun:*alloc\n", "fun:*\n"};
	struct error error;
	char *text = NULL, name[NAME_BYTES];
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	for (size_t i = 0; i < count; i++) {
		if (below(2)) {
			random_name(name, 7, "abc./*");
			fprintf(stream, "leak:%sa%s%s%s\n", below(4) ? "" : "^",
				below(2) ? "*" : "", name,
				below(4)   ? ""
				: below(2) ? "$"
					   : "$c");
			continue;
		}
		if (!below(5))
			fputs("# seep: expires=2001-01-01\n", stream);
		fprintf(stream, "{\nname\nMemcheck:Leak\n%s%s",
			below(3) ? "" : "match-leak-kinds: reachable\n", allocators[below(5)]);
		for (size_t p = 1 + below(3); p; p--)
			put_pattern(stream);
		fputs("}\n", stream);
	}
	assert_int_equal(fclose(stream), 0);
	if (suppressions_parse(all, "x", text, strlen(text), &error) < 0)
		fail_msg("%s in\n%s", error.text, text);
	free(text);
}

/* What a baseline has. */
static void add_ids(struct suppressions *all)
{
	for (size_t i = 0; i < all->count; i++) {
		if (below(4))
			continue;
		char *id = malloc(17);
		snprintf(id, 17, "%016x", below(1000));
		all->list[i].site_id = id;
		all->list[i].max_bytes_per_hour = 1;
	}
}

static void free_all(struct suppressions *all)
{
	for (size_t i = 0; i < all->count; i++)
		free((char *)all->list[i].site_id);
	suppressions_free(all);
}

/* Each with each. */
static size_t find_plainly(const struct suppressions *all, const struct report_site *site,
			   int64_t now)
{
	size_t i = 0;

	while (i < all->count && (!suppression_matches(&all->list[i], site) ||
				  suppression_has_expired(&all->list[i], now)))
		i++;
	return i;
}

static void the_index_finds_what_comparing_each_with_each_finds(void **state)
{
	const char *wanted = getenv("SEED");
	unsigned first = wanted ? (unsigned)atoi(wanted) : (unsigned)time(NULL);
	size_t matches = 0, expected[SITES];
	struct crowd *crowd = malloc(sizeof(*crowd));

	(void)state;
	seed = first;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct suppressions all = {0};
		add_suppressions(&all, below(60));
		add_ids(&all);
		make_sites(crowd);
		for (size_t i = 0; i < SITES; i++)
			expected[i] = find_plainly(&all, &crowd->sites[i], 2000000000);
		assert_true(suppressions_apply(&all, &crowd->report, 2000000000));
		for (size_t i = 0; i < SITES; i++) {
			const struct report_site *site = crowd->report.sites + i;
			size_t was = site->stack - 1, now = all.count;
			if (site->suppression)
				now = (size_t)(site->suppression - all.list);
			if (now != expected[was])
				fail_msg("SEED=%u: site %zu is matched by %zu, not %zu", first, was,
					 now, expected[was]);
			matches += now < all.count;
		}
		free_all(&all);
	}
	free(crowd);
	if (matches < ROUNDS)
		fail_msg("SEED=%u: only %zu matches", first, matches);
}

/* Those that differ in a number only: 5,000 of them are asked for by few of the sites. */
static void few_of_many_are_looked_at(void **state)
{
	struct suppressions all = {0};
	struct error error;
	char *text = NULL, name[64];
	size_t bytes, count, looked_at = 0;
	const uint32_t *numbers;
	FILE *stream = open_memstream(&text, &bytes);

	(void)state;
	for (int i = 0; i < 5000; i++)
		fprintf(stream,
			i % 2 ? "leak:net_session_%d_open\n"
			      : "{\nn\nMemcheck:Leak\nfun:*alloc\nfun:net_session_%d_open\n"
				"fun:main\n}\n",
			i);
	assert_int_equal(fclose(stream), 0);
	assert_int_equal(suppressions_parse(&all, "x", text, strlen(text), &error), 0);
	free(text);
	struct suppression_index *index = suppression_index_new(&all);
	assert_non_null(index);
	struct frame frames[] = {{.function = name, .module = "/bin/net_session"},
				 {.function = "main", .module = "/bin/net_session"}};
	const struct report_site site = {.frames = frames, .frame_count = 2};
	for (uint32_t i = 0; i < 5000; i++) {
		bool is_there = false;
		snprintf(name, sizeof(name), "net_session_%u_open", i);
		assert_true(suppression_index_find(index, &site, &numbers, &count));
		for (size_t n = 0; n < count; n++)
			is_there |= numbers[n] == i;
		assert_true(is_there);
		looked_at += count;
	}
	suppression_index_free(index);
	suppressions_free(&all);
	if (looked_at > 20 * 5000)
		fail_msg("%zu are looked at for 5000 sites", looked_at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_index_finds_what_comparing_each_with_each_finds),
		cmocka_unit_test(few_of_many_are_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
