/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit_index: which compilation unit and which function of the debug information cover an address.
 *
 * libdw's own dwfl_module_addrdie reads .debug_aranges, which clang and rustc do not write; and
 * dwarf_getscopes walks a whole unit for each question, which for a program built with LTO is the
 * whole program. Here the ranges of the units are read once for a module, and the functions of a
 * unit once when the first address in it is asked for.
 *
 * The debug information may be damaged or hostile: DIEs are only followed forwards (a sibling that
 * points back would be an endless loop) and only to a limited depth.
 */
#include "tools/symbols/unit_index.h"

#include <stdlib.h>

#include <dwarf.h>

#include "tools/symbols/die_sibling.h"

#define DEPTH_MAX 64

struct function_range {
	uint64_t start, end;
	uint64_t covered_end; /* the highest end of this and all earlier ranges */
	Dwarf_Die die;
};

struct unit_range {
	uint64_t start, end;
	uint64_t covered_end;
	size_t unit; /* index into units */
};

struct unit_index {
	struct unit *units;
	size_t unit_count, unit_capacity;
	struct unit_range *ranges; /* in rising order of start */
	size_t range_count, range_capacity;
};

/* Room for one more element; false without memory. */
static bool grow(void **array, size_t count, size_t *capacity, size_t element_bytes)
{
	if (count < *capacity)
		return true;
	size_t wanted = *capacity ? 2 * *capacity : 64;
	void *grown = realloc(*array, wanted * element_bytes);
	if (!grown)
		return false;
	*array = grown;
	*capacity = wanted;
	return true;
}

/* ---- units ---- */

/* Of DWARF 6, which compilers use already. */
#define LANGUAGE_CXX17 0x002a
#define LANGUAGE_CXX20 0x002b

bool unit_language_has_scopes(Dwarf_Die *unit)
{
	switch (dwarf_srclang(unit)) {
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
	case LANGUAGE_CXX17:
	case LANGUAGE_CXX20:
	case DW_LANG_Rust:
	case DW_LANG_D:
	case DW_LANG_ObjC_plus_plus:
		return true;
	default:
		return false;
	}
}

static bool add_unit_ranges(struct unit_index *index, size_t unit)
{
	Dwarf_Addr base = 0, start, end;
	ptrdiff_t offset = 0;
	while ((offset = dwarf_ranges(&index->units[unit].lines, offset, &base, &start, &end)) >
	       0) {
		if (start >= end)
			continue;
		if (!grow((void **)&index->ranges, index->range_count, &index->range_capacity,
			  sizeof(*index->ranges)))
			return false;
		index->ranges[index->range_count++] =
			(struct unit_range){.start = start, .end = end, .unit = unit};
	}
	return true;
}

static int compare_unit_ranges(const void *left, const void *right)
{
	const struct unit_range *a = left, *b = right;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->end != b->end)
		return a->end > b->end ? -1 : 1;
	return a->unit < b->unit ? -1 : a->unit > b->unit;
}

struct unit_index *unit_index_new(Dwarf *dwarf)
{
	struct unit_index *index = calloc(1, sizeof(*index));
	if (!index)
		return NULL;

	Dwarf_CU *cu = NULL;
	Dwarf_Half version;
	uint8_t type;
	Dwarf_Die die;
	while (dwarf_get_units(dwarf, cu, &cu, &version, &type, &die, NULL) == 0) {
		if (type != DW_UT_compile && type != DW_UT_skeleton)
			continue;
		if (!grow((void **)&index->units, index->unit_count, &index->unit_capacity,
			  sizeof(*index->units)))
			goto no_memory;
		index->units[index->unit_count++] = (struct unit){.lines = die, .functions = die};
		if (!add_unit_ranges(index, index->unit_count - 1))
			goto no_memory;
	}
	if (index->range_count > 0)
		qsort(index->ranges, index->range_count, sizeof(*index->ranges),
		      compare_unit_ranges);
	uint64_t covered_end = 0;
	for (size_t i = 0; i < index->range_count; i++) {
		if (covered_end < index->ranges[i].end)
			covered_end = index->ranges[i].end;
		index->ranges[i].covered_end = covered_end;
	}
	return index;

no_memory:
	unit_index_free(index);
	return NULL;
}

void unit_index_free(struct unit_index *index)
{
	if (!index)
		return;
	for (size_t i = 0; i < index->unit_count; i++)
		free(index->units[i].ranges);
	free(index->units);
	free(index->ranges);
	free(index);
}

struct unit *unit_index_find(struct unit_index *index, uint64_t address)
{
	size_t low = 0, high = index->range_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (index->ranges[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low > 0 && address < index->ranges[low - 1].covered_end; low--)
		if (address < index->ranges[low - 1].end)
			return &index->units[index->ranges[low - 1].unit];
	return NULL;
}

/* ---- functions of a unit ---- */

struct function_scan {
	struct unit *unit;
	size_t capacity;
};

static bool add_function_ranges(struct function_scan *scan, Dwarf_Die *die)
{
	struct unit *unit = scan->unit;
	Dwarf_Addr base = 0, start, end;
	ptrdiff_t offset = 0;
	while ((offset = dwarf_ranges(die, offset, &base, &start, &end)) > 0) {
		if (start >= end)
			continue;
		if (!grow((void **)&unit->ranges, unit->range_count, &scan->capacity,
			  sizeof(*unit->ranges)))
			return false;
		unit->ranges[unit->range_count++] =
			(struct function_range){.start = start, .end = end, .die = *die};
	}
	return true;
}

/* Whether a function with code can be somewhere inside. */
static bool may_hold_functions(int tag)
{
	switch (tag) {
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_interface_type:
	case DW_TAG_enumeration_type: /* Rust */
	case DW_TAG_subprogram:	      /* GNU C, Ada, D; lambdas */
	case DW_TAG_lexical_block:
	case DW_TAG_common_block:
		return true;
	default:
		return false;
	}
}

static bool scan_children(struct function_scan *scan, Dwarf_Die *parent, int depth)
{
	Dwarf_Die die;
	if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return true;
	do {
		int tag = dwarf_tag(&die);
		if (tag == DW_TAG_subprogram && !add_function_ranges(scan, &die))
			return false;
		if (may_hold_functions(tag) && !scan_children(scan, &die, depth + 1))
			return false;
	} while (die_sibling_next(&die));
	return true;
}

/* Outer before inner functions, so that the last one found is the innermost. */
static int compare_function_ranges(const void *left, const void *right)
{
	const struct function_range *a = left, *b = right;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->end != b->end)
		return a->end > b->end ? -1 : 1;
	return (char *)a->die.addr < (char *)b->die.addr ? -1 : 1;
}

/* Without memory the functions found so far are used. */
static void scan_functions(struct unit *unit)
{
	/* With split DWARF the functions are in a file of their own, opened only when needed. */
	uint8_t type;
	Dwarf_Die split;
	if (dwarf_cu_info(unit->lines.cu, NULL, &type, NULL, &split, NULL, NULL, NULL) == 0 &&
	    type == DW_UT_skeleton && dwarf_tag(&split) == DW_TAG_compile_unit)
		unit->functions = split;
	unit->has_scopes = unit_language_has_scopes(&unit->functions);

	struct function_scan scan = {.unit = unit};
	scan_children(&scan, &unit->functions, 0);
	if (unit->range_count > 0)
		qsort(unit->ranges, unit->range_count, sizeof(*unit->ranges),
		      compare_function_ranges);
	uint64_t covered_end = 0;
	for (size_t i = 0; i < unit->range_count; i++) {
		if (covered_end < unit->ranges[i].end)
			covered_end = unit->ranges[i].end;
		unit->ranges[i].covered_end = covered_end;
	}
	unit->is_scanned = true;
}

bool unit_find_function(struct unit *unit, uint64_t address, Dwarf_Die *function)
{
	if (!unit->is_scanned)
		scan_functions(unit);
	size_t low = 0, high = unit->range_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (unit->ranges[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low > 0 && address < unit->ranges[low - 1].covered_end; low--) {
		if (address < unit->ranges[low - 1].end) {
			*function = unit->ranges[low - 1].die;
			return true;
		}
	}
	return false;
}
