/* SPDX-License-Identifier: Apache-2.0 */
/* test_thread_locals: where threads have the thread-local data of modules, against the addresses that the
 * dynamic linker says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <link.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/record/module_list.h"
#include "lib/scan/memory_layout.h"
#include "lib/scan/thread_locals.h"
#include "tests/support/lib_life.h"

static __thread void *own_pointer;
static __thread char own_bytes[100];

static struct scan_memory memory;
static struct memory_layout layout;
static struct thread_locals found;

static void find_mine(void)
{
	assert_true(memory_layout_read(&layout, &memory));
	thread_locals_find(&layout, (uint64_t)__builtin_thread_pointer(), &found);
	memory_layout_release(&layout, &memory);
}

static const struct thread_local_data *data_at(const void *place)
{
	for (uint32_t i = 0; i < found.count; i++)
		if ((uint64_t)place >= found.data[i].start && (uint64_t)place < found.data[i].end)
			return &found.data[i];
	return NULL;
}

/* What the dynamic linker says of the calling thread. */
static int compare_with_loader(struct dl_phdr_info *info, size_t bytes, void *context)
{
	uint32_t *count = context;

	(void)bytes;
	if (info->dlpi_tls_data == NULL)
		return 0;
	const struct thread_local_data *data = data_at((char *)info->dlpi_tls_data + 7);
	if (data == NULL)
		return 0;
	assert_int_equal(data->start - data->offset, (uint64_t)info->dlpi_tls_data);
	assert_int_equal(module_list_at(data->module)->load_bias, info->dlpi_addr);
	++*count;
	return 0;
}

static void check_mine(void)
{
	uint32_t count = 0;

	find_mine();
	assert_non_null(data_at(&own_pointer));
	assert_non_null(data_at(&own_bytes[50]));
	assert_ptr_equal(data_at(&own_pointer), data_at(&own_bytes[50]));
	assert_true(module_list_at(data_at(&own_pointer)->module)->start <= (uint64_t)check_mine &&
		    module_list_at(data_at(&own_pointer)->module)->end > (uint64_t)check_mine);
	dl_iterate_phdr(compare_with_loader, &count);
	assert_int_equal(count, found.count);
	assert_true(count >= 2); /* this program and libc */
	for (uint32_t i = 1; i < found.count; i++)
		assert_true(found.data[i - 1].end <= found.data[i].start);
}

static void agrees_with_the_loader_on_the_first_thread(void **state)
{
	(void)state;
	check_mine();
}

static void *in_thread(void *unused)
{
	check_mine();
	return unused;
}

static void agrees_with_it_on_another_thread(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, in_thread, NULL), 0);
	pthread_join(thread, NULL);
}

/* As of modules that dl_iterate_phdr was not asked about, because code in them has allocated. */
static void finds_the_numbers_of_modules_in_link_maps(void **state)
{
	uint32_t numbers[64], count = module_list_count();

	(void)state;
	assert_true(count <= 64);
	for (uint32_t i = 0; i < count; i++) {
		struct loaded_module *module = (struct loaded_module *)module_list_at(i);

		numbers[i] = module->tls_number;
		module->tls_number = 0;
	}
	check_mine();
	for (uint32_t i = 0; i < count; i++)
		((struct loaded_module *)module_list_at(i))->tls_number = numbers[i];
}

static void finds_nothing_where_there_is_no_descriptor(void **state)
{
	uint64_t *page =
		mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t fs_base = (uint64_t)&page[512];

	(void)state;
	assert_true(memory_layout_read(&layout, &memory));
	thread_locals_find(&layout, 0, &found);
	assert_int_equal(found.count, 0);
	thread_locals_find(&layout, fs_base, &found);
	assert_int_equal(found.count, 0);
	/* One whose table lies nowhere, and one whose table says nonsense. */
	page[512] = page[514] = fs_base;
	page[513] = 0x1000;
	thread_locals_find(&layout, fs_base, &found);
	assert_int_equal(found.count, 0);
	page[513] = (uint64_t)&page[64];
	page[62] = 1000;
	for (int i = 64; i < 512; i++)
		page[i] = (uint64_t)i * 0x9e3779b97f4a7c15u;
	thread_locals_find(&layout, fs_base, &found);
	assert_int_equal(found.count, 0);
	assert_int_equal(found.block_count, 0);
	/* All at one place: only one can be. */
	for (int i = 64; i < 512; i++)
		page[i] = i % 2 ? 0 : fs_base - 2048;
	thread_locals_find(&layout, fs_base, &found);
	assert_int_equal(found.count, 1);
	assert_int_equal(found.block_count, 0);
	assert_int_equal(found.data[0].start, fs_base - 2048);
	/* In blocks, aligned in them. */
	for (int i = 64; i < 512; i++)
		page[i] = i % 2 ? fs_base + 16 : fs_base + 32;
	thread_locals_find(&layout, fs_base, &found);
	assert_int_equal(found.count, 0);
	assert_true(found.block_count >= 2);
	assert_int_equal(found.in_blocks[0].start, fs_base + 32);
	assert_int_equal(found.in_blocks[0].block, fs_base + 16);
	/* A block does not begin behind what it holds. */
	for (int i = 64; i < 512; i++)
		page[i] = fs_base + 32 + 16 * (i % 2);
	thread_locals_find(&layout, fs_base, &found);
	assert_int_equal(found.block_count, 0);
	memory_layout_release(&layout, &memory);
	munmap(page, 8192);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_loader_on_the_first_thread),
		cmocka_unit_test(agrees_with_it_on_another_thread),
		cmocka_unit_test(finds_the_numbers_of_modules_in_link_maps),
		cmocka_unit_test(finds_nothing_where_there_is_no_descriptor),
	};

	memory.limit = 64 << 20;
	lib_life_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
