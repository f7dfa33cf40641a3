/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_holder_paths: by which paths blocks are held, followed through real memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/options.h"
#include "tests/support/lib_random.h"
#include "tests/support/lib_scan_heap.h"

#define HEAP_BYTES (256ull << 20)
#define PATHS_MAX 8192u
#define SAMPLE 100u

struct step {
	uint64_t stack, place, count;
};

struct path {
	uint64_t stack, blocks, root, step_count;
	struct step steps[32];
};

static struct path paths[PATHS_MAX];
static uint32_t path_count;
static struct seep_root roots[PATHS_MAX];
static char names[PATHS_MAX][32];
static uint32_t root_count;

static void read_roots(const struct payload *payload, uint64_t place, uint64_t end)
{
	for (uint32_t i = 0; i < root_count; i++) {
		memcpy(&roots[i], payload->start + place, sizeof(roots[i]));
		assert_int_equal(roots[i].struct_bytes, sizeof(roots[i]));
		assert_true(roots[i].name_bytes < sizeof(names[i]));
		memcpy(names[i], payload->start + place + sizeof(roots[i]), roots[i].name_bytes);
		names[i][roots[i].name_bytes] = 0;
		place += (sizeof(roots[i]) + roots[i].name_bytes + 7) & ~7ull;
	}
	assert_int_equal(place, end);
}

static void read_holders(void)
{
	const struct payload *payload = &lib_scan_answer.holders;
	struct seep_holders head;
	uint64_t place, stack = 0;

	assert_true(payload->bytes >= sizeof(head));
	memcpy(&head, payload->start, sizeof(head));
	assert_true(head.root_count <= PATHS_MAX && head.path_count <= PATHS_MAX);
	root_count = head.root_count;
	path_count = head.path_count;
	read_roots(payload, head.struct_bytes, head.paths_offset);
	place = head.paths_offset;
	for (uint32_t i = 0; i < path_count; i++) {
		struct path *path = &paths[i];

		path->stack = stack += payload_take_varint(payload, &place);
		path->blocks = payload_take_varint(payload, &place);
		path->root = payload_take_varint(payload, &place);
		path->step_count = payload_take_varint(payload, &place);
		assert_true(path->root < root_count);
		assert_true(path->step_count <= 16);
		for (uint64_t s = 0; s < path->step_count; s++) {
			path->steps[s].stack = payload_take_varint(payload, &place);
			path->steps[s].place = payload_take_varint(payload, &place);
			path->steps[s].count = payload_take_varint(payload, &place);
		}
	}
	assert_int_equal(place, payload->bytes);
}

static void scan(void)
{
	lib_scan_question.wants_holders = true;
	assert_int_equal(lib_scan(), SEEP_SCAN_DONE);
	read_holders();
}

/* The only path of the block's site. */
static const struct path *path_to(const void *block)
{
	const struct path *found = NULL;

	for (uint32_t i = 0; i < path_count; i++) {
		if (paths[i].stack != lib_scan_stack(block))
			continue;
		assert_null(found);
		found = &paths[i];
	}
	assert_non_null(found);
	return found;
}

static uint64_t sampled_blocks(uint32_t stack)
{
	uint64_t blocks = 0;

	for (uint32_t i = 0; i < path_count; i++)
		blocks += paths[i].stack == stack ? paths[i].blocks : 0;
	return blocks;
}

static void point(uint64_t *from, const void *to)
{
	*from = (uint64_t)to;
}

static void assert_step(const struct step *step, const void *block, uint64_t place, uint64_t count)
{
	assert_int_equal(step->stack, lib_scan_stack(block));
	assert_int_equal(step->place, place);
	assert_int_equal(step->count, count);
}

static int start(void **state)
{
	(void)state;
	lib_scan_heap_start(HEAP_BYTES);
	return 0;
}

static int end(void **state)
{
	(void)state;
	lib_scan_heap_end();
	return 0;
}

static void a_path_names_the_word_of_the_root_and_the_places_in_blocks(void **state)
{
	uint64_t *a = lib_scan_block(100), *b = lib_scan_block(5000), *c = lib_scan_block(0);

	(void)state;
	point(&lib_scan_root[5], a);
	point(&a[11], b);
	point(&b[600], c);
	scan();
	assert_int_equal(path_count, 3);
	assert_int_equal(path_to(a)->step_count, 0);
	assert_int_equal(roots[path_to(a)->root].kind, SEEP_ROOT_MODULE);
	assert_int_equal(roots[path_to(a)->root].address, (uint64_t)&lib_scan_root[5]);
	assert_int_equal(path_to(c)->root, path_to(a)->root);
	assert_int_equal(path_to(c)->blocks, 1);
	assert_int_equal(path_to(c)->step_count, 2);
	assert_step(&path_to(c)->steps[0], a, 88, 1);
	assert_step(&path_to(c)->steps[1], b, 4800, 1);
}

static void the_shortest_path_is_named_also_when_a_longer_one_is_found_first(void **state)
{
	uint64_t *a = lib_scan_block(40), *b = lib_scan_block(40), *c = lib_scan_block(40);

	(void)state;
	point(&lib_scan_root[0], a);
	point(&a[0], b);
	point(&b[0], c);
	point(&lib_scan_root[63], b);
	scan();
	assert_int_equal(path_to(b)->step_count, 0);
	assert_int_equal(roots[path_to(b)->root].address, (uint64_t)&lib_scan_root[63]);
	assert_int_equal(path_to(c)->step_count, 1);
	assert_step(&path_to(c)->steps[0], b, 0, 1);
}

static void what_data_of_a_module_holds_is_not_said_to_be_held_by_a_stack(void **state)
{
	static uint64_t words[4];
	uint64_t *a = lib_scan_block(40), *b = lib_scan_block(40);

	(void)state;
	lib_scan_roots.count = 0;
	lib_scan_add_root(SEEP_ROOT_STACK, &words[0], &words[2]);
	lib_scan_add_root(SEEP_ROOT_MODULE, &words[2], &words[4]);
	point(&words[0], a);
	point(&words[1], b);
	point(&words[3], b);
	scan();
	assert_int_equal(roots[path_to(a)->root].kind, SEEP_ROOT_STACK);
	assert_int_equal(roots[path_to(b)->root].kind, SEEP_ROOT_MODULE);
}

/* A list of six on a variable, and a register with its fourth. */
static void what_hangs_on_a_variable_is_not_said_to_be_held_by_a_register(void **state)
{
	static uint64_t words[4];
	uint64_t *list[6];

	(void)state;
	lib_scan_roots.count = 0;
	lib_scan_add_root(SEEP_ROOT_REGISTER, &words[0], &words[1]);
	lib_scan_add_root(SEEP_ROOT_STACK, &words[1], &words[2]);
	lib_scan_add_root(SEEP_ROOT_MODULE, &words[2], &words[4]);
	for (int i = 0; i < 6; i++) {
		list[i] = lib_scan_block(40);
		point(i == 0 ? &words[3] : &list[i - 1][1], list[i]);
	}
	point(&words[0], list[3]);
	point(&words[1], list[4]);
	scan();
	for (uint32_t i = 0; i < 6; i++) {
		uint64_t steps = 0;

		assert_int_equal(roots[path_to(list[i])->root].kind, SEEP_ROOT_MODULE);
		for (uint32_t s = 0; s < path_to(list[i])->step_count; s++)
			steps += path_to(list[i])->steps[s].count;
		assert_int_equal(steps, i);
	}
}

static void describe_for_test(const struct root_list *list, const struct root *root, uint64_t addr,
			      struct seep_root *described, const char **name)
{
	(void)list;
	if (root->kind != SEEP_ROOT_STACK)
		return;
	described->thread = 1000 + root->thread;
	described->pc = addr;
	*name = "worker";
}

static void each_kind_of_root_says_what_the_format_promises(void **state)
{
	static uint64_t words[10];
	uint64_t *blocks[6];
	struct root *root;

	(void)state;
	for (int i = 0; i < 6; i++)
		blocks[i] = lib_scan_block(40);
	lib_scan_roots.describe = describe_for_test;
	lib_scan_roots.count = 0;
	lib_scan_add_root(SEEP_ROOT_STACK, &words[0], &words[2])->thread = 7;
	lib_scan_add_root(SEEP_ROOT_REGISTER, &words[2], &words[4])->offset = 8 * 12;
	root = lib_scan_add_root(SEEP_ROOT_TLS, &words[4], &words[6]);
	root->module = 3;
	root->offset = 64;
	root = lib_scan_add_root(SEEP_ROOT_MAPPING, &words[6], &words[8]);
	root->offset = 4096;
	root->whole_bytes = 64 << 20;
	root->name = "/dev/zero";
	lib_scan_add_root(SEEP_ROOT_IGNORED, blocks[5], blocks[5]);
	point(&words[1], blocks[0]);
	point(&words[3], blocks[1]);
	point(&words[5], blocks[2]);
	point(&words[6], blocks[3]);
	point(&words[7], blocks[4]);
	scan();
	assert_int_equal(roots[path_to(blocks[0])->root].thread, 1007);
	assert_int_equal(roots[path_to(blocks[0])->root].pc, (uint64_t)&words[1]);
	assert_string_equal(names[path_to(blocks[0])->root], "worker");
	assert_int_equal(roots[path_to(blocks[1])->root].address, 13);
	assert_int_equal(roots[path_to(blocks[2])->root].module, 3);
	assert_int_equal(roots[path_to(blocks[2])->root].offset, 72);
	/* Words of a mapping are one root. */
	assert_int_equal(path_to(blocks[3])->root, path_to(blocks[4])->root);
	assert_int_equal(roots[path_to(blocks[3])->root].address, (uint64_t)&words[6] - 4096);
	assert_int_equal(roots[path_to(blocks[3])->root].offset, 4096);
	assert_int_equal(roots[path_to(blocks[3])->root].kib, 64 << 10);
	assert_int_equal(roots[path_to(blocks[0])->root].kib, 0);
	assert_string_equal(names[path_to(blocks[3])->root], "/dev/zero");
	assert_int_equal(roots[path_to(blocks[3])->root].module, SEEP_ROOT_NO_MODULE);
	assert_int_equal(roots[path_to(blocks[5])->root].kind, SEEP_ROOT_IGNORED);
	assert_int_equal(path_to(blocks[5])->step_count, 0);
}

/* ---- lists ----------------------------------------------------------------------------------- */

static uint64_t *make_list(uint64_t **from, uint32_t length, uint32_t stack)
{
	uint64_t *next = *from;

	for (uint32_t i = 0; i < length; i++) {
		uint64_t *node = lib_scan_block_of(48, stack, LIB_SCAN_EPOCH);

		point(next, node);
		next = &node[2];
	}
	*from = next;
	return next;
}

static void equal_steps_one_after_the_other_are_one(void **state)
{
	uint64_t *next = &lib_scan_root[1], *last;

	(void)state;
	make_list(&next, 500, 10);
	last = lib_scan_block(40);
	point(next, last);
	scan();
	assert_int_equal(path_to(last)->step_count, 1);
	assert_step(&path_to(last)->steps[0], (void *)lib_scan_root[1], 16, 500);
	assert_int_equal(sampled_blocks(10), SAMPLE);
	/* The first node is held by the root itself. */
	assert_in_range(path_count, 2, 3);
}

static void steps_at_another_place_or_of_another_site_are_not_equal(void **state)
{
	uint64_t *next = &lib_scan_root[1], *middle, *last;

	(void)state;
	make_list(&next, 5, 10);
	middle = lib_scan_block(64);
	point(next, middle);
	next = &middle[2];
	make_list(&next, 7, 10);
	/* From the last node on by another word. */
	last = lib_scan_block(40);
	point(next + 1, last);
	scan();
	assert_int_equal(path_to(last)->step_count, 4);
	assert_step(&path_to(last)->steps[0], (void *)lib_scan_root[1], 16, 5);
	assert_step(&path_to(last)->steps[1], middle, 16, 1);
	assert_step(&path_to(last)->steps[2], (void *)lib_scan_root[1], 16, 6);
	assert_step(&path_to(last)->steps[3], (void *)lib_scan_root[1], 24, 1);
}

static void a_list_of_a_million_nodes_is_one_step(void **state)
{
	uint64_t *next = &lib_scan_root[1], *last;

	(void)state;
	make_list(&next, 1000000, 10);
	last = lib_scan_block(40);
	point(next, last);
	scan();
	assert_int_equal(path_to(last)->step_count, 1);
	/* Counted up to half a million. */
	assert_int_equal(path_to(last)->steps[0].count, (1 << 19) - 1);
}

static void of_many_steps_those_in_the_middle_are_left_out(void **state)
{
	uint64_t *blocks[40];

	(void)state;
	for (uint32_t i = 0; i < 40; i++)
		blocks[i] = lib_scan_block(40);
	point(&lib_scan_root[0], blocks[0]);
	for (uint32_t i = 1; i < 40; i++)
		point(&blocks[i - 1][i % 5], blocks[i]);
	scan();
	assert_int_equal(path_to(blocks[16])->step_count, 16);
	for (uint32_t i = 0; i < 16; i++)
		assert_step(&path_to(blocks[16])->steps[i], blocks[i], (i + 1) % 5 * 8, 1);
	for (uint32_t length = 17; length < 40; length++) {
		const struct path *path = path_to(blocks[length]);

		assert_int_equal(path->step_count, 16);
		for (uint32_t i = 0; i < 8; i++)
			assert_step(&path->steps[i], blocks[i], (i + 1) % 5 * 8, 1);
		assert_int_equal(path->steps[8].stack, 0);
		assert_int_equal(path->steps[8].count, length - 15);
		for (uint32_t i = 0; i < 7; i++)
			assert_step(&path->steps[9 + i], blocks[length - 7 + i],
				    (length - 7 + i + 1) % 5 * 8, 1);
	}
}

/* ---- the sample ------------------------------------------------------------------------------ */

static void the_blocks_of_all_paths_of_a_site_are_its_sample(void **state)
{
	(void)state;
	for (uint32_t site = 0; site < 30; site++) {
		uint32_t count = 1 + site * 13;

		uint64_t *table = lib_scan_block_of(count * 8, 500, LIB_SCAN_EPOCH);

		point(&lib_scan_root[site], table);
		for (uint32_t i = 0; i < count; i++)
			point(&table[i], lib_scan_block_of(24, 1000 + site, LIB_SCAN_EPOCH));
	}
	/* One that nothing holds. */
	lib_scan_block_of(24, 2000, LIB_SCAN_EPOCH);
	scan();
	for (uint32_t site = 0; site < 30; site++) {
		uint32_t count = 1 + site * 13;

		assert_int_equal(sampled_blocks(1000 + site), count < SAMPLE ? count : SAMPLE);
	}
	assert_int_equal(sampled_blocks(2000), 0);
}

#define CANDIDATES 400u
#define DRAWS 400u

static void every_block_is_as_likely_in_the_sample(void **state)
{
	static uint32_t times[CANDIDATES];
	struct lib_random random = lib_random_start();
	uint64_t *table = lib_scan_block(CANDIDATES * 8);

	(void)state;
	point(&lib_scan_root[0], table);
	for (uint32_t i = 0; i < CANDIDATES; i++)
		point(&table[i], lib_scan_block_of(24, 1000, LIB_SCAN_EPOCH));
	memset(times, 0, sizeof(times));
	for (uint32_t draw = 0; draw < DRAWS; draw++) {
		lib_scan_question.seed = lib_random_next(&random);
		scan();
		for (uint32_t i = 0; i < path_count; i++)
			if (paths[i].stack == 1000)
				times[paths[i].steps[0].place / 8]++;
	}
	/* A quarter of them, with a standard deviation of 8.7: beyond six of them once in 10^6 runs. */
	for (uint32_t i = 0; i < CANDIDATES; i++)
		assert_in_range(times[i], DRAWS / 4 - 52, DRAWS / 4 + 52);
}

static void where_the_record_would_be_too_long_samples_are_smaller(void **state)
{
	uint64_t *table = lib_scan_block(20000 * 8);

	(void)state;
	point(&lib_scan_root[0], table);
	for (uint32_t i = 0; i < 20000; i++)
		point(&table[i], lib_scan_block_of(24, 1000 + i % 20, LIB_SCAN_EPOCH));
	scan();
	assert_int_equal(sampled_blocks(1007), SAMPLE);
	options.max_file_bytes = 32 * lib_scan_answer.holders.bytes / 2;
	scan();
	assert_in_range(sampled_blocks(1007), 1, SAMPLE / 2);
	assert_true(lib_scan_answer.holders.bytes <= options.max_file_bytes / 32);
	options.max_file_bytes = 32;
	lib_scan_question.wants_holders = true;
	assert_int_equal(lib_scan(), SEEP_SCAN_DONE);
	assert_int_equal(lib_scan_answer.holders.bytes, 0);
}

#define MANY_SITES 5000u

/* Each with a root of its own, which is most of what the record says. */
static void of_too_many_sites_those_with_the_most_bytes_are_named(void **state)
{
	static uint64_t words[MANY_SITES];
	uint64_t least_named = UINT64_MAX, most_left_out = 0;

	(void)state;
	lib_scan_add_root(SEEP_ROOT_MODULE, words, words + MANY_SITES);
	for (uint32_t i = 0; i < MANY_SITES; i++)
		point(&words[i],
		      lib_scan_block_of(16 + i * 7 % MANY_SITES, 1000 + i, LIB_SCAN_EPOCH));
	options.max_file_bytes = 32 * 64 * MANY_SITES / 3;
	scan();
	assert_true(lib_scan_answer.holders.bytes <= options.max_file_bytes / 32);
	assert_in_range(path_count, MANY_SITES / 20, MANY_SITES / 3);
	for (uint32_t i = 0, path = 0; i < MANY_SITES; i++) {
		uint64_t bytes = 16 + i * 7 % MANY_SITES;

		if (path < path_count && paths[path].stack == 1000 + i) {
			least_named = bytes < least_named ? bytes : least_named;
			path++;
		} else if (bytes > most_left_out) {
			most_left_out = bytes;
		}
	}
	assert_true(most_left_out < least_named);
}

static void paths_are_given_up_before_the_scan_is(void **state)
{
	uint64_t *next = &lib_scan_root[1], needed;

	(void)state;
	make_list(&next, 300000, 10);
	assert_int_equal(lib_scan(), SEEP_SCAN_DONE);
	assert_int_equal(lib_scan_answer.holders.bytes, 0);
	needed = lib_scan_memory.most;
	scan();
	assert_true(lib_scan_memory.most > needed + 300000 * 15);
	lib_scan_memory.limit = needed + (2 << 20);
	lib_scan_question.wants_holders = true;
	assert_int_equal(lib_scan(), SEEP_SCAN_DONE);
	assert_int_equal(lib_scan_answer.holders.bytes, 0);
	assert_int_equal(lib_scan_head().reachable_blocks, 300000);
}

/* ---- many blocks ----------------------------------------------------------------------------- */

#define BLOCKS 3000u
#define WORDS 5u

static uint64_t *random_blocks[BLOCKS];
static uint32_t distance[BLOCKS]; /* from the roots, in pointers; 0: not reached */

static void measure(void)
{
	static uint32_t queue[BLOCKS];
	uint32_t head = 0, tail = 0;

	memset(distance, 0, sizeof(distance));
	for (uint32_t r = 0; r < LIB_SCAN_ROOTS; r++)
		for (uint32_t b = 0; b < BLOCKS; b++)
			if (lib_scan_root[r] == (uint64_t)random_blocks[b] && distance[b] == 0) {
				distance[b] = 1;
				queue[tail++] = b;
			}
	while (head < tail) {
		uint32_t from = queue[head++];

		for (uint32_t w = 0; w < WORDS; w++)
			for (uint32_t b = 0; b < BLOCKS; b++)
				if (random_blocks[from][w] == (uint64_t)random_blocks[b] &&
				    distance[b] == 0) {
					distance[b] = distance[from] + 1;
					queue[tail++] = b;
				}
	}
}

static uint32_t block_of_stack(uint64_t stack)
{
	return (uint32_t)(stack - lib_scan_stack(random_blocks[0]));
}

/* Follows the path through memory; the number of pointers on it, 0 where it is longer than it can say. */
static uint32_t follow(const struct path *path)
{
	uint64_t at = *(uint64_t *)roots[path->root].address;

	for (uint64_t s = 0; s < path->step_count; s++) {
		if (path->steps[s].stack == 0)
			return 0;
		assert_int_equal(path->steps[s].count, 1);
		assert_int_equal(at, (uint64_t)random_blocks[block_of_stack(path->steps[s].stack)]);
		at = *(uint64_t *)(at + path->steps[s].place);
	}
	assert_int_equal(at, (uint64_t)random_blocks[block_of_stack(path->stack)]);
	return (uint32_t)path->step_count + 1;
}

static void every_path_leads_to_its_block_and_is_the_shortest(void **state)
{
	struct lib_random random = lib_random_start();
	uint32_t reached = 0, long_ones = 0;

	(void)state;
	for (uint32_t b = 0; b < BLOCKS; b++)
		random_blocks[b] = lib_scan_block(WORDS * 8);
	for (uint32_t b = 0; b < BLOCKS; b++)
		if (lib_random_once_in(&random, 3))
			for (uint32_t w = 0; w < WORDS; w++)
				random_blocks[b][w] =
					(uint64_t)random_blocks[lib_random_below(&random, BLOCKS)];
		else
			point(&random_blocks[b][lib_random_below(&random, WORDS)],
			      random_blocks[(b + 1) % BLOCKS]);
	for (uint32_t r = 0; r < 3; r++)
		point(&lib_scan_root[20 * r], random_blocks[lib_random_below(&random, BLOCKS)]);
	measure();
	scan();
	for (uint32_t b = 0; b < BLOCKS; b++)
		reached += distance[b] != 0;
	assert_int_equal(path_count, reached);
	assert_true(reached > BLOCKS / 2);
	for (uint32_t i = 0; i < path_count; i++) {
		uint32_t length = follow(&paths[i]);
		uint32_t expected = distance[block_of_stack(paths[i].stack)];

		long_ones += length == 0;
		if (length == 0)
			assert_int_equal(expected - 1 - 15, paths[i].steps[8].count);
		else
			assert_int_equal(length, expected);
	}
	print_message("          %u paths, %u too long to be named\n", path_count, long_ones);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_path_names_the_word_of_the_root_and_the_places_in_blocks, start, end),
		cmocka_unit_test_setup_teardown(
			the_shortest_path_is_named_also_when_a_longer_one_is_found_first, start,
			end),
		cmocka_unit_test_setup_teardown(
			what_data_of_a_module_holds_is_not_said_to_be_held_by_a_stack, start, end),
		cmocka_unit_test_setup_teardown(
			what_hangs_on_a_variable_is_not_said_to_be_held_by_a_register, start, end),
		cmocka_unit_test_setup_teardown(each_kind_of_root_says_what_the_format_promises,
						start, end),
		cmocka_unit_test_setup_teardown(equal_steps_one_after_the_other_are_one, start,
						end),
		cmocka_unit_test_setup_teardown(
			steps_at_another_place_or_of_another_site_are_not_equal, start, end),
		cmocka_unit_test_setup_teardown(a_list_of_a_million_nodes_is_one_step, start, end),
		cmocka_unit_test_setup_teardown(of_many_steps_those_in_the_middle_are_left_out,
						start, end),
		cmocka_unit_test_setup_teardown(the_blocks_of_all_paths_of_a_site_are_its_sample,
						start, end),
		cmocka_unit_test_setup_teardown(every_block_is_as_likely_in_the_sample, start, end),
		cmocka_unit_test_setup_teardown(
			where_the_record_would_be_too_long_samples_are_smaller, start, end),
		cmocka_unit_test_setup_teardown(
			of_too_many_sites_those_with_the_most_bytes_are_named, start, end),
		cmocka_unit_test_setup_teardown(paths_are_given_up_before_the_scan_is, start, end),
		cmocka_unit_test_setup_teardown(every_path_leads_to_its_block_and_is_the_shortest,
						start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
