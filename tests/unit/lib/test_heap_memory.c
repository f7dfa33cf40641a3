/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_heap_memory: which mappings are an allocator's, in made-up lists of mappings, and what of them is
 * resident, of memory that lies where the lists say; and in our own process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/region.h"
#include "lib/base/syscalls.h"
#include "lib/snapshot/heap_memory.h"
#include "lib/snapshot/page_fill.h"

#define MIB (1ull << 20)
#define PLACE 0x7a0000000000ull /* nothing else lies here */
#define PLACE_BYTES (512 * MIB)
#define POOL (PLACE + 64 * MIB)

static char maps_path[] = "/tmp/seep-unit-maps-XXXXXX";
static int maps_fd;
static struct page_fill fill;

static void unmap_all(void)
{
	assert_int_equal(ftruncate(maps_fd, 0), 0);
	lseek(maps_fd, 0, SEEK_SET);
}

static int start(void **state)
{
	(void)state;
	unmap_all();
	/* All pages are gone. */
	assert_int_equal(madvise((void *)PLACE, PLACE_BYTES, MADV_DONTNEED), 0);
	page_fill_start(&fill, false, false);
	return 0;
}

static struct heap_memory read_all(void)
{
	page_fill_finish(&fill);
	return heap_memory_of(&fill, maps_path, 0);
}

static void forget_blocks(void)
{
	page_fill_release(&fill);
	page_fill_start(&fill, false, false);
}

static int end(void **state)
{
	(void)state;
	/* Pools that were known are forgotten where nothing is mapped. */
	forget_blocks();
	unmap_all();
	read_all();
	page_fill_release(&fill);
	return 0;
}

static void map(uint64_t from, uint64_t to, const char *rights, const char *name)
{
	dprintf(maps_fd, "%08lx-%08lx %s 00000000 00:00 0 %s\n", (unsigned long)from,
		(unsigned long)to, rights, name);
}

static void page_in(uint64_t from, uint64_t to)
{
	for (uint64_t addr = from; addr < to; addr += 4096)
		*(volatile char *)addr = 1;
}

static void page_out(uint64_t from, uint64_t to)
{
	assert_int_equal(madvise((void *)from, to - from, MADV_DONTNEED), 0);
}

static void check(struct heap_memory heap, uint64_t bytes, uint64_t resident, uint64_t live_pages)
{
	assert_int_equal(heap.bytes, bytes);
	assert_int_equal(heap.resident_bytes, resident);
	assert_int_equal(heap.live_page_bytes, live_pages);
}

static void the_program_break_counts_as_a_whole(void **state)
{
	(void)state;
	map(POOL, POOL + 10 * MIB, "rw-p", "[heap]");
	page_in(POOL, POOL + 6 * MIB);
	check(read_all(), 10 * MIB, 6 * MIB, 0);
	/* Two pages with blocks, and one that has been taken away. */
	page_fill_add(&fill, POOL + 4090, 20);
	page_fill_add(&fill, POOL + 6 * MIB, 20);
	check(read_all(), 10 * MIB, 6 * MIB, 2 * 4096);
}

static void a_mapping_counts_when_blocks_lie_side_by_side_in_it(void **state)
{
	(void)state;
	map(POOL, POOL + 2 * MIB, "rw-p", "");
	map(POOL + 2 * MIB, POOL + 64 * MIB, "---p", ""); /* the rest of an arena */
	map(POOL + 64 * MIB, POOL + 65 * MIB, "rw-p", "");
	map(POOL + 66 * MIB, POOL + 67 * MIB, "r--p", "");
	page_in(POOL, POOL + 67 * MIB);
	check(read_all(), 0, 0, 0);
	page_fill_add(&fill, POOL + 5000, 100);
	check(read_all(), 2 * MIB, 2 * MIB, 4096);
	/* What no allocator can have written to is none's. */
	page_fill_add(&fill, POOL + 66 * MIB, 100);
	check(read_all(), 2 * MIB, 2 * MIB, 4096);
}

static void other_mappings_of_the_same_mib_do_not_count(void **state)
{
	(void)state;
	map(POOL, POOL + 0x10000, "rw-p", "");
	map(POOL + 0x11000, POOL + 0x20000, "rw-p", "");
	map(POOL + 0x20000, POOL + 0x30000, "rw-p", "/tmp/file");
	page_fill_add(&fill, POOL + 0x11000, 100);
	page_in(POOL, POOL + 0x30000);
	check(read_all(), 0xf000, 0xf000, 4096);
}

static void a_block_with_a_mapping_of_its_own_counts_with_its_pages(void **state)
{
	const uint64_t first = POOL + 8 * MIB, second = POOL + 20 * MIB;

	(void)state;
	/* The kernel has merged two of them with the stack of a thread, and with each other. */
	map(POOL, POOL + 40 * MIB, "rw-p", "");
	page_in(POOL, POOL + 40 * MIB);
	page_fill_add(&fill, first + 16, 200000);
	page_fill_add(&fill, second + 16, 3 * MIB);
	check(read_all(), 49 * 4096 + 3 * MIB + 4096, 49 * 4096 + 3 * MIB + 4096,
	      49 * 4096 + 3 * MIB + 4096);
	/* Never touched: it is held, but not there. */
	page_out(second + 4096, second + 3 * MIB + 4096);
	check(read_all(), 49 * 4096 + 3 * MIB + 4096, 50 * 4096, 50 * 4096);
}

static void of_a_large_mapping_the_parts_with_blocks_count(void **state)
{
	(void)state;
	map(POOL - 8 * MIB, POOL + 300 * MIB, "rw-p", "");
	page_fill_add(&fill, POOL - MIB, 100);
	page_fill_add(&fill, POOL + 64 * MIB, 100);
	page_fill_add(&fill, POOL + 299 * MIB, 100);
	page_in(POOL - 8 * MIB, POOL);
	page_in(POOL + 60 * MIB, POOL + 65 * MIB);
	page_in(POOL + 290 * MIB, POOL + 300 * MIB);
	check(read_all(), (8 + 64 + 44) * MIB, (8 + 1 + 10) * MIB, 3 * 4096);
}

static void what_was_a_pool_is_one_until_it_goes(void **state)
{
	(void)state;
	map(POOL, POOL + 2 * MIB, "rw-p", "");
	map(POOL + 64 * MIB, POOL + 67 * MIB, "rw-p", "");
	page_fill_add(&fill, POOL + 5000, 100);
	page_fill_add(&fill, POOL + 65 * MIB, 100);
	page_in(POOL, POOL + 67 * MIB);
	check(read_all(), 5 * MIB, 5 * MIB, 2 * 4096);
	/* Everything was freed, and the allocator keeps it. It may grow or shrink at its end. */
	forget_blocks();
	unmap_all();
	map(POOL, POOL + MIB, "rw-p", "");
	map(POOL + 64 * MIB, POOL + 67 * MIB, "rw-p", "");
	check(read_all(), 4 * MIB, 4 * MIB, 0);
	check(read_all(), 4 * MIB, 4 * MIB, 0);
	/* What begins elsewhere is another mapping. */
	unmap_all();
	map(POOL + 4096, POOL + MIB, "rw-p", "");
	map(POOL + 64 * MIB, POOL + 67 * MIB, "rw-p", "");
	check(read_all(), 3 * MIB, 3 * MIB, 0);
	/* One that was away for a while, too. */
	unmap_all();
	map(POOL, POOL + MIB, "rw-p", "");
	check(read_all(), 0, 0, 0);
}

static void what_libseep_maps_where_a_pool_was_is_no_pool(void **state)
{
	char *place = region_map(MIB, REGION_KEPT_ON_FORK);
	uint64_t addr = (uint64_t)place;

	(void)state;
	map(addr, addr + MIB, "rw-p", "");
	page_fill_add(&fill, addr + 5000, 100);
	assert_int_equal(read_all().bytes, MIB);
	forget_blocks();
	assert_int_equal(read_all().bytes, 0);
	region_unmap(place, MIB);
}

static void samples_make_a_mapping_a_pool_and_say_nothing_of_pages(void **state)
{
	(void)state;
	page_fill_release(&fill);
	page_fill_start(&fill, false, true);
	map(POOL, POOL + 2 * MIB, "rw-p", "");
	page_in(POOL, POOL + 2 * MIB);
	page_fill_add(&fill, POOL + 16, 200000);
	check(read_all(), 2 * MIB, 2 * MIB, 0);
}

/* ---- what cannot be known -------------------------------------------------------------------- */

/* The allocator has unmapped it since its mappings were listed. */
static void what_is_not_mapped_any_more_is_not_resident(void **state)
{
	(void)state;
	map(PLACE + PLACE_BYTES - MIB, PLACE + PLACE_BYTES + 40 * MIB, "rw-p", "[heap]");
	map(PLACE + PLACE_BYTES + 50 * MIB, PLACE + PLACE_BYTES + 51 * MIB, "rw-p", "");
	page_fill_add(&fill, PLACE + PLACE_BYTES - MIB, 100);
	page_fill_add(&fill, PLACE + PLACE_BYTES + 50 * MIB, 100);
	page_in(PLACE + PLACE_BYTES - MIB, PLACE + PLACE_BYTES);
	check(read_all(), 42 * MIB, MIB, 4096);
}

static void without_a_list_of_mappings_nothing_is_known(void **state)
{
	(void)state;
	page_fill_add(&fill, POOL + 5000, 100);
	check(heap_memory_of(&fill, "/nothing", 0), 0, 0, 0);
	map(POOL, POOL + 2 * MIB, "rw-p", "");
	fill.is_failed = true;
	check(read_all(), 0, 0, 0);
	fill.is_failed = false;
}

static void more_mappings_than_can_be_read_are_not_known(void **state)
{
	const uint64_t count = 140000;
	char *text = malloc(count * 64), *next = text;

	(void)state;
	for (uint64_t i = 0; i < count; i++)
		next += sprintf(next, "%08lx-%08lx rw-p 00000000 00:00 0 \n",
				(unsigned long)(POOL + i * 8192),
				(unsigned long)(POOL + i * 8192 + 4096));
	assert_int_equal(write(maps_fd, text, (size_t)(next - text)), next - text);
	page_fill_add(&fill, POOL, 100);
	check(read_all(), 0, 0, 0);
	/* Half of them can. */
	assert_int_equal(ftruncate(maps_fd, (next - text) / 2), 0);
	check(read_all(), 4096, 0, 0);
	free(text);
}

static void of_more_than_64_gib_residency_is_not_known(void **state)
{
	(void)state;
	map(POOL, POOL + (65ull << 30), "rw-p", "[heap]");
	page_in(POOL, POOL + MIB);
	page_fill_add(&fill, POOL + 5000, 100);
	page_fill_add(&fill, POOL + 2 * MIB, 100);
	check(read_all(), 65ull << 30, 0, 2 * 4096);
}

static void when_the_time_is_over_nothing_is_known(void **state)
{
	(void)state;
	map(POOL, POOL + 2 * MIB, "rw-p", "");
	page_fill_add(&fill, POOL + 5000, 100);
	check(heap_memory_of(&fill, maps_path, 1), 0, 0, 0);
	assert_int_equal(
		heap_memory_of(&fill, maps_path, sys_clock_ns(CLOCK_MONOTONIC) + 3600000000000ull)
			.bytes,
		2 * MIB);
}

/* ---- our own process ------------------------------------------------------------------------- */

static void what_is_touched_is_resident(void **state)
{
	const uint64_t bytes = 32 * MIB;
	char *place = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct heap_memory before = heap_memory_read(&fill, 0), after;

	(void)state;
	assert_true(before.bytes > 0 && before.resident_bytes > 0);
	assert_true(before.resident_bytes <= before.bytes);
	madvise(place, bytes, MADV_NOHUGEPAGE);
	for (uint64_t offset = 0; offset < bytes; offset += 2 * 4096)
		place[offset] = 1;
	page_fill_add(&fill, (uint64_t)place + 16, bytes - 16);
	page_fill_finish(&fill);
	after = heap_memory_read(&fill, 0);
	assert_int_equal(after.bytes - before.bytes, bytes);
	assert_int_equal(after.resident_bytes - before.resident_bytes, bytes / 2);
	assert_int_equal(after.live_page_bytes, bytes / 2);
	munmap(place, bytes);
	after = heap_memory_read(&fill, 0);
	assert_int_equal(after.bytes, before.bytes);
	assert_int_equal(after.live_page_bytes, 0);
}

static int make_place(void **state)
{
	(void)state;
	maps_fd = mkstemp(maps_path);
	if (mmap((void *)PLACE, PLACE_BYTES, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
		 0) != (void *)PLACE)
		return 1;
	madvise((void *)PLACE, PLACE_BYTES, MADV_NOHUGEPAGE);
	return maps_fd < 0;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(maps_path) != 0;
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(the_program_break_counts_as_a_whole),
		CLAIM(a_mapping_counts_when_blocks_lie_side_by_side_in_it),
		CLAIM(other_mappings_of_the_same_mib_do_not_count),
		CLAIM(a_block_with_a_mapping_of_its_own_counts_with_its_pages),
		CLAIM(of_a_large_mapping_the_parts_with_blocks_count),
		CLAIM(what_was_a_pool_is_one_until_it_goes),
		CLAIM(what_libseep_maps_where_a_pool_was_is_no_pool),
		CLAIM(samples_make_a_mapping_a_pool_and_say_nothing_of_pages),
		CLAIM(what_is_not_mapped_any_more_is_not_resident),
		CLAIM(without_a_list_of_mappings_nothing_is_known),
		CLAIM(more_mappings_than_can_be_read_are_not_known),
		CLAIM(of_more_than_64_gib_residency_is_not_known),
		CLAIM(when_the_time_is_over_nothing_is_known),
		CLAIM(what_is_touched_is_resident),
	};

	return cmocka_run_group_tests(tests, make_place, remove_file);
}
