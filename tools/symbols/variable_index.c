/* SPDX-License-Identifier: Apache-2.0 */
/*
 * variable_index: which variable of the debug information covers an address.
 *
 * No table of the debug information leads from the address of a variable to it, so the DIEs are read
 * once for a module: first those outside of functions, which are few and what most holders are, and
 * only for an address that none of them covers those of static variables in functions.
 *
 * The debug information may be damaged or hostile: DIEs are only followed forwards and only to a limited
 * depth.
 */
#include "tools/symbols/variable_index.h"

#include <stdlib.h>

#include <dwarf.h>

#include "tools/symbols/data_type.h"
#include "tools/symbols/die_sibling.h"
#include "tools/symbols/unit_index.h"

#define DEPTH_MAX 64

struct variable_list {
	struct variable *variables; /* in rising order of start, then of the DIE */
	size_t count, capacity;
};

struct variable_index {
	Dwarf *dwarf;
	struct variable_list lists[VARIABLE_SPACES];
	bool has_globals, has_locals; /* what has been read */
};

struct variable_index *variable_index_new(Dwarf *dwarf)
{
	struct variable_index *index = calloc(1, sizeof(*index));
	if (index)
		index->dwarf = dwarf;
	return index;
}

void variable_index_free(struct variable_index *index)
{
	if (!index)
		return;
	for (int space = 0; space < VARIABLE_SPACES; space++)
		free(index->lists[space].variables);
	free(index);
}

/* ---- where a variable is ---- */

/* Most variables are on a stack or in registers; their locations are not worth a parser's time. */
static bool may_be_fixed(Dwarf_Attribute *location)
{
	Dwarf_Block block;
	if (dwarf_formblock(location, &block) != 0 || block.length < 2)
		return false;
	switch (block.data[0]) {
	case DW_OP_addr:
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
		return true;
	default:
		break;
	}
	uint8_t last = block.data[block.length - 1];
	return last == DW_OP_GNU_push_tls_address || last == DW_OP_form_tls_address;
}

/* The number that an operation puts on the stack, which may be in a table of its own. */
static bool operand_of(Dwarf_Attribute *location, const Dwarf_Op *operation, uint64_t *number)
{
	Dwarf_Attribute value;
	Dwarf_Addr address;
	Dwarf_Word word;
	switch (operation->atom) {
	case DW_OP_addr:
	case DW_OP_const4u:
	case DW_OP_const8u:
	case DW_OP_constu:
		*number = operation->number;
		return true;
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
		if (dwarf_getlocation_attr(location, operation, &value) != 0 ||
		    dwarf_formaddr(&value, &address) != 0)
			return false;
		*number = address;
		return true;
	case DW_OP_constx:
	case DW_OP_GNU_const_index:
		if (dwarf_getlocation_attr(location, operation, &value) != 0 ||
		    dwarf_formudata(&value, &word) != 0)
			return false;
		*number = word;
		return true;
	default:
		return false;
	}
}

static bool find_place(Dwarf_Die *die, enum variable_space *space, uint64_t *start)
{
	Dwarf_Attribute location;
	Dwarf_Op *operations;
	size_t count;
	if (!dwarf_attr(die, DW_AT_location, &location) || !may_be_fixed(&location) ||
	    dwarf_getlocation(&location, &operations, &count) != 0 || count == 0 || count > 2 ||
	    !operand_of(&location, &operations[0], start))
		return false;
	*space = SPACE_OF_MEMORY;
	if (count == 1)
		/* The linker leaves 0 for what it has thrown away. */
		return *start != 0 &&
		       (operations[0].atom == DW_OP_addr || operations[0].atom == DW_OP_addrx ||
			operations[0].atom == DW_OP_GNU_addr_index);
	switch (operations[1].atom) {
	case DW_OP_plus_uconst:
		*start += operations[1].number;
		return operations[0].atom == DW_OP_addr;
	case DW_OP_GNU_push_tls_address:
	case DW_OP_form_tls_address:
		*space = SPACE_OF_THREADS;
		return true;
	default:
		return false;
	}
}

/* ---- reading ---- */

/* What is read of a unit, and what it belongs to. */
struct reading {
	struct variable_index *index;
	bool wants_locals;
	bool has_scopes;
	Dwarf_Die function; /* at hand; its addr is null outside of functions */
};

static bool add_variable(const struct reading *reading, Dwarf_Die *die)
{
	enum variable_space space;
	uint64_t start;
	if (!find_place(die, &space, &start))
		return true;
	struct variable_list *list = &reading->index->lists[space];
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 256;
		struct variable *grown =
			realloc(list->variables, capacity * sizeof(*list->variables));
		if (!grown)
			return false;
		list->variables = grown;
		list->capacity = capacity;
	}
	list->variables[list->count++] = (struct variable){
		.start = start,
		.die = *die,
		.function = reading->function,
		.has_scopes = reading->has_scopes,
	};
	return true;
}

static bool leads_to_globals(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_module;
}

/* Also through classes: their functions may be inside. */
static bool leads_to_locals(int tag)
{
	switch (tag) {
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type: /* Rust */
	case DW_TAG_subprogram:
	case DW_TAG_lexical_block:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
		return true;
	default:
		return false;
	}
}

/* False without memory. */
static bool read_children(const struct reading *reading, Dwarf_Die *parent, int depth)
{
	Dwarf_Die die;
	if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return true;
	do {
		int tag = dwarf_tag(&die);
		bool is_wanted = (reading->function.addr != NULL) == reading->wants_locals;
		if (tag == DW_TAG_variable && is_wanted && !add_variable(reading, &die))
			return false;
		if (reading->wants_locals ? leads_to_locals(tag) : leads_to_globals(tag)) {
			struct reading inner = *reading;
			if (tag == DW_TAG_subprogram)
				inner.function = die;
			if (!read_children(&inner, &die, depth + 1))
				return false;
		}
	} while (die_sibling_next(&die));
	return true;
}

static int compare_variables(const void *left, const void *right)
{
	const struct variable *a = left, *b = right;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return (char *)a->die.addr < (char *)b->die.addr ? -1 : a->die.addr != b->die.addr;
}

/* Without memory the variables found so far are used. */
static void read_units(struct variable_index *index, bool wants_locals)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Half version;
	uint8_t type;
	Dwarf_Die die, split;
	bool is_complete = true;
	while (is_complete &&
	       dwarf_get_units(index->dwarf, cu, &cu, &version, &type, &die, &split) == 0) {
		if (type == DW_UT_skeleton && dwarf_tag(&split) == DW_TAG_compile_unit)
			die = split;
		else if (type != DW_UT_compile && type != DW_UT_partial)
			continue;
		struct reading reading = {
			.index = index,
			.wants_locals = wants_locals,
			.has_scopes = unit_language_has_scopes(&die),
		};
		is_complete = read_children(&reading, &die, 0);
	}
	for (int space = 0; space < VARIABLE_SPACES; space++)
		if (index->lists[space].count > 0)
			qsort(index->lists[space].variables, index->lists[space].count,
			      sizeof(struct variable), compare_variables);
}

/* ---- asking ---- */

static bool covers(const struct variable *variable, uint64_t address)
{
	Dwarf_Die die = variable->die, type;
	uint64_t bytes;
	return variable->start == address ||
	       (data_type_of(&die, &type) && data_type_bytes(&type, &bytes) &&
		address - variable->start < bytes);
}

static size_t find_in(const struct variable_list *list, uint64_t address, struct variable *found,
		      size_t capacity)
{
	size_t low = 0, high = list->count, count = 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (list->variables[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	/* Variables do not overlap: only the nearest start can be that of one that covers it. */
	for (size_t i = low; i > 0 && count < capacity; i--) {
		const struct variable *variable = &list->variables[i - 1];
		if (variable->start != list->variables[low - 1].start)
			break;
		if (covers(variable, address))
			found[count++] = *variable;
	}
	return count;
}

size_t variable_index_find(struct variable_index *index, enum variable_space space,
			   uint64_t address, struct variable *found, size_t capacity)
{
	if (!index->has_globals) {
		index->has_globals = true;
		read_units(index, false);
	}
	size_t count = find_in(&index->lists[space], address, found, capacity);
	if (count == 0 && !index->has_locals) {
		index->has_locals = true;
		read_units(index, true);
		count = find_in(&index->lists[space], address, found, capacity);
	}
	return count;
}
