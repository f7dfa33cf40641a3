/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread_locals: where a thread has the thread-local data of modules.
 *
 * A thread's descriptor has the address of a table (the DTV of the psABI's TLS supplement), in which the
 * data of a module is found by the module's number. It is believed only as far as that lies where it can
 * be: below the descriptor, in the same mapping, one apart from the other.
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
/* dtv_t of glibc: two words, of which the first is an address. How many there are stands before it. */
#define ENTRY_BYTES 16u

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

void thread_locals_find(const struct memory_layout *layout, uint64_t fs_base,
			struct thread_locals *found)
{
	const struct laid_mapping *mapping;
	uint64_t table, entries;

	found->count = 0;
	if (!is_descriptor(layout, fs_base) ||
	    !read_word(layout, fs_base + DESCRIPTOR_TABLE, &table) ||
	    !read_word(layout, table - ENTRY_BYTES, &entries))
		return;
	mapping = memory_layout_find(layout, fs_base);
	for (uint32_t id = 0; id < module_list_count(); id++) {
		const struct loaded_module *module = module_list_at(id);
		uint64_t number = module->tls_number, start;

		if (number == 0 || module->unloaded_epoch != 0 || number > entries ||
		    !read_word(layout, table + number * ENTRY_BYTES, &start) ||
		    start < mapping->start || start >= fs_base ||
		    module->tls_bytes > fs_base - start)
			continue;
		add(found, &(struct thread_local_data){
				   .start = (start + 7) & ~7ull,
				   .end = (start + module->tls_bytes) & ~7ull,
				   .offset = -start & 7,
				   .module = id,
			   });
	}
}
