/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbol_table: which function or object of a module's ELF symbol tables covers an address.
 *
 * libdwfl can answer this itself, but looks at each symbol for each question; a large program has
 * a hundred thousand symbols and a report asks for as many addresses. Here they are sorted once.
 */
#include "tools/symbols/symbol_table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct named_range {
	uint64_t start;
	uint64_t end;	 /* of its section, for a symbol without size */
	bool is_unsized; /* assembler code: it reaches up to the next symbol */
	const char *name;
	unsigned rank; /* of several names for one thing the lowest is shown */
};

struct symbol_table {
	struct named_range *symbols; /* in rising order of start, one for each start */
	size_t count;
};

/* Of strdup and __strdup people know the first. */
static unsigned rank_of(const char *name, const GElf_Sym *symbol)
{
	unsigned underscores = (unsigned)strspn(name, "_");
	if (underscores > 63 || name[0] == '\0')
		underscores = 63;
	if (strncmp(name, "_Z", 2) == 0 || strncmp(name, "_R", 2) == 0)
		underscores = 0; /* mangled, not private */
	bool is_local = GELF_ST_BIND(symbol->st_info) == STB_LOCAL;
	return underscores * 2 + is_local;
}

static int compare_symbols(const void *left, const void *right)
{
	const struct named_range *a = left, *b = right;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return strcmp(a->name, b->name); /* the same in every run */
}

static bool is_wanted(const GElf_Sym *symbol, const char *name, enum symbol_kind kind)
{
	if (!name || name[0] == '\0' || symbol->st_shndx == SHN_UNDEF ||
	    symbol->st_shndx == SHN_ABS)
		return false;
	unsigned type = GELF_ST_TYPE(symbol->st_info);
	switch (kind) {
	case SYMBOLS_OF_THREAD_LOCALS:
		return type == STT_TLS && symbol->st_size > 0;
	case SYMBOLS_OF_OBJECTS:
		return (type == STT_OBJECT || type == STT_NOTYPE) && symbol->st_size > 0;
	case SYMBOLS_OF_FUNCTIONS:
		break;
	}
	if (type == STT_FUNC || type == STT_GNU_IFUNC)
		return true;
	/* Assembler code often has no type; but neither have the linker's marks like _edata. */
	return type == STT_NOTYPE && symbol->st_size > 0;
}

/* As the module counts addresses; 0 where that is not known. */
static uint64_t end_of_section(Elf *elf, GElf_Word section, Dwarf_Addr bias)
{
	GElf_Shdr header;
	Elf_Scn *found = elf ? elf_getscn(elf, section) : NULL;
	if (!found || !gelf_getshdr(found, &header))
		return 0;
	return header.sh_addr + header.sh_size + bias;
}

/* One for each start: the best name, and the longest of their sizes. */
static void merge_same_starts(struct symbol_table *table)
{
	size_t kept = 0;
	for (size_t i = 0; i < table->count; i++) {
		struct named_range *symbol = &table->symbols[i];
		if (kept > 0 && table->symbols[kept - 1].start == symbol->start) {
			struct named_range *best = &table->symbols[kept - 1];
			bool is_better = best->is_unsized == symbol->is_unsized
						 ? best->end < symbol->end
						 : best->is_unsized;
			if (is_better) {
				best->end = symbol->end;
				best->is_unsized = symbol->is_unsized;
			}
			continue;
		}
		table->symbols[kept++] = *symbol;
	}
	table->count = kept;
}

struct symbol_table *symbol_table_new(Dwfl_Module *module, enum symbol_kind kind)
{
	struct symbol_table *table = calloc(1, sizeof(*table));
	if (!table)
		return NULL;
	int count = dwfl_module_getsymtab(module);
	if (count <= 0)
		return table;
	table->symbols = malloc((size_t)count * sizeof(*table->symbols));
	if (!table->symbols) {
		free(table);
		return NULL;
	}
	for (int i = 0; i < count; i++) {
		GElf_Sym symbol;
		GElf_Addr address;
		GElf_Word section;
		Elf *elf = NULL;
		Dwarf_Addr bias = 0;
		const char *name = dwfl_module_getsym_info(module, i, &symbol, &address, &section,
							   &elf, &bias);
		if (!is_wanted(&symbol, name, kind))
			continue;
		if (kind == SYMBOLS_OF_THREAD_LOCALS)
			address = symbol.st_value; /* which libdwfl has moved like any other */
		uint64_t end = symbol.st_size > 0 ? address + symbol.st_size
						  : end_of_section(elf, section, bias);
		if (end <= address)
			continue;
		table->symbols[table->count++] = (struct named_range){
			.start = address,
			.end = end,
			.is_unsized = symbol.st_size == 0,
			.name = name,
			.rank = rank_of(name, &symbol),
		};
	}
	qsort(table->symbols, table->count, sizeof(*table->symbols), compare_symbols);
	merge_same_starts(table);
	return table;
}

void symbol_table_free(struct symbol_table *table)
{
	if (!table)
		return;
	free(table->symbols);
	free(table);
}

const char *symbol_table_find(const struct symbol_table *table, uint64_t address, uint64_t *start)
{
	size_t low = 0, high = table->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (table->symbols[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	/* A function can lie inside another's range (assembler, nested labels); a few steps back
	 * find the outer one. */
	for (size_t steps = 0; low > 0 && steps < 8; steps++, low--) {
		const struct named_range *symbol = &table->symbols[low - 1];
		if (address < symbol->end && (!symbol->is_unsized || steps == 0)) {
			if (start)
				*start = symbol->start;
			return symbol->name;
		}
	}
	return NULL;
}
