/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_scan_answer: which blocks are lost, possibly lost and reachable, on real memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/record/live_table.h"
#include "lib/scan/interior_pointers.h"
#include "tests/support/lib_random.h"
#include "tests/support/lib_scan_heap.h"

#define HEAP_BYTES (1ull << 30)

static void scan(void)
{
	assert_int_equal(lib_scan(), SEEP_SCAN_DONE);
}

static void assert_class(const void *block, enum lib_scan_class class)
{
	assert_int_equal(lib_scan_class(block), class);
}

static void point(uint64_t *from, const void *to)
{
	*from = (uint64_t)to;
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

/*
 * The cases of Valgrind's manual (memcheck, 4.2.8): RRR is a root, AAA and BBB are blocks, (?) is an
 * interior pointer.
 */

/* (1) RRR ------------> BBB */
static void case_1_a_block_that_a_root_points_to_is_reachable(void **state)
{
	uint64_t *b = lib_scan_block(40);

	(void)state;
	point(&lib_scan_root[3], b);
	scan();
	assert_class(b, LIB_SCAN_REACHABLE);
}

/* (2) RRR ---> AAA ---> BBB */
static void case_2_so_is_one_that_a_reachable_block_points_to(void **state)
{
	uint64_t *a = lib_scan_block(40), *b = lib_scan_block(40);

	(void)state;
	point(&lib_scan_root[0], a);
	point(&a[4], b);
	scan();
	assert_class(a, LIB_SCAN_REACHABLE);
	assert_class(b, LIB_SCAN_REACHABLE);
}

/* (3) RRR               BBB */
static void case_3_a_block_that_nothing_points_to_is_definitely_lost(void **state)
{
	uint64_t *b = lib_scan_block(40);

	(void)state;
	scan();
	assert_class(b, LIB_SCAN_DEFINITE);
}

/* (4) RRR      AAA ---> BBB */
static void case_4_what_only_a_lost_block_points_to_is_indirectly_lost(void **state)
{
	uint64_t *b = lib_scan_block(40), *a = lib_scan_block(40);

	(void)state;
	point(&a[0], b);
	scan();
	assert_class(a, LIB_SCAN_DEFINITE);
	assert_class(b, LIB_SCAN_INDIRECT);
}

/* (5) RRR ------(?)-----> BBB */
static void case_5_a_pointer_into_a_block_makes_it_possibly_lost(void **state)
{
	uint64_t *b = lib_scan_block(40);

	(void)state;
	point(&lib_scan_root[0], (uint8_t *)b + 3);
	scan();
	assert_class(b, LIB_SCAN_POSSIBLE);
}

/* (6) RRR ---> AAA -(?)-> BBB */
static void case_6_also_when_the_pointer_lies_in_a_reachable_block(void **state)
{
	uint64_t *b = lib_scan_block(40), *a = lib_scan_block(40);

	(void)state;
	point(&lib_scan_root[0], a);
	point(&a[1], &b[4]);
	scan();
	assert_class(a, LIB_SCAN_REACHABLE);
	assert_class(b, LIB_SCAN_POSSIBLE);
}

/* (7) RRR -(?)-> AAA ---> BBB */
static void case_7_what_a_possibly_lost_block_points_to_is_so_too(void **state)
{
	uint64_t *b = lib_scan_block(40), *a = lib_scan_block(40);

	(void)state;
	point(&lib_scan_root[0], &a[2]);
	point(&a[1], b);
	scan();
	assert_class(a, LIB_SCAN_POSSIBLE);
	assert_class(b, LIB_SCAN_POSSIBLE);
}

/* (8) RRR -(?)-> AAA -(?)-> BBB */
static void case_8_also_by_a_second_pointer_into_a_block(void **state)
{
	uint64_t *b = lib_scan_block(40), *a = lib_scan_block(40);

	(void)state;
	point(&lib_scan_root[0], &a[2]);
	point(&a[1], &b[2]);
	scan();
	assert_class(a, LIB_SCAN_POSSIBLE);
	assert_class(b, LIB_SCAN_POSSIBLE);
}

/* (9) RRR      AAA -(?)-> BBB */
static void case_9_a_pointer_of_a_lost_block_into_another_loses_it_indirectly(void **state)
{
	uint64_t *b = lib_scan_block(40), *a = lib_scan_block(40);

	(void)state;
	point(&a[1], &b[2]);
	scan();
	assert_class(a, LIB_SCAN_DEFINITE);
	assert_class(b, LIB_SCAN_INDIRECT);
}

static void a_pointer_to_the_start_counts_for_more_than_one_into_the_block(void **state)
{
	uint64_t *a = lib_scan_block(40), *b = lib_scan_block(40), *c = lib_scan_block(40);

	(void)state;
	/* Seen first by an interior pointer, also when it is a block's and found long before. */
	point(&lib_scan_root[0], &b[1]);
	point(&lib_scan_root[1], a);
	point(&a[0], b);
	point(&b[3], c);
	scan();
	assert_class(b, LIB_SCAN_REACHABLE);
	assert_class(c, LIB_SCAN_REACHABLE);
}

/* ---- which pointers count -------------------------------------------------------------------- */

static void a_pointer_behind_the_end_does_not_count(void **state)
{
	uint64_t *small = lib_scan_block(40), *large = lib_scan_block(5000);

	(void)state;
	point(&lib_scan_root[0], (uint8_t *)small + 40);
	point(&lib_scan_root[1], (uint8_t *)large + 5000);
	scan();
	assert_class(small, LIB_SCAN_DEFINITE);
	assert_class(large, LIB_SCAN_DEFINITE);
	point(&lib_scan_root[0], (uint8_t *)small + 39);
	point(&lib_scan_root[1], (uint8_t *)large + 4999);
	scan();
	assert_class(small, LIB_SCAN_POSSIBLE);
	assert_class(large, LIB_SCAN_POSSIBLE);
}

static void a_block_of_no_bytes_is_reached_by_its_address_alone(void **state)
{
	uint64_t *none = lib_scan_block(0), *other = lib_scan_block(0);

	(void)state;
	point(&lib_scan_root[0], none);
	point(&lib_scan_root[1], (uint8_t *)other + 1);
	scan();
	assert_class(none, LIB_SCAN_REACHABLE);
	assert_class(other, LIB_SCAN_DEFINITE);
}

static void a_pointer_that_is_not_aligned_does_not_count(void **state)
{
	uint64_t *b = lib_scan_block(40), *a = lib_scan_block(40);
	uint64_t value = (uint64_t)b;

	(void)state;
	point(&lib_scan_root[0], a);
	memcpy((uint8_t *)a + 12, &value, sizeof(value));
	scan();
	assert_class(b, LIB_SCAN_DEFINITE);
}

static void only_whole_words_of_a_block_are_read(void **state)
{
	uint64_t *b = lib_scan_block(40), *a = lib_scan_block(15);

	(void)state;
	point(&lib_scan_root[0], a);
	point(&a[1], b);
	scan();
	assert_class(b, LIB_SCAN_DEFINITE);
}

static void what_malloc_usable_size_offers_is_read(void **state)
{
	uint64_t *b[6], *a[6];
	uint64_t sizes[] = {33, 49, 8192 | 2, 33, 97, 12288 | 2};
	uint64_t bytes[] = {20, 20, 5000, 30, 20, 5000};

	(void)state;
	for (int i = 0; i < 6; i++) {
		lib_scan_skip_to(lib_scan_used() + 16);
		b[i] = lib_scan_block(40);
		lib_scan_skip_to(i * 65536 + 16);
		a[i] = lib_scan_block(bytes[i]);
		point(&lib_scan_root[i], a[i]);
		a[i][-1] = sizes[i];
		/* The last whole word behind the block that glibc would let it use. */
		point(&a[i][i % 3 == 0 ? 2 : i % 3 == 1 ? 4 : 8192 / 8 - 3], b[i]);
	}
	live_table_has_neighbours = false;
	scan();
	live_table_has_neighbours = true;
	assert_class(b[0], LIB_SCAN_REACHABLE);
	assert_class(b[1], LIB_SCAN_REACHABLE);
	assert_class(b[2], LIB_SCAN_REACHABLE);
	/* What no chunk of such a block says. */
	assert_class(b[3], LIB_SCAN_REACHABLE);
	assert_class(b[4], LIB_SCAN_DEFINITE);
	assert_class(b[5], LIB_SCAN_DEFINITE);
}

static void before_the_first_block_of_a_page_nothing_is_read(void **state)
{
	uint64_t *a = lib_scan_block(20);

	(void)state;
	/* Nothing is mapped there. */
	point(&lib_scan_root[0], a);
	assert_int_equal((uint64_t)a % 4096, 0);
	live_table_has_neighbours = false;
	scan();
	live_table_has_neighbours = true;
	assert_class(a, LIB_SCAN_REACHABLE);
}

static void free_memory_between_blocks_holds_nothing(void **state)
{
	uint64_t *freed = lib_scan_block(40), *b = lib_scan_block(40);

	(void)state;
	point(&lib_scan_root[0], freed);
	point(&freed[0], b);
	lib_scan_forget(freed, 40);
	scan();
	assert_class(b, LIB_SCAN_DEFINITE);
}

static void a_pointer_at_either_end_of_a_large_block_is_found(void **state)
{
	uint64_t *large = lib_scan_block(300000), *first = lib_scan_block(40),
		 *last = lib_scan_block(40), *giant = lib_scan_block(200 << 20), *far;

	(void)state;
	far = lib_scan_block(40);
	point(&lib_scan_root[0], large);
	point(&large[0], first);
	point(&large[300000 / 8 - 1], last);
	/* Into a block that begins in another leaf of the table. */
	point(&lib_scan_root[1], (uint8_t *)giant + (150 << 20));
	point(&giant[(190 << 20) / 8], far);
	scan();
	assert_class(first, LIB_SCAN_REACHABLE);
	assert_class(last, LIB_SCAN_REACHABLE);
	assert_class(giant, LIB_SCAN_POSSIBLE);
	assert_class(far, LIB_SCAN_POSSIBLE);
	/* What was never touched is not read. */
	assert_in_range(lib_scan_head().block_bytes, 2 * 4096, 300000 + 3 * 4096);
}

static void blocks_that_share_a_granule_are_told_apart(void **state)
{
	uint8_t *blocks[8];

	(void)state;
	for (uint64_t i = 0; i < 8; i++)
		blocks[i] = (uint8_t *)lib_scan_block_at(4096 + i * 8, 8);
	for (uint64_t i = 0; i < 8; i += 2)
		point(&lib_scan_root[i], blocks[i] + (i % 4 == 0 ? 0 : 7));
	scan();
	for (uint64_t i = 0; i < 8; i++)
		assert_class(blocks[i], i % 2 == 1   ? LIB_SCAN_DEFINITE
					: i % 4 == 0 ? LIB_SCAN_REACHABLE
						     : LIB_SCAN_POSSIBLE);
}

static void a_block_that_is_a_root_is_reached_and_read(void **state)
{
	uint64_t *a = lib_scan_block(40), *b = lib_scan_block(40), *c = lib_scan_block(2000);

	(void)state;
	point(&a[0], b);
	lib_scan_add_root(SEEP_ROOT_IGNORED, a, a);
	lib_scan_add_root(SEEP_ROOT_LOADER, c, c);
	/* No block begins here any more. */
	lib_scan_add_root(SEEP_ROOT_IGNORED, (uint8_t *)a + 8, (uint8_t *)a + 8);
	scan();
	assert_class(a, LIB_SCAN_REACHABLE);
	assert_class(b, LIB_SCAN_REACHABLE);
	assert_class(c, LIB_SCAN_REACHABLE);
}

static void roots_of_every_kind_count(void **state)
{
	static uint64_t words[20];
	uint64_t *blocks[20];

	(void)state;
	/* Also of one that this file does not know. */
	for (uint32_t kind = 1; kind < 12; kind++) {
		blocks[kind] = lib_scan_block(40);
		point(&words[kind], blocks[kind]);
		lib_scan_add_root(kind, &words[kind], &words[kind + 1]);
	}
	scan();
	for (uint32_t kind = 1; kind < 12; kind++)
		assert_class(blocks[kind], LIB_SCAN_REACHABLE);
}

static void what_cannot_be_read_is_not_read_and_not_definitely_lost(void **state)
{
	struct memory_span spans[2];
	uint64_t *a = lib_scan_block(40), *gone, *b;

	(void)state;
	lib_scan_skip_to(8192);
	gone = lib_scan_block(5000);
	lib_scan_skip_to(16384);
	b = lib_scan_block(40);
	spans[0] = (struct memory_span){(uint64_t)a, (uint64_t)gone + 4096};
	spans[1] = (struct memory_span){(uint64_t)b, (uint64_t)b + 4096};
	point(&gone[0], a);
	point(&gone[1], b);
	lib_scan_question.readable = (struct memory_spans){spans, 2};
	scan();
	assert_class(gone, LIB_SCAN_POSSIBLE);
	assert_class(a, LIB_SCAN_DEFINITE);
	assert_class(b, LIB_SCAN_DEFINITE);
	/* Spans without a gap in between are as good as one. */
	spans[1].start = spans[0].end;
	scan();
	assert_class(gone, LIB_SCAN_DEFINITE);
	assert_class(b, LIB_SCAN_INDIRECT);
}

/* ---- what cannot be sure --------------------------------------------------------------------- */

static void a_block_that_is_too_young_is_possibly_lost_with_what_it_leads_to(void **state)
{
	uint64_t *old = lib_scan_block(40), *young, *large;

	(void)state;
	young = lib_scan_block_of(40, 200, LIB_SCAN_EPOCH + 1);
	large = lib_scan_block_of(4000, 201, LIB_SCAN_EPOCH + 1);
	point(&young[0], old);
	scan();
	assert_class(young, LIB_SCAN_POSSIBLE);
	assert_class(large, LIB_SCAN_POSSIBLE);
	assert_class(old, LIB_SCAN_POSSIBLE);
	lib_scan_question.before_epoch = 0;
	scan();
	assert_class(young, LIB_SCAN_DEFINITE);
	assert_class(large, LIB_SCAN_DEFINITE);
	assert_class(old, LIB_SCAN_INDIRECT);
}

/* The first scan, whose answer the second one is asked with. */
static struct payload scan_first(void)
{
	struct payload lost;

	lib_scan_question.turn = SCAN_FIRST;
	scan();
	assert_int_equal(lib_scan_answer.scan.bytes, 0);
	lost = lib_scan_answer.lost;
	lib_scan_answer.lost = (struct payload){0};
	lib_scan_question.turn = SCAN_SECOND;
	lib_scan_question.seen_lost = lost;
	return lost;
}

static void where_nothing_is_lost_the_first_scan_says_it_all(void **state)
{
	uint64_t *held = lib_scan_block(40), *below = lib_scan_block(3000);
	uint64_t *seen = lib_scan_block(64), *young;

	(void)state;
	point(&lib_scan_root[0], held);
	point(&held[1], below);
	point(&lib_scan_root[1], &seen[3]);
	young = lib_scan_block_of(48, lib_scan_last_stack() + 1, LIB_SCAN_EPOCH);
	lib_scan_question.before_epoch = LIB_SCAN_EPOCH;
	lib_scan_question.wants_holders = true;
	lib_scan_question.turn = SCAN_FIRST;
	scan();
	assert_int_equal(lib_scan_answer.lost.bytes, 0);
	assert_class(held, LIB_SCAN_REACHABLE);
	assert_class(below, LIB_SCAN_REACHABLE);
	assert_class(seen, LIB_SCAN_POSSIBLE);
	assert_class(young, LIB_SCAN_POSSIBLE);
	assert_true(lib_scan_answer.holders.bytes > 0);
}

static void only_what_was_lost_in_two_scans_is_lost(void **state)
{
	uint64_t *blocks[400], *below[400];
	struct payload lost;

	(void)state;
	for (int i = 0; i < 400; i++) {
		blocks[i] = lib_scan_block(i % 4 < 2 ? 40 : 2000);
		below[i] = lib_scan_block(24);
		point(&blocks[i][0], below[i]);
		if (i < 200 && i % 2 == 0)
			point(&lib_scan_root[0], blocks[i]);
	}
	for (uint32_t i = 0; i < LIB_SCAN_ROOTS; i++)
		point(&lib_scan_root[i], blocks[i * 6]);
	lost = scan_first();
	memset(lib_scan_root, 0, sizeof(lib_scan_root));
	/* Some are found again. */
	point(&lib_scan_root[3], blocks[1]);
	point(&lib_scan_root[4], blocks[3]);
	scan();
	for (int i = 0; i < 400; i++) {
		bool was_held = i % 6 == 0 && i / 6 < (int)LIB_SCAN_ROOTS;
		bool is_held = i == 1 || i == 3;

		assert_class(blocks[i], is_held	   ? LIB_SCAN_REACHABLE
					: was_held ? LIB_SCAN_POSSIBLE
						   : LIB_SCAN_DEFINITE);
		assert_class(below[i], is_held	  ? LIB_SCAN_REACHABLE
				       : was_held ? LIB_SCAN_POSSIBLE
						  : LIB_SCAN_INDIRECT);
	}
	payload_release(&lost, &lib_scan_memory);
}

static void two_scans_tell_blocks_apart_that_share_a_granule(void **state)
{
	uint8_t *blocks[60];
	struct payload lost;

	(void)state;
	for (uint32_t i = 0; i < 60; i++) {
		blocks[i] = (uint8_t *)lib_scan_block_at(4096 + i * 8, 8);
		if (i % 3 == 1)
			point(&lib_scan_root[i], blocks[i]);
	}
	lost = scan_first();
	memset(lib_scan_root, 0, sizeof(lib_scan_root));
	scan();
	for (uint32_t i = 0; i < 60; i++)
		assert_class(blocks[i], i % 3 == 1 ? LIB_SCAN_POSSIBLE : LIB_SCAN_DEFINITE);
	payload_release(&lost, &lib_scan_memory);
}

static void a_list_that_is_cut_short_confirms_what_it_still_says(void **state)
{
	uint64_t *blocks[100];
	struct payload lost;
	uint32_t definite = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		blocks[i] = lib_scan_block(40);
	lost = scan_first();
	lib_scan_question.seen_lost.bytes /= 2;
	scan();
	for (int i = 0; i < 100; i++) {
		definite += lib_scan_class(blocks[i]) == LIB_SCAN_DEFINITE;
		if (lib_scan_class(blocks[i]) != LIB_SCAN_DEFINITE)
			assert_class(blocks[i], LIB_SCAN_POSSIBLE);
	}
	assert_in_range(definite, 30, 70);
	payload_release(&lost, &lib_scan_memory);
}

static void what_registers_may_hold_is_possibly_lost(void **state)
{
	uint64_t *shared, *few[12], *many[13];

	(void)state;
	shared = lib_scan_block_of(40, 12, LIB_SCAN_EPOCH);
	for (int i = 0; i < 12; i++)
		few[i] = lib_scan_block_of(40, 10, LIB_SCAN_EPOCH);
	for (int i = 0; i < 13; i++)
		many[i] = lib_scan_block_of(40, 11, LIB_SCAN_EPOCH);
	point(&few[3][0], shared);
	point(&many[3][0], shared);
	point(&many[4][0], lib_scan_block_of(40, 13, LIB_SCAN_EPOCH));
	lib_scan_question.unread_threads = 2;
	scan();
	assert_class(few[0], LIB_SCAN_POSSIBLE);
	assert_int_equal(lib_scan_site(10).blocks[2], 12);
	assert_int_equal(lib_scan_site(11).blocks[0], 13);
	assert_int_equal(lib_scan_site(11).bytes[0], 13 * 40);
	assert_int_equal(lib_scan_site(11).blocks[4], 1);
	/* One that both lead to. */
	assert_class(shared, LIB_SCAN_POSSIBLE);
	assert_int_equal(lib_scan_site(13).blocks[1], 1);
	assert_int_equal(lib_scan_head().unread_threads, 2);
	lib_scan_question.unread_threads = 3;
	scan();
	assert_int_equal(lib_scan_head().definitely_blocks, 0);
	assert_int_equal(lib_scan_head().possibly_blocks, 27);
}

static void nothing_is_certain_for_the_blind(void **state)
{
	uint64_t *ring[20];

	(void)state;
	for (int i = 0; i < 20; i++)
		ring[i] = lib_scan_block_of(40, 10, LIB_SCAN_EPOCH);
	point(&ring[3][0], ring[4]);
	scan();
	assert_int_equal(lib_scan_head().definitely_blocks, 19);
	assert_int_equal(lib_scan_head().flags & SEEP_SCAN_IS_BLIND, 0);
	lib_scan_question.is_blind = true;
	scan();
	assert_int_equal(lib_scan_head().definitely_blocks, 0);
	assert_int_equal(lib_scan_head().indirectly_blocks, 0);
	assert_int_equal(lib_scan_head().possibly_blocks, 20);
	assert_int_equal(lib_scan_head().flags & SEEP_SCAN_IS_BLIND, SEEP_SCAN_IS_BLIND);
}

/* ---- the record ------------------------------------------------------------------------------ */

static void the_head_sums_up_all_sites(void **state)
{
	uint64_t *a = lib_scan_block(100), *b = lib_scan_block(2000), *c = lib_scan_block(48),
		 *d = lib_scan_block(30);
	struct seep_scan head;

	(void)state;
	point(&lib_scan_root[0], a);
	point(&lib_scan_root[1], (uint8_t *)b + 16);
	point(&c[0], d);
	scan();
	head = lib_scan_head();
	assert_int_equal(head.struct_bytes, sizeof(head));
	assert_int_equal(head.flags, SEEP_SCAN_HAS_HEADS);
	assert_int_equal(head.site_count, 4);
	assert_int_equal(head.reachable_bytes, 100);
	assert_int_equal(head.possibly_bytes, 2000);
	assert_int_equal(head.definitely_bytes, 48);
	assert_int_equal(head.indirectly_bytes, 30);
	assert_int_equal(head.reachable_blocks + head.possibly_blocks + head.definitely_blocks +
				 head.indirectly_blocks,
			 4);
	assert_int_equal(head.root_bytes, sizeof(lib_scan_root));
	assert_true(head.own_bytes == lib_scan_memory.most && head.own_bytes > 0);
}

static void a_process_without_blocks_has_an_answer(void **state)
{
	(void)state;
	point(&lib_scan_root[0], lib_scan_root);
	scan();
	assert_int_equal(lib_scan_head().site_count, 0);
	assert_int_equal(lib_scan_answer.scan.bytes, sizeof(struct seep_scan));
}

/* ---- compared with a look at everything -------------------------------------------------------- */

#define BLOCKS 220u
#define NONE UINT32_MAX

static uint8_t *blocks_of[BLOCKS];
static uint64_t bytes_of[BLOCKS];
static enum lib_scan_class expected[BLOCKS];
static bool leads_to[BLOCKS][BLOCKS]; /* among lost blocks, in any number of steps */

static uint32_t find_block(uint64_t value, bool *is_start)
{
	for (uint32_t i = 0; i < BLOCKS; i++) {
		uint64_t addr = (uint64_t)blocks_of[i];

		*is_start = value == addr;
		if (*is_start || (value > addr && value < addr + bytes_of[i]))
			return i;
	}
	return NONE;
}

static const struct memory_spans no_constants;

/* Gives every block the class that a pointer out of these words gives it. True if one has changed. */
static bool spread(const uint64_t *words, uint64_t count, bool is_sure)
{
	bool has_changed = false, is_start;

	for (uint64_t w = 0; w < count; w++) {
		uint32_t to = find_block(words[w], &is_start);

		if (to == NONE || expected[to] == LIB_SCAN_REACHABLE)
			continue;
		/* A small number as the first word may be the number of elements. */
		is_start |= interior_pointer_is_start(&no_constants, (uint64_t)blocks_of[to],
						      bytes_of[to], words[w]);
		if (is_sure && is_start)
			expected[to] = LIB_SCAN_REACHABLE;
		else if (expected[to] != LIB_SCAN_POSSIBLE)
			expected[to] = LIB_SCAN_POSSIBLE;
		else
			continue;
		has_changed = true;
	}
	return has_changed;
}

static void classify(void)
{
	bool has_changed = true, is_start;

	for (uint32_t i = 0; i < BLOCKS; i++)
		expected[i] = LIB_SCAN_ABSENT;
	while (has_changed) {
		has_changed = spread(lib_scan_root, LIB_SCAN_ROOTS, true);
		for (uint32_t i = 0; i < BLOCKS; i++)
			if (expected[i] != LIB_SCAN_ABSENT)
				has_changed |= spread((uint64_t *)blocks_of[i], bytes_of[i] / 8,
						      expected[i] == LIB_SCAN_REACHABLE);
	}
	memset(leads_to, 0, sizeof(leads_to));
	for (uint32_t i = 0; i < BLOCKS; i++)
		for (uint64_t w = 0; expected[i] == LIB_SCAN_ABSENT && w < bytes_of[i] / 8; w++) {
			uint32_t to = find_block(((uint64_t *)blocks_of[i])[w], &is_start);

			if (to != NONE)
				leads_to[i][to] = true;
		}
	for (uint32_t k = 0; k < BLOCKS; k++)
		for (uint32_t i = 0; i < BLOCKS; i++)
			for (uint32_t j = 0; leads_to[i][k] && j < BLOCKS; j++)
				leads_to[i][j] |= leads_to[k][j];
}

/* Of the lost ones: each group that nothing else leads to has one head, and that is all. */
static void check_groups(void)
{
	for (uint32_t i = 0; i < BLOCKS; i++) {
		uint32_t heads = 0;
		bool is_below = false;

		if (expected[i] != LIB_SCAN_ABSENT)
			continue;
		for (uint32_t j = 0; j < BLOCKS; j++) {
			bool is_same = i == j || (leads_to[i][j] && leads_to[j][i]);

			is_below |= leads_to[j][i] && !is_same;
			heads += is_same && lib_scan_class(blocks_of[j]) == LIB_SCAN_DEFINITE;
		}
		assert_int_equal(heads, is_below ? 0 : 1);
		if (lib_scan_class(blocks_of[i]) != LIB_SCAN_DEFINITE)
			assert_class(blocks_of[i], LIB_SCAN_INDIRECT);
	}
}

static uint64_t some_pointer(struct lib_random *random)
{
	uint32_t to = (uint32_t)lib_random_below(random, BLOCKS);
	uint64_t addr = (uint64_t)blocks_of[to];

	switch (lib_random_below(random, 6)) {
	case 0:
		return addr + lib_random_below(random, bytes_of[to] + 2);
	case 1:
		return addr + bytes_of[to];
	case 2:
		return lib_random_next(random) >> lib_random_below(random, 64);
	default:
		return addr;
	}
}

static void fill_blocks(struct lib_random *random, uint64_t one_in)
{
	for (uint32_t i = 0; i < BLOCKS; i++) {
		uint64_t *words = (uint64_t *)blocks_of[i];

		for (uint64_t w = 0; w < bytes_of[i] / 8; w++) {
			words[w] = UINT64_MAX;
			if (lib_random_once_in(random, one_in * (1 + bytes_of[i] / 64)))
				words[w] = some_pointer(random);
		}
	}
}

static void make_blocks(struct lib_random *random)
{
	uint64_t offset = 64;

	for (uint32_t i = 0; i < BLOCKS; i++) {
		uint64_t limits[] = {3, 24, 100, 1030, 9000};

		bytes_of[i] = lib_random_below(random, limits[lib_random_below(random, 5)]);
		/* Close beside each other, far away, at the end of what one entry is for. */
		if (lib_random_once_in(random, 20))
			offset += 8 * lib_random_below(random, 12000);
		if (lib_random_once_in(random, 40))
			offset = (((offset >> 20) + 2) << 20) - 8 * lib_random_below(random, 100);
		blocks_of[i] = (uint8_t *)lib_scan_block_at(offset, bytes_of[i]);
		offset += ((bytes_of[i] + 7) & ~7ull) + 8 * (1 + lib_random_below(random, 4));
	}
}

static void says_of_every_block_what_a_look_at_everything_says(void **state)
{
	struct lib_random random = lib_random_start();
	uint32_t counts[LIB_SCAN_MIXED + 1] = {0};

	(void)state;
	for (int round = 0; round < 150; round++) {
		lib_scan_heap_start(HEAP_BYTES);
		make_blocks(&random);
		fill_blocks(&random, 1 + lib_random_below(&random, 6));
		for (uint64_t r = lib_random_below(&random, 12); r > 0; r--)
			lib_scan_root[r * 5] = some_pointer(&random);
		classify();
		scan();
		for (uint32_t i = 0; i < BLOCKS; i++) {
			counts[lib_scan_class(blocks_of[i])]++;
			if (expected[i] != LIB_SCAN_ABSENT)
				assert_class(blocks_of[i], expected[i]);
		}
		check_groups();
		lib_scan_heap_end();
	}
	for (int class = LIB_SCAN_DEFINITE; class <= LIB_SCAN_REACHABLE; class ++)
		assert_true(counts[class] > 300);
	print_message("          %u definitely, %u indirectly, %u possibly lost, %u reachable\n",
		      counts[LIB_SCAN_DEFINITE], counts[LIB_SCAN_INDIRECT],
		      counts[LIB_SCAN_POSSIBLE], counts[LIB_SCAN_REACHABLE]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(case_1_a_block_that_a_root_points_to_is_reachable,
						start, end),
		cmocka_unit_test_setup_teardown(case_2_so_is_one_that_a_reachable_block_points_to,
						start, end),
		cmocka_unit_test_setup_teardown(
			case_3_a_block_that_nothing_points_to_is_definitely_lost, start, end),
		cmocka_unit_test_setup_teardown(
			case_4_what_only_a_lost_block_points_to_is_indirectly_lost, start, end),
		cmocka_unit_test_setup_teardown(
			case_5_a_pointer_into_a_block_makes_it_possibly_lost, start, end),
		cmocka_unit_test_setup_teardown(
			case_6_also_when_the_pointer_lies_in_a_reachable_block, start, end),
		cmocka_unit_test_setup_teardown(
			case_7_what_a_possibly_lost_block_points_to_is_so_too, start, end),
		cmocka_unit_test_setup_teardown(case_8_also_by_a_second_pointer_into_a_block, start,
						end),
		cmocka_unit_test_setup_teardown(
			case_9_a_pointer_of_a_lost_block_into_another_loses_it_indirectly, start,
			end),
		cmocka_unit_test_setup_teardown(
			a_pointer_to_the_start_counts_for_more_than_one_into_the_block, start, end),
		cmocka_unit_test_setup_teardown(a_pointer_behind_the_end_does_not_count, start,
						end),
		cmocka_unit_test_setup_teardown(a_block_of_no_bytes_is_reached_by_its_address_alone,
						start, end),
		cmocka_unit_test_setup_teardown(a_pointer_that_is_not_aligned_does_not_count, start,
						end),
		cmocka_unit_test_setup_teardown(only_whole_words_of_a_block_are_read, start, end),
		cmocka_unit_test_setup_teardown(before_the_first_block_of_a_page_nothing_is_read,
						start, end),
		cmocka_unit_test_setup_teardown(what_malloc_usable_size_offers_is_read, start, end),
		cmocka_unit_test_setup_teardown(free_memory_between_blocks_holds_nothing, start,
						end),
		cmocka_unit_test_setup_teardown(a_pointer_at_either_end_of_a_large_block_is_found,
						start, end),
		cmocka_unit_test_setup_teardown(blocks_that_share_a_granule_are_told_apart, start,
						end),
		cmocka_unit_test_setup_teardown(a_block_that_is_a_root_is_reached_and_read, start,
						end),
		cmocka_unit_test_setup_teardown(roots_of_every_kind_count, start, end),
		cmocka_unit_test_setup_teardown(
			what_cannot_be_read_is_not_read_and_not_definitely_lost, start, end),
		cmocka_unit_test_setup_teardown(
			a_block_that_is_too_young_is_possibly_lost_with_what_it_leads_to, start,
			end),
		cmocka_unit_test_setup_teardown(where_nothing_is_lost_the_first_scan_says_it_all,
						start, end),
		cmocka_unit_test_setup_teardown(only_what_was_lost_in_two_scans_is_lost, start,
						end),
		cmocka_unit_test_setup_teardown(two_scans_tell_blocks_apart_that_share_a_granule,
						start, end),
		cmocka_unit_test_setup_teardown(
			a_list_that_is_cut_short_confirms_what_it_still_says, start, end),
		cmocka_unit_test_setup_teardown(what_registers_may_hold_is_possibly_lost, start,
						end),
		cmocka_unit_test_setup_teardown(nothing_is_certain_for_the_blind, start, end),
		cmocka_unit_test_setup_teardown(the_head_sums_up_all_sites, start, end),
		cmocka_unit_test_setup_teardown(a_process_without_blocks_has_an_answer, start, end),
		cmocka_unit_test(says_of_every_block_what_a_look_at_everything_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
