/* SPDX-License-Identifier: Apache-2.0 */
/*
 * global_names: what the variable is called that lies at an address of one module.
 *
 * The debug information knows most: scopes, members, the function that a static belongs to. Without it
 * the ELF symbols know the name, and without those the section tables at least where it is.
 */
#include "tools/symbols/global_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dwarf.h>
#include <elfutils/libdwfl.h>

#include "tools/symbols/data_type.h"
#include "tools/symbols/demangle.h"
#include "tools/symbols/function_names.h"
#include "tools/symbols/module_debug.h"
#include "tools/symbols/symbol_table.h"
#include "tools/symbols/text_pool.h"

/* Of the same place; more than one only where the linker has left something over. */
#define CANDIDATES_MAX 32

struct global_names {
	struct module_debug *debug;
	struct text_pool *pool;
	struct function_names *names;
	bool is_opened;
	Dwarf_Addr bias;		  /* between the ELF file and its debug file (prelink) */
	struct variable_index *variables; /* null where there is no debug information */
	struct symbol_table *symbols[VARIABLE_SPACES]; /* null until needed */
};

struct global_names *global_names_new(struct module_debug *debug, struct text_pool *pool)
{
	struct global_names *names = calloc(1, sizeof(*names));
	if (!names)
		return NULL;
	*names = (struct global_names){
		.debug = debug,
		.pool = pool,
		.names = function_names_new(pool),
	};
	if (!names->names) {
		free(names);
		return NULL;
	}
	return names;
}

void global_names_free(struct global_names *names)
{
	if (!names)
		return;
	for (int space = 0; space < VARIABLE_SPACES; space++)
		symbol_table_free(names->symbols[space]);
	variable_index_free(names->variables);
	function_names_free(names->names);
	free(names);
}

/* ---- from the symbol tables ---- */

/* As the linker has it. */
struct linker_name {
	const char *name; /* null where there is none */
	uint64_t start;
};

static struct linker_name symbol_at(struct global_names *names, enum variable_space space,
				    uint64_t address)
{
	struct linker_name found = {0};
	static const enum symbol_kind kinds[] = {
		[SPACE_OF_MEMORY] = SYMBOLS_OF_OBJECTS,
		[SPACE_OF_THREADS] = SYMBOLS_OF_THREAD_LOCALS,
	};
	struct symbol_table **symbols = &names->symbols[space];
	if (!*symbols)
		*symbols = symbol_table_new(names->debug->dwfl_module, kinds[space]);
	if (*symbols)
		found.name = symbol_table_find(*symbols, address, &found.start);
	return found;
}

static const char *put_demangled(struct global_names *names, const char *symbol)
{
	char *text = symbol ? demangle(symbol) : NULL;
	const char *name = text_pool_put(names->pool, text);
	free(text);
	return name;
}

/* ---- from debug information ---- */

static void open_debug_info(struct global_names *names)
{
	names->is_opened = true;
	Dwarf *dwarf = dwfl_module_getdwarf(names->debug->dwfl_module, &names->bias);
	if (dwarf)
		names->variables = variable_index_new(dwarf);
}

/* "cache" is the symbol's name "cache.3" as far as the debug information knows it. */
static bool is_of_symbol(Dwarf_Die *die, const char *symbol)
{
	Dwarf_Attribute attribute;
	const char *name = dwarf_diename(die);
	const char *linkage = dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute)
				      ? dwarf_formstring(&attribute)
				      : NULL;
	if (linkage && strcmp(linkage, symbol) == 0)
		return true;
	size_t bytes = strcspn(symbol, ".@");
	return name && bytes > 0 && strncmp(name, symbol, bytes) == 0 && name[bytes] == '\0';
}

/* Where the linker has thrown variables away, others lie at what is left of their addresses. */
static const struct variable *choose(struct variable *candidates, size_t count, const char *symbol)
{
	for (size_t i = 0; symbol && i < count; i++)
		if (is_of_symbol(&candidates[i].die, symbol))
			return &candidates[i];
	return count > 0 ? &candidates[0] : NULL;
}

/* "g_server.sessions.table[…]" */
static const char *put_with_members(struct global_names *names, const struct variable *variable,
				    const char *name, uint64_t offset)
{
	char members[DATA_TYPE_PATH_BYTES] = "";
	Dwarf_Die die = variable->die, type;
	char *text;
	if (data_type_of(&die, &type))
		data_type_path(&type, offset, members);
	if (!name || members[0] == '\0' || asprintf(&text, "%s%s", name, members) < 0)
		return name;
	name = text_pool_put(names->pool, text);
	free(text);
	return name;
}

static bool find_variable(struct global_names *names, enum variable_space space, uint64_t address,
			  const struct linker_name *symbol, struct variable *found)
{
	struct variable candidates[CANDIDATES_MAX];
	uint64_t bias = space == SPACE_OF_MEMORY ? names->bias : 0;
	if (!names->variables)
		return false;
	size_t count = variable_index_find(names->variables, space, address - bias, candidates,
					   CANDIDATES_MAX);
	/* An array without a length at its end makes a variable longer than its type. */
	if (count == 0 && symbol->name)
		count = variable_index_find(names->variables, space, symbol->start - bias,
					    candidates, CANDIDATES_MAX);
	const struct variable *variable = choose(candidates, count, symbol->name);
	if (variable)
		*found = *variable;
	return variable != NULL;
}

/* libdw's dwarf_decl_file ends the program where a unit has no line table. */
static const char *file_of(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	Dwarf_Word number;
	Dwarf_Die unit;
	Dwarf_Files *files;
	size_t count;
	if (!dwarf_attr_integrate(die, DW_AT_decl_file, &attribute) ||
	    dwarf_formudata(&attribute, &number) != 0 ||
	    !dwarf_cu_die(attribute.cu, &unit, NULL, NULL, NULL, NULL, NULL, NULL) ||
	    dwarf_getsrcfiles(&unit, &files, &count) != 0 || number >= count)
		return NULL;
	return dwarf_filesrc(files, number, NULL, NULL);
}

static bool find_in_debug_info(struct global_names *names, enum variable_space space,
			       uint64_t address, const struct linker_name *symbol,
			       struct global_name *found)
{
	struct variable variable;
	if (!find_variable(names, space, address, symbol, &variable))
		return false;

	uint64_t offset = address - variable.start - (space == SPACE_OF_MEMORY ? names->bias : 0);
	Dwarf_Die die = variable.die, function = variable.function;
	bool is_of_function = function.addr != NULL;
	/* The scopes around a static of a function are those of the function, which is named, too. */
	const char *name =
		is_of_function ? text_pool_put(names->pool, dwarf_diename(&die))
			       : function_names_find(names->names, &die, variable.has_scopes).text;
	if (is_of_function)
		found->function =
			function_names_find(names->names, &function, variable.has_scopes).text;
	found->name = put_with_members(names, &variable, name, offset);
	found->file = text_pool_put(names->pool, file_of(&die));
	return found->name != NULL;
}

/* ---- from the sections ---- */

static void find_section(struct global_names *names, enum variable_space space, uint64_t address,
			 struct global_name *found)
{
	Dwarf_Addr bias;
	Elf *elf = dwfl_module_getelf(names->debug->dwfl_module, &bias);
	size_t strings;
	if (!elf || elf_getshdrstrndx(elf, &strings) != 0)
		return;
	uint64_t tls_start = UINT64_MAX;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		GElf_Shdr header;
		if (!gelf_getshdr(section, &header) || !(header.sh_flags & SHF_ALLOC))
			continue;
		bool is_of_threads = header.sh_flags & SHF_TLS;
		if (is_of_threads != (space == SPACE_OF_THREADS))
			continue;
		uint64_t start = header.sh_addr + bias;
		/* .tdata comes first and .tbss behind it. */
		if (is_of_threads && start < tls_start)
			tls_start = start;
		if (is_of_threads)
			start -= tls_start;
		if (address < start || address - start >= header.sh_size)
			continue;
		found->section =
			text_pool_put(names->pool, elf_strptr(elf, strings, header.sh_name));
		found->section_offset = address - start;
		return;
	}
}

struct global_name global_names_find(struct global_names *names, enum variable_space space,
				     uint64_t address)
{
	struct global_name found = {0};
	if (!names->debug->dwfl_module)
		return found;
	if (!names->is_opened)
		open_debug_info(names);
	struct linker_name symbol = symbol_at(names, space, address);
	if (find_in_debug_info(names, space, address, &symbol, &found))
		return found;
	found.name = put_demangled(names, symbol.name);
	if (!found.name)
		find_section(names, space, address, &found);
	return found;
}
