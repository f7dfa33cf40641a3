/* SPDX-License-Identifier: Apache-2.0 */
/*
 * data_type: how large a type of the debug information is, and what lies where in it.
 *
 * libdw can tell a size, too, but follows types that lead back to themselves for ever, and debug
 * information may be damaged or hostile: here each way has an end.
 */
#include "tools/symbols/data_type.h"

#include <ctype.h>
#include <string.h>

#include <dwarf.h>

#define QUALIFIERS_MAX 32
#define NESTING_MAX 16
#define DIMENSIONS_MAX 8
/* Looked at for one path; a union of unions takes the product of both. */
#define MEMBERS_MAX (1 << 16)
#define POINTER_BYTES 8

bool data_type_of(Dwarf_Die *die, Dwarf_Die *type)
{
	Dwarf_Attribute attribute;
	return dwarf_attr_integrate(die, DW_AT_type, &attribute) &&
	       dwarf_formref_die(&attribute, type);
}

/* What is behind typedefs and qualifiers. */
static bool strip(const Dwarf_Die *type, Dwarf_Die *stripped)
{
	*stripped = *type;
	for (int i = 0; i < QUALIFIERS_MAX; i++) {
		Dwarf_Die next;
		switch (dwarf_tag(stripped)) {
		case DW_TAG_typedef:
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_restrict_type:
		case DW_TAG_atomic_type:
			if (!data_type_of(stripped, &next))
				return false;
			*stripped = next;
			break;
		default:
			return true;
		}
	}
	return false;
}

static bool number_of(Dwarf_Die *die, unsigned name, uint64_t *number)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;
	if (!dwarf_attr_integrate(die, name, &attribute) ||
	    dwarf_formudata(&attribute, &value) != 0)
		return false;
	*number = value;
	return true;
}

/* ---- sizes ---- */

/* How many elements an array has over all of its dimensions; `dimensions` may be null. */
static bool element_count(Dwarf_Die *array, uint64_t *count, int *dimensions)
{
	Dwarf_Die range;
	bool is_known = true;
	int found = 0, seen = 0;
	*count = 1;
	if (dwarf_child(array, &range) != 0)
		return false;
	do {
		uint64_t length, upper, lower = 0;
		if (dwarf_tag(&range) != DW_TAG_subrange_type)
			continue;
		number_of(&range, DW_AT_lower_bound, &lower);
		if (number_of(&range, DW_AT_count, &length))
			;
		else if (number_of(&range, DW_AT_upper_bound, &upper))
			length = upper - lower + 1;
		else
			is_known = false, length = 1;
		is_known = is_known && !__builtin_mul_overflow(*count, length, count);
		found++;
	} while (found < DIMENSIONS_MAX && ++seen < MEMBERS_MAX &&
		 dwarf_siblingof(&range, &range) == 0);
	if (dimensions)
		*dimensions = found;
	return is_known && found > 0;
}

static bool bytes_of(const Dwarf_Die *type, uint64_t *bytes, int depth)
{
	Dwarf_Die stripped, element;
	uint64_t count;
	if (depth > NESTING_MAX || !strip(type, &stripped))
		return false;
	if (number_of(&stripped, DW_AT_byte_size, bytes))
		return true;
	switch (dwarf_tag(&stripped)) {
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		*bytes = POINTER_BYTES;
		return true;
	case DW_TAG_array_type:
		return element_count(&stripped, &count, NULL) &&
		       data_type_of(&stripped, &element) && bytes_of(&element, bytes, depth + 1) &&
		       !__builtin_mul_overflow(*bytes, count, bytes);
	default:
		return false;
	}
}

bool data_type_bytes(const Dwarf_Die *type, uint64_t *bytes)
{
	return bytes_of(type, bytes, 0);
}

/* ---- members ---- */

/* A constant, or the one operation that older compilers wrote. False for a virtual base. */
static bool offset_of(Dwarf_Die *member, uint64_t *offset)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;
	Dwarf_Op *operations;
	size_t count;
	*offset = 0;
	if (!dwarf_attr_integrate(member, DW_AT_data_member_location, &attribute))
		return !dwarf_hasattr_integrate(member, DW_AT_data_bit_offset);
	if (dwarf_formudata(&attribute, &value) == 0) {
		*offset = value;
		return true;
	}
	if (dwarf_getlocation(&attribute, &operations, &count) != 0 || count != 1 ||
	    operations[0].atom != DW_OP_plus_uconst)
		return false;
	*offset = operations[0].number;
	return true;
}

/* A member, or the part of an object that is of a base class. */
struct part {
	const char *name; /* null for what has none */
	Dwarf_Die type;
	uint64_t offset; /* of the place asked for, in it */
};

/* Whether `die` is a part of its class that covers `offset`. */
static bool take_part(Dwarf_Die *die, uint64_t offset, struct part *part)
{
	uint64_t start, bytes;
	int tag = dwarf_tag(die);
	if (tag != DW_TAG_member && tag != DW_TAG_inheritance)
		return false;
	/* No pointer lies in bit fields, and a static member lies elsewhere. */
	if (dwarf_hasattr(die, DW_AT_bit_size) || dwarf_hasattr(die, DW_AT_external) ||
	    !offset_of(die, &start) || start > offset || !data_type_of(die, &part->type))
		return false;
	/* An array without a length reaches as far as its memory. */
	if (data_type_bytes(&part->type, &bytes) && offset - start >= bytes)
		return false;
	part->name = tag == DW_TAG_member ? dwarf_diename(die) : NULL;
	part->offset = offset - start;
	return true;
}

static bool leads_to_pointer(const Dwarf_Die *type, uint64_t offset, int depth, int *budget);

/* The part of a struct or union that lies at `offset`. Of the members of a union, or of an empty base
 * and a member, it is the only one that has a pointer there; if several have, nobody can say. */
static bool find_part(Dwarf_Die *type, uint64_t offset, struct part *found, int depth, int *budget)
{
	Dwarf_Die die;
	struct part part, pointing;
	int count = 0, pointing_count = 0;
	if (dwarf_child(type, &die) != 0)
		return false;
	do {
		if (--*budget <= 0)
			return false;
		if (!take_part(&die, offset, &part))
			continue;
		*found = part;
		count++;
		if (leads_to_pointer(&part.type, part.offset, depth + 1, budget)) {
			pointing = part;
			pointing_count++;
		}
	} while (dwarf_siblingof(&die, &die) == 0);
	if (count > 1 && pointing_count == 1)
		*found = pointing;
	return count == 1 || pointing_count == 1;
}

static bool is_aggregate(int tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type;
}

/* One element of an array, and the place in it. */
static bool enter_array(Dwarf_Die *array, Dwarf_Die *element, uint64_t *offset)
{
	uint64_t bytes;
	if (!data_type_of(array, element) || !data_type_bytes(element, &bytes) || bytes == 0)
		return false;
	*offset %= bytes;
	return true;
}

static bool leads_to_pointer(const Dwarf_Die *type, uint64_t offset, int depth, int *budget)
{
	Dwarf_Die stripped, element;
	struct part part;
	if (depth > NESTING_MAX || !strip(type, &stripped))
		return false;
	int tag = dwarf_tag(&stripped);
	if (tag == DW_TAG_pointer_type || tag == DW_TAG_reference_type ||
	    tag == DW_TAG_rvalue_reference_type)
		return offset == 0;
	if (tag == DW_TAG_array_type)
		return enter_array(&stripped, &element, &offset) &&
		       leads_to_pointer(&element, offset, depth + 1, budget);
	return is_aggregate(tag) && find_part(&stripped, offset, &part, depth, budget) &&
	       leads_to_pointer(&part.type, part.offset, depth + 1, budget);
}

/* Names that a language keeps for its own library: what _M_impl is, nobody wants to know. */
static bool is_reserved(const char *name)
{
	return name[0] == '_' && (name[1] == '_' || isupper((unsigned char)name[1]));
}

/* False where there is no room for all of it. */
static bool append(char text[DATA_TYPE_PATH_BYTES], const char *before, const char *name)
{
	size_t used = strlen(text), before_bytes = strlen(before), bytes = strlen(name);
	if (used + before_bytes + bytes >= DATA_TYPE_PATH_BYTES)
		return false;
	memcpy(text + used, before, before_bytes);
	memcpy(text + used + before_bytes, name, bytes + 1);
	return true;
}

void data_type_path(const Dwarf_Die *type, uint64_t offset, char text[DATA_TYPE_PATH_BYTES])
{
	Dwarf_Die at, next;
	int budget = MEMBERS_MAX;
	text[0] = '\0';
	for (int depth = 0; depth < NESTING_MAX && strip(type, &at); depth++) {
		struct part part;
		int tag = dwarf_tag(&at), dimensions;
		if (tag == DW_TAG_array_type) {
			uint64_t count;
			element_count(&at, &count, &dimensions);
			if (!enter_array(&at, &next, &offset))
				return;
			for (int i = 0; i < dimensions; i++)
				if (!append(text, "", "[…]"))
					return;
		} else if (is_aggregate(tag) && find_part(&at, offset, &part, depth, &budget)) {
			if (part.name && (is_reserved(part.name) || !append(text, ".", part.name)))
				return;
			next = part.type;
			offset = part.offset;
		} else {
			return;
		}
		type = &next;
	}
}
