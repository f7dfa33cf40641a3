/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_malloc_state: what glibc's malloc knows of free memory is found in this process, as are the heaps
 * of its threads, and nothing else is taken for them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/record/module_list.h"
#include "lib/scan/malloc_state.h"
#include "lib/scan/page_flags.h"

#define HEAP_BYTES (64ul << 20)
#define LARGE 5000 /* no bin of the thread's own cache takes it */

static struct scan_memory memory = {.limit = 64 << 20};
static struct memory_layout layout;

static int read_layout(void **state)
{
	(void)state;
	module_list_refresh();
	page_flags_open();
	assert_true(memory_layout_read(&layout, &memory));
	return 0;
}

static int release_layout(void **state)
{
	(void)state;
	memory_layout_release(&layout, &memory);
	page_flags_close();
	assert_int_equal(memory.bytes, 0);
	return 0;
}

static bool is_hole(struct span_list *list, const void *ptr)
{
	struct memory_spans spans = span_list_join(list);

	return memory_spans_find(&spans, (uint64_t)ptr) != NULL;
}

/* A chunk that has just been freed is the first in its bin: back from it is the bin itself. */
static const void *bin_of(void *freed)
{
	const void *words[2];

	memcpy(words, freed, sizeof(words));
	return words[1];
}

static void finds_the_bins_of_the_first_arena(void **state)
{
	/* Between two that are in use it is joined with nothing. */
	char *volatile before = malloc(LARGE), *volatile freed = malloc(LARGE);
	char *volatile after = malloc(LARGE);
	struct span_list holes = {0};
	static int own_data = 1;
	const void *bin;

	(void)state;
	free(freed);
	bin = bin_of(freed);
	malloc_state_find(&layout, &memory, &holes);
	assert_true(holes.count == 1);
	assert_true(is_hole(&holes, bin));
	/* Little more than that: fastbins before it, the ring of arenas behind. */
	assert_true(holes.spans[0].end - holes.spans[0].start < 2400);
	assert_false(is_hole(&holes, &own_data));
	assert_false(is_hole(&holes, stdout));
	span_list_release(&holes, &memory);
	free(before);
	free(after);
}

static void *allocate(void *result)
{
	void **blocks = result;

	blocks[0] = malloc(LARGE);
	blocks[1] = malloc(LARGE);
	blocks[2] = malloc(LARGE);
	free(blocks[1]);
	return NULL;
}

static void finds_the_heap_of_a_thread(void **state)
{
	struct span_list holes = {0};
	void *blocks[3] = {NULL};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, allocate, blocks), 0);
	pthread_join(thread, NULL);
	read_layout(state);
	for (uint32_t i = 0; i < layout.count; i++)
		if (layout.mappings[i].is_anonymous && layout.mappings[i].is_readable &&
		    !layout.mappings[i].is_break)
			malloc_state_find_arenas(&layout, &layout.mappings[i], &memory, &holes);
	assert_true(is_hole(&holes, blocks[0]));
	assert_true(is_hole(&holes, bin_of(blocks[1])));
	assert_true(is_hole(&holes, blocks[2]));
	assert_false(is_hole(&holes, &holes));
	free(blocks[0]);
	free(blocks[2]);
	span_list_release(&holes, &memory);
	release_layout(state);
}

/* At a place where one would begin, and full of what might be its head. */
static void takes_nothing_else_for_a_heap(void **state)
{
	char *mapped = mmap(NULL, 2 * HEAP_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *start = (char *)(((uintptr_t)mapped + HEAP_BYTES - 1) & ~(HEAP_BYTES - 1));
	uint64_t head[4] = {(uint64_t)start + 32, 0, 135168, 135168};
	struct span_list holes = {0};

	assert_true(mapped != MAP_FAILED);
	memcpy(start, head, sizeof(head));
	read_layout(state);
	for (uint32_t i = 0; i < layout.count; i++)
		if (layout.mappings[i].is_anonymous && layout.mappings[i].is_readable &&
		    !layout.mappings[i].is_break)
			malloc_state_find_arenas(&layout, &layout.mappings[i], &memory, &holes);
	assert_false(is_hole(&holes, start));
	span_list_release(&holes, &memory);
	release_layout(state);
	munmap(mapped, 2 * HEAP_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_the_bins_of_the_first_arena, read_layout,
						release_layout),
		cmocka_unit_test(finds_the_heap_of_a_thread),
		cmocka_unit_test(takes_nothing_else_for_a_heap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
