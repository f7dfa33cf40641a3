/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread_locals: where a thread has the thread-local data of modules.
 *
 * A thread's descriptor has the address of a table (the DTV of the psABI's TLS supplement), in which the
 * data of a module is found by the module's number. It is believed only as far as that lies where it can
 * be: below the descriptor, in the same mapping, one apart from the other; or in a block, of which whoever
 * asks has to make sure that it is one.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    none of its own
 *   Calls     nothing else
 *   Failure   what is not certain is left out
 */
#include "lib/scan/thread_locals.h"

#include <stdbool.h>
#include <stddef.h>

#include "lib/record/module_list.h"
#include "lib/scan/root_list.h"

#include "lib/base/poison.h"

/* tcbhead_t in sysdeps/x86_64/nptl/tls.h: the first word is its own address, then comes the table. */
#define DESCRIPTOR_TABLE 8u
#define DESCRIPTOR_SELF 16u
/* dtv_t of glibc: the address, and that of the block to be freed. How many there are stands before. */
#define ENTRY_BYTES 16u
#define ENTRY_BLOCK 8u

static bool read_word(const struct memory_layout *layout, uint64_t addr, uint64_t *word)
{
	const struct laid_mapping *mapping = memory_layout_find(layout, addr);

	if (addr % 8 != 0 || mapping == NULL || !mapping->is_readable)
		return false;
	*word = *(const uint64_t *)addr;
	return true;
}

static bool is_descriptor(const struct memory_layout *layout, uint64_t fs_base)
{
	uint64_t first, self;

	return read_word(layout, fs_base, &first) && first == fs_base &&
	       read_word(layout, fs_base + DESCRIPTOR_SELF, &self) && self == fs_base;
}

/* A module's number, where the list of modules has not got it from dl_iterate_phdr: out of struct link_map
 * (include/link.h of glibc), whose members for thread-local data have stood in this order since 2.3,
 * though not always at the same place: l_tls_initimage, l_tls_initimage_size, l_tls_blocksize, l_tls_align,
 * l_tls_firstbyte_offset, l_tls_offset, l_tls_modid. */
#define LINK_MAP_BYTES 2048u
#define LINK_MAP_TLS_WORDS 7u

static uint64_t number_of(const struct memory_layout *layout, const struct loaded_module *module)
{
	uint64_t words[LINK_MAP_TLS_WORDS] = {0};

	if (module->tls_number != 0 || module->tls_bytes == 0 || module->link_map == 0)
		return module->tls_number;
	for (uint64_t offset = 0; offset < LINK_MAP_BYTES; offset += 8) {
		for (uint32_t i = 1; i < LINK_MAP_TLS_WORDS; i++)
			words[i - 1] = words[i];
		if (!read_word(layout, module->link_map + offset, &words[LINK_MAP_TLS_WORDS - 1]))
			return 0;
		if (words[0] >= module->start && words[0] < module->end && words[1] <= words[2] &&
		    words[2] == module->tls_bytes && words[3] != 0 &&
		    (words[3] & (words[3] - 1)) == 0 && words[6] <= UINT32_MAX)
			return words[6];
	}
	return 0;
}

/* Keeps the order; what overlaps with another is left out. */
static void add(struct thread_locals *found, const struct thread_local_data *data)
{
	uint32_t place = found->count;

	if (found->count == THREAD_LOCALS_MAX || data->start >= data->end)
		return;
	while (place > 0 && found->data[place - 1].start > data->start)
		place--;
	if ((place > 0 && found->data[place - 1].end > data->start) ||
	    (place < found->count && found->data[place].start < data->end))
		return;
	for (uint32_t i = found->count++; i > place; i--)
		found->data[i] = found->data[i - 1];
	found->data[place] = *data;
}

/* Of a plug-in's the block has an address of its own, for they may be aligned in it. */
static void add_in_block(const struct memory_layout *layout, struct thread_locals *found,
			 const struct thread_local_data *data)
{
	const struct laid_mapping *mapping = memory_layout_find(layout, data->start);

	if (found->block_count == THREAD_LOCALS_MAX || mapping == NULL || !mapping->is_readable ||
	    data->block == 0 || data->block > data->start || data->start >= data->end ||
	    data->end > mapping->end)
		return;
	found->in_blocks[found->block_count++] = *data;
}

void thread_locals_find(const struct memory_layout *layout, uint64_t fs_base,
			struct thread_locals *found)
{
	const struct laid_mapping *mapping;
	uint64_t table, entries;

	found->count = found->block_count = 0;
	if (!is_descriptor(layout, fs_base) ||
	    !read_word(layout, fs_base + DESCRIPTOR_TABLE, &table) ||
	    !read_word(layout, table - ENTRY_BYTES, &entries))
		return;
	mapping = memory_layout_find(layout, fs_base);
	for (uint32_t id = 0; id < module_list_count(); id++) {
		const struct loaded_module *module = module_list_at(id);
		struct thread_local_data data = {.module = id};
		uint64_t number, start;

		if (module->unloaded_epoch != 0)
			continue;
		number = number_of(layout, module);
		if (number == 0 || number > entries ||
		    !read_word(layout, table + number * ENTRY_BYTES, &start) ||
		    !read_word(layout, table + number * ENTRY_BYTES + ENTRY_BLOCK, &data.block))
			continue;
		data.start = (start + 7) & ~7ull;
		data.end = (start + module->tls_bytes) & ~7ull;
		data.offset = -start & 7;
		/* Before glibc 2.25 there was a 1 for what lies beside the descriptor. */
		if (data.block > 1)
			add_in_block(layout, found, &data);
		else if (start >= mapping->start && start < fs_base &&
			 module->tls_bytes <= fs_base - start)
			add(found, &data);
	}
}
