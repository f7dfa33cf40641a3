/* SPDX-License-Identifier: Apache-2.0 */
/*
 * function_names: what a function of the debug information is called, demangled and qualified.
 *
 * The linkage name says most: scopes, template arguments, parameters. Constructors that were
 * inlined and functions of anonymous namespaces have none; their name is put together from the
 * scopes around the DIE. As that walks the unit, each name is made once.
 */
#include "tools/symbols/function_names.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dwarf.h>
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "tools/symbols/demangle.h"
#include "tools/symbols/text_pool.h"

#define ORIGINS_MAX 16 /* as in libdw: a hostile chain of origins ends */

struct known_name {
	UT_hash_handle hh;
	const void *die; /* address of the DIE's bytes: unique over all debug files in memory */
	struct function_name name;
};

struct function_names {
	struct text_pool *pool;
	struct known_name *known;
};

struct function_names *function_names_new(struct text_pool *pool)
{
	struct function_names *names = calloc(1, sizeof(*names));
	if (names)
		names->pool = pool;
	return names;
}

void function_names_free(struct function_names *names)
{
	if (!names)
		return;
	struct known_name *known, *next;
	HASH_ITER(hh, names->known, known, next)
	{
		HASH_DEL(names->known, known);
		free(known);
	}
	free(names);
}

/* Only mangled ones: glibc renames functions with asm labels, and __GI___strdup says less than the
 * name in the source. */
static const char *linkage_name_of(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	const char *name = NULL;
	if (dwarf_attr(die, DW_AT_linkage_name, &attribute) ||
	    dwarf_attr(die, DW_AT_MIPS_linkage_name, &attribute))
		name = dwarf_formstring(&attribute);
	bool is_mangled = name && name[0] == '_' && name[1] != '\0' && strchr("ZRD", name[1]);
	return is_mangled ? name : NULL;
}

/* Follows the origins to the DIE that has a linkage name, or else to the declaration. */
static const char *find_linkage_name(Dwarf_Die *function, Dwarf_Die *origin)
{
	*origin = *function;
	for (int i = 0; i < ORIGINS_MAX; i++) {
		const char *name = linkage_name_of(origin);
		if (name)
			return name;
		Dwarf_Attribute attribute;
		Dwarf_Die next;
		if (!dwarf_attr(origin, DW_AT_abstract_origin, &attribute) &&
		    !dwarf_attr(origin, DW_AT_specification, &attribute))
			return NULL;
		if (!dwarf_formref_die(&attribute, &next))
			return NULL;
		*origin = next;
	}
	return NULL;
}

/* Is a class without a name that holds this function the closure of a lambda? _FUN is what gcc calls
 * the plain function that a closure converts to. */
static bool is_of_closure(const char *function)
{
	return function && (strcmp(function, "operator()") == 0 || strcmp(function, "_FUN") == 0);
}

/* No round brackets but those of "(anonymous namespace)": they would read as parameters. */
static const char *scope_name(Dwarf_Die *scope, const char *inner)
{
	const char *name = dwarf_diename(scope);
	switch (dwarf_tag(scope)) {
	case DW_TAG_namespace:
		return name ? name : "(anonymous namespace)";
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
	case DW_TAG_interface_type:
	case DW_TAG_module:
		return name ? name : is_of_closure(inner) ? "{lambda}" : "{anonymous}";
	case DW_TAG_subprogram:
		return name;
	default:
		return NULL;
	}
}

/* "outer::inner::name", to be freed; null where that is not possible. */
static char *qualify(Dwarf_Die *origin, const char *name)
{
	Dwarf_Die *scopes = NULL;
	int count = dwarf_getscopes_die(origin, &scopes);
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	if (out) {
		for (int i = count - 1; i > 0; i--) { /* scopes[0] is the function itself */
			const char *inner = i > 1 ? dwarf_diename(&scopes[i - 1]) : name;
			const char *scope = scope_name(&scopes[i], inner);
			if (scope)
				fprintf(out, "%s::", scope);
		}
		fputs(name, out);
		if (fclose(out) != 0) {
			free(text);
			text = NULL;
		}
	}
	free(scopes);
	return text;
}

struct function_name function_names_find(struct function_names *names, Dwarf_Die *function,
					 bool has_scopes)
{
	Dwarf_Die origin;
	const char *linkage_name = find_linkage_name(function, &origin);
	struct known_name *known;
	HASH_FIND_PTR(names->known, &origin.addr, known);
	if (known)
		return known->name;

	char *text = NULL;
	if (linkage_name) {
		text = demangle(linkage_name);
	} else {
		const char *name = dwarf_diename(&origin);
		if (name)
			text = has_scopes ? qualify(&origin, name) : strdup(name);
	}
	struct function_name name = {.text = text_pool_put(names->pool, text),
				     .linkage_name = text_pool_put(names->pool, linkage_name)};
	free(text);

	known = malloc(sizeof(*known));
	if (known) {
		*known = (struct known_name){.die = origin.addr, .name = name};
		HASH_ADD_PTR(names->known, die, known);
		if (!known->hh.tbl)
			free(known);
	}
	return name;
}
