/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address_lines: function, file and line of an address in one module, inlined frames included.
 *
 * The line table says where the address itself is from; each inlined call around it says from
 * where it was called, which is the line of the next frame outwards. Where the debug information
 * has nothing, the symbol table names the function.
 */
#include "tools/symbols/address_lines.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dwarf.h>
#include <elfutils/libdwfl.h>

#include "tools/symbols/demangle.h"
#include "tools/symbols/die_sibling.h"
#include "tools/symbols/function_names.h"
#include "tools/symbols/module_debug.h"
#include "tools/symbols/symbol_table.h"
#include "tools/symbols/text_pool.h"
#include "tools/symbols/unit_index.h"

#define DEPTH_MAX 256

struct address_lines {
	struct module_debug *debug;
	struct text_pool *pool;
	struct function_names *names;
	bool is_opened;
	Dwarf_Addr bias;	      /* between the ELF file and its debug file (prelink) */
	struct unit_index *units;     /* null where there is no debug information */
	struct symbol_table *symbols; /* null until needed */
};

struct address_lines *address_lines_new(struct module_debug *debug, struct text_pool *pool)
{
	struct address_lines *lines = calloc(1, sizeof(*lines));
	if (!lines)
		return NULL;
	*lines = (struct address_lines){
		.debug = debug,
		.pool = pool,
		.names = function_names_new(pool),
	};
	if (!lines->names) {
		free(lines);
		return NULL;
	}
	return lines;
}

void address_lines_free(struct address_lines *lines)
{
	if (!lines)
		return;
	unit_index_free(lines->units);
	symbol_table_free(lines->symbols);
	function_names_free(lines->names);
	free(lines);
}

bool address_lines_has_debug_info(const struct address_lines *lines)
{
	return lines->units != NULL;
}

/* ---- from the symbol table ---- */

static struct function_name find_in_symbols(struct address_lines *lines, uint64_t address)
{
	struct function_name found = {0};

	if (!lines->symbols)
		lines->symbols = symbol_table_new(lines->debug->dwfl_module, SYMBOLS_OF_FUNCTIONS);
	const char *name = lines->symbols ? symbol_table_find(lines->symbols, address, NULL) : NULL;
	char *text = name ? demangle(name) : NULL;
	found.text = text_pool_put(lines->pool, text);
	if (text && strcmp(text, name) != 0)
		found.linkage_name = text_pool_put(lines->pool, name);
	free(text);
	return found;
}

/* ---- from debug information ---- */

static void open_debug_info(struct address_lines *lines)
{
	lines->is_opened = true;
	Dwarf *dwarf = dwfl_module_getdwarf(lines->debug->dwfl_module, &lines->bias);
	if (dwarf)
		lines->units = unit_index_new(dwarf);
}

/* The inlined calls and blocks on the way from the function down to the address. */
struct inline_chain {
	Dwarf_Die calls[DEPTH_MAX]; /* outermost first */
	size_t count;
};

static bool has_addresses(Dwarf_Die *die)
{
	return dwarf_hasattr(die, DW_AT_low_pc) || dwarf_hasattr(die, DW_AT_ranges);
}

/* gcc writes blocks that have no code of their own around others that have. */
static bool covers(Dwarf_Die *die, uint64_t address)
{
	int tag = dwarf_tag(die);
	if (tag == DW_TAG_inlined_subroutine)
		return dwarf_haspc(die, address) > 0;
	if (tag == DW_TAG_lexical_block || tag == DW_TAG_try_block || tag == DW_TAG_catch_block)
		return !has_addresses(die) || dwarf_haspc(die, address) > 0;
	return false;
}

static bool follow_inlines(struct inline_chain *chain, Dwarf_Die *parent, uint64_t address,
			   int depth)
{
	Dwarf_Die die;
	if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return false;
	do {
		if (covers(&die, address)) {
			bool is_call = dwarf_tag(&die) == DW_TAG_inlined_subroutine;
			if (is_call && chain->count < DEPTH_MAX)
				chain->calls[chain->count++] = die;
			bool is_found = follow_inlines(chain, &die, address, depth + 1);
			/* Nothing below a block without addresses: look at its siblings. */
			if (is_found || is_call || has_addresses(&die))
				return true;
		}
	} while (die_sibling_next(&die));
	return false;
}

static const char *folder_of(Dwarf_Die *unit)
{
	Dwarf_Attribute attribute;
	return dwarf_attr(unit, DW_AT_comp_dir, &attribute) ? dwarf_formstring(&attribute) : NULL;
}

/* libdw leaves a file relative whose folder is named relative to where the compiler ran. */
static const char *put_file(struct address_lines *lines, struct unit *unit, const char *file)
{
	const char *folder = file && file[0] != '/' ? folder_of(&unit->lines) : NULL;
	char *path;
	if (!folder || asprintf(&path, "%s/%s", folder, file) < 0)
		return text_pool_put(lines->pool, file);
	file = text_pool_put(lines->pool, path);
	free(path);
	return file;
}

static int bounded_line(Dwarf_Word line)
{
	return line <= INT_MAX ? (int)line : 0;
}

static void find_call_site(struct address_lines *lines, struct unit *unit, Dwarf_Die *call,
			   struct source_frame *frame)
{
	Dwarf_Attribute attribute;
	Dwarf_Word number;
	Dwarf_Files *files;
	size_t file_count;
	if (dwarf_attr(call, DW_AT_call_file, &attribute) &&
	    dwarf_formudata(&attribute, &number) == 0 &&
	    dwarf_getsrcfiles(&unit->functions, &files, &file_count) == 0 && number < file_count)
		frame->file = put_file(lines, unit, dwarf_filesrc(files, number, NULL, NULL));
	if (dwarf_attr(call, DW_AT_call_line, &attribute) &&
	    dwarf_formudata(&attribute, &number) == 0)
		frame->line = bounded_line(number);
}

static void find_line(struct address_lines *lines, struct unit *unit, uint64_t address,
		      struct source_frame *frame)
{
	Dwarf_Line *line = dwarf_getsrc_die(&unit->lines, address);
	int number;
	if (!line)
		return;
	frame->file = put_file(lines, unit, dwarf_linesrc(line, NULL, NULL));
	if (dwarf_lineno(line, &number) == 0 && number > 0)
		frame->line = number;
}

/* A C library's sources say __strdup where its users say strdup, which is among the symbols of the
 * same function; without debug information that is all there is. One name for both. */
static struct function_name name_of_function(struct address_lines *lines, struct unit *unit,
					     Dwarf_Die *function)
{
	struct function_name name = function_names_find(lines->names, function, unit->has_scopes);
	Dwarf_Addr entry;
	if (unit->has_scopes || !name.text || name.text[0] != '_' ||
	    dwarf_entrypc(function, &entry) != 0)
		return name;
	struct function_name public_name = find_in_symbols(lines, entry + lines->bias);
	return public_name.text && public_name.text[0] != '_' ? public_name : name;
}

static void name_frame(struct source_frame *frame, struct function_name name)
{
	frame->function = name.text;
	frame->linkage_name = name.linkage_name;
}

/* 0 where the debug information says nothing about the address. */
static size_t find_in_debug_info(struct address_lines *lines, uint64_t address,
				 struct source_frame *frames, size_t capacity)
{
	struct unit *unit = lines->units ? unit_index_find(lines->units, address) : NULL;
	if (!unit)
		return 0;
	frames[0] = (struct source_frame){0};
	find_line(lines, unit, address, &frames[0]);
	Dwarf_Die function;
	if (!unit_find_function(unit, address, &function))
		return frames[0].file ? 1 : 0;

	struct inline_chain chain = {.count = 0};
	follow_inlines(&chain, &function, address, 0);
	size_t count = 0;
	for (size_t i = chain.count; i > 0 && count + 1 < capacity; i--) {
		Dwarf_Die *call = &chain.calls[i - 1];
		name_frame(&frames[count],
			   function_names_find(lines->names, call, unit->has_scopes));
		frames[count].is_inlined = true;
		frames[++count] = (struct source_frame){0};
		find_call_site(lines, unit, call, &frames[count]);
	}
	name_frame(&frames[count], name_of_function(lines, unit, &function));
	return count + 1;
}

size_t address_lines_find(struct address_lines *lines, uint64_t address,
			  struct source_frame *frames, size_t capacity)
{
	if (capacity == 0)
		return 0;
	frames[0] = (struct source_frame){0};
	if (!lines->debug->dwfl_module)
		return 1;
	if (!lines->is_opened)
		open_debug_info(lines);
	size_t count = find_in_debug_info(lines, address - lines->bias, frames, capacity);
	if (count == 0)
		frames[count++] = (struct source_frame){0};
	if (!frames[count - 1].function)
		name_frame(&frames[count - 1], find_in_symbols(lines, address));
	return count;
}
