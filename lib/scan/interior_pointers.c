/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interior_pointers: which pointers into a block are as good as one to its start.
 *
 * The heuristics of Valgrind (memcheck/mc_leakcheck.c, heuristic_reachedness). Beyond those: elements
 * that are aligned to 16 have their number 8 bytes before the first one, 16 bytes behind the start
 * (Itanium C++ ABI, 2.7); and a table of virtual functions says how far before the pointer to it its
 * object begins (2.5.2, offset to top), which a table of functions of C does not.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    none of its own; reads the block and tables in `constants`
 *   Calls     nothing
 *   Failure   cannot fail
 */
#include "lib/scan/interior_pointers.h"

#include "lib/base/poison.h"

static uint64_t word_at(uint64_t addr)
{
	return *(const uint64_t *)addr;
}

static bool is_string(uint64_t addr, uint64_t bytes, uint64_t offset)
{
	uint64_t length, capacity;

	if (offset != 24)
		return false;
	length = word_at(addr);
	capacity = word_at(addr + 8);
	return capacity == bytes - 25 && length <= capacity;
}

static bool has_length(uint64_t addr, uint64_t bytes, uint64_t offset)
{
	return offset == 8 && word_at(addr) == bytes - 8;
}

static bool is_array(uint64_t addr, uint64_t bytes, uint64_t offset)
{
	uint64_t count;

	if (offset != 8 && offset != 16)
		return false;
	count = word_at(addr + offset - 8);
	return count > 0 && (bytes - offset) % count == 0;
}

/* The table that begins at `table`, of an object that begins up to `reach` bytes before. */
static bool is_virtual_table(const struct memory_spans *constants, uint64_t table, uint64_t reach)
{
	int64_t offset_to_top;

	if (table % 8 != 0 || table < 16 || !memory_spans_cover(constants, table - 16, 24))
		return false;
	offset_to_top = (int64_t)word_at(table - 16);
	return offset_to_top <= 0 && offset_to_top >= -(int64_t)reach;
}

static bool is_second_base(const struct memory_spans *constants, uint64_t addr, uint64_t bytes,
			   uint64_t offset)
{
	return offset % 8 == 0 && bytes - offset >= 8 &&
	       is_virtual_table(constants, word_at(addr), 0) &&
	       is_virtual_table(constants, word_at(addr + offset), offset);
}

bool interior_pointer_is_start(const struct memory_spans *constants, uint64_t addr, uint64_t bytes,
			       uint64_t pointer)
{
	uint64_t offset = pointer - addr;

	/* All of these begin with a whole word. */
	if (addr % 8 != 0 || bytes < 8 || offset >= bytes)
		return false;
	return is_string(addr, bytes, offset) || has_length(addr, bytes, offset) ||
	       is_array(addr, bytes, offset) || is_second_base(constants, addr, bytes, offset);
}
