/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocator_calls: from the bytes of a call to the name in the relocation.
 *
 * The relocations are walked once, for the few slots of functions that matter here; a large program has half
 * a million others. A section of a damaged file may lie at any address, so what is in it is copied out.
 */
#include "tools/symbols/allocator_calls.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/allocator_family.h"
#include "tools/symbols/module_debug.h"

/* Where the dynamic linker puts the address of a function. */
struct slot {
	uint64_t address;
	const char *name;
};

struct range {
	uint64_t start, end;
};

struct code {
	uint64_t start;
	size_t bytes;
	const uint8_t *data;
};

struct allocator_calls {
	Elf *elf; /* libdwfl's */
	struct slot *slots;
	size_t slot_count;
	struct range *operators; /* that the module exports */
	size_t operator_count;
	struct code *code;
	size_t code_count;
	size_t budget; /* bytes that may still be read */
	bool imports_new, imports_operators;
	bool has_symbols; /* not those for the dynamic linker alone */
	bool has_cxx_names;
	bool knows_own; /* the next one is set */
	bool has_own_operators;
};

/* Sections of a hostile file may all be the same bytes, any number of times. */
static bool take_budget(struct allocator_calls *calls, const Elf_Data *data)
{
	if (!data || data->d_size > calls->budget)
		return false;
	calls->budget -= data->d_size;
	return true;
}

/* One more in an array that doubles; null without memory. */
static void *grown(void *array, size_t count, size_t bytes)
{
	if (count & (count - 1))
		return array;
	return realloc(array, (count ? 2 * count : 1) * bytes);
}

static bool add_slot(struct allocator_calls *calls, uint64_t address, const char *name)
{
	struct slot *slots = grown(calls->slots, calls->slot_count, sizeof(*slots));

	if (!slots)
		return false;
	calls->slots = slots;
	slots[calls->slot_count++] = (struct slot){address, name};
	return true;
}

static bool add_operator(struct allocator_calls *calls, const GElf_Sym *symbol)
{
	struct range *ranges = grown(calls->operators, calls->operator_count, sizeof(*ranges));

	if (!ranges)
		return false;
	calls->operators = ranges;
	ranges[calls->operator_count++] =
		(struct range){symbol->st_value, symbol->st_value + symbol->st_size};
	return true;
}

static bool add_code(struct allocator_calls *calls, Elf_Scn *section, const GElf_Shdr *header)
{
	const Elf_Data *data = elf_rawdata(section, NULL);
	struct code *code = grown(calls->code, calls->code_count, sizeof(*code));

	if (!code)
		return false;
	calls->code = code;
	if (data && data->d_buf && data->d_size)
		code[calls->code_count++] =
			(struct code){header->sh_addr, data->d_size, data->d_buf};
	return true;
}

/* ---- what a module says of itself ---- */

/* The table of dynamic symbols; `names[i]` becomes the name of those that matter. */
static bool read_symbols(struct allocator_calls *calls, const GElf_Shdr *header, Elf_Data *data,
			 size_t count, const char **names)
{
	GElf_Sym symbol;

	for (size_t i = 1; i < count; i++) {
		const char *name = gelf_getsym(data, (int)i, &symbol)
					   ? elf_strptr(calls->elf, header->sh_link, symbol.st_name)
					   : NULL;
		if (!name)
			continue;
		calls->has_cxx_names |=
			strncmp(name, "_Z", 2) == 0 || strncmp(name, "__gxx_personality", 17) == 0;
		names[i] = allocator_family_symbol(name);
		if (!allocator_family_is_operator(name))
			continue;
		if (symbol.st_shndx != SHN_UNDEF) {
			if (!add_operator(calls, &symbol))
				return false;
			continue;
		}
		calls->imports_operators = true;
		calls->imports_new |= allocator_family_given(name) == FAMILY_NEW;
	}
	return true;
}

static bool read_relocations(struct allocator_calls *calls, Elf_Scn *section, const char **names,
			     size_t name_count)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Rela relocation;

	if (!take_budget(calls, data))
		return true;
	for (int i = 0; gelf_getrela(data, i, &relocation); i++) {
		uint64_t type = GELF_R_TYPE(relocation.r_info);
		uint64_t symbol = GELF_R_SYM(relocation.r_info);
		if ((type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT) &&
		    symbol < name_count && names[symbol] && relocation.r_addend == 0 &&
		    !add_slot(calls, relocation.r_offset, names[symbol]))
			return false;
	}
	return true;
}

/* Of the relocations those for these symbols. */
static bool read_dynamic_symbols(struct allocator_calls *calls, Elf_Scn *table,
				 const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(table, NULL);
	GElf_Shdr other;
	size_t count = take_budget(calls, data) ? data->d_size / sizeof(Elf64_Sym) : 0;
	const char **names = calloc(count + 1, sizeof(*names));
	bool is_fine = names && read_symbols(calls, header, data, count, names);

	for (Elf_Scn *section = NULL;
	     is_fine && (section = elf_nextscn(calls->elf, section)) != NULL;) {
		if (gelf_getshdr(section, &other) && other.sh_type == SHT_RELA &&
		    other.sh_link == elf_ndxscn(table))
			is_fine = read_relocations(calls, section, names, count);
	}
	free(names);
	return is_fine;
}

static bool read_sections(struct allocator_calls *calls)
{
	GElf_Shdr header;

	for (Elf_Scn *section = NULL; (section = elf_nextscn(calls->elf, section)) != NULL;) {
		if (!gelf_getshdr(section, &header))
			continue;
		calls->has_symbols |= header.sh_type == SHT_SYMTAB;
		if (header.sh_type == SHT_DYNSYM && !read_dynamic_symbols(calls, section, &header))
			return false;
		if (header.sh_type == SHT_PROGBITS && header.sh_flags & SHF_EXECINSTR &&
		    !add_code(calls, section, &header))
			return false;
	}
	return true;
}

struct allocator_calls *allocator_calls_new(const struct module_debug *debug)
{
	GElf_Addr bias;
	/* Where it may be another build, calls are not where they were. */
	Elf *elf = debug->state == MODULE_USABLE && !debug->is_newer_than_run
			   ? dwfl_module_getelf(debug->dwfl_module, &bias)
			   : NULL;
	GElf_Ehdr header;

	if (!elf || gelf_getclass(elf) != ELFCLASS64 || !gelf_getehdr(elf, &header) ||
	    header.e_machine != EM_X86_64 || bias != 0)
		return NULL;
	struct allocator_calls *calls = calloc(1, sizeof(*calls));
	if (!calls)
		return NULL;
	calls->elf = elf;
	elf_rawfile(elf, &calls->budget);
	calls->budget *= 2; /* it is looked at twice: for calls, and for operators */
	if (!read_sections(calls)) {
		allocator_calls_free(calls);
		return NULL;
	}
	return calls;
}

void allocator_calls_free(struct allocator_calls *calls)
{
	if (!calls)
		return;
	free(calls->slots);
	free(calls->operators);
	free(calls->code);
	free(calls);
}

/* ---- calls ---- */

/* The bytes from `address` on, `*bytes` of them; null where no code lies there. */
static const uint8_t *code_at(const struct allocator_calls *calls, uint64_t address, size_t *bytes)
{
	for (size_t i = 0; i < calls->code_count; i++) {
		const struct code *code = &calls->code[i];
		uint64_t offset = address - code->start;
		if (address < code->start || offset >= code->bytes)
			continue;
		*bytes = code->bytes - offset;
		return code->data + offset;
	}
	return NULL;
}

static uint64_t relative_to(uint64_t next, const uint8_t *displacement)
{
	int32_t distance;

	memcpy(&distance, displacement, sizeof(distance));
	return next + (uint64_t)(int64_t)distance;
}

/* Steps over an instruction that begins like this, where it stands there whole. */
static bool skip(const uint8_t **at, const uint8_t *end, const char *begin, size_t begin_bytes,
		 size_t operand_bytes)
{
	if ((size_t)(end - *at) < begin_bytes + operand_bytes ||
	    memcmp(*at, begin, begin_bytes) != 0)
		return false;
	*at += begin_bytes + operand_bytes;
	return true;
}

/* A jump through a slot, as linkers write it: after endbr64, a number for the dynamic linker (mold) and bnd,
 * each of which may be there. */
static bool find_slot_of_stub(const struct allocator_calls *calls, uint64_t stub, uint64_t *slot)
{
	size_t bytes;
	const uint8_t *code = code_at(calls, stub, &bytes);

	if (!code)
		return false;
	const uint8_t *at = code, *end = code + bytes;
	skip(&at, end, "\xf3\x0f\x1e\xfa", 4, 0);
	skip(&at, end, "\x41\xbb", 2, 4);      /* mov $number,%r11d */
	skip(&at, end, "\xf2", 1, 0);	       /* bnd */
	if (!skip(&at, end, "\xff\x25", 2, 4)) /* jmp *slot(%rip) */
		return false;
	*slot = relative_to(stub + (uint64_t)(at - code), at - 4);
	return true;
}

const char *allocator_calls_name(const struct allocator_calls *calls, uint64_t address)
{
	size_t bytes;
	const uint8_t *call = code_at(calls, address - 6, &bytes);
	uint64_t slot;

	if (!call || bytes < 6)
		return NULL;
	if (call[1] == 0xe8) { /* call stub */
		if (!find_slot_of_stub(calls, relative_to(address, call + 2), &slot))
			return NULL;
	} else if (call[0] == 0xff && call[1] == 0x15) { /* call *slot(%rip) */
		slot = relative_to(address, call + 2);
	} else {
		return NULL;
	}
	for (size_t i = 0; i < calls->slot_count; i++)
		if (calls->slots[i].address == slot)
			return calls->slots[i].name;
	return NULL;
}

/* ---- operators ---- */

bool allocator_calls_is_in_operator(const struct allocator_calls *calls, uint64_t address)
{
	for (size_t i = 0; i < calls->operator_count; i++)
		if (address >= calls->operators[i].start && address < calls->operators[i].end)
			return true;
	return false;
}

/* Who has hidden operators of their own may take the forms that they forgot from the C++ library, mostly the
 * sized delete; new itself is never among these. */
bool allocator_calls_imports_operators(const struct allocator_calls *calls)
{
	return calls->has_symbols ? calls->imports_operators : calls->imports_new;
}

static bool has_local_operator(struct allocator_calls *calls, Elf_Scn *section,
			       const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Sym symbol;

	if (!take_budget(calls, data))
		return false;
	for (int i = 1; gelf_getsym(data, i, &symbol); i++) {
		const char *name =
			symbol.st_shndx == SHN_UNDEF
				? NULL
				: elf_strptr(calls->elf, header->sh_link, symbol.st_name);
		if (allocator_family_is_operator(name))
			return true;
	}
	return false;
}

/* operator new throws std::bad_alloc; where the C++ library is linked in, so is the name of that, also in a
 * module without symbols. */
static bool has_bad_alloc(struct allocator_calls *calls, Elf_Scn *section)
{
	static const char name[] = "\0St9bad_alloc";
	const Elf_Data *data = elf_rawdata(section, NULL);

	return take_budget(calls, data) && data->d_buf &&
	       memmem(data->d_buf, data->d_size, name, sizeof(name));
}

static bool find_own_operators(struct allocator_calls *calls)
{
	GElf_Shdr header;

	if (calls->operator_count)
		return true;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(calls->elf, section)) != NULL;) {
		if (!gelf_getshdr(section, &header))
			continue;
		if (header.sh_type == SHT_SYMTAB && has_local_operator(calls, section, &header))
			return true;
		if (header.sh_type == SHT_PROGBITS && header.sh_flags & SHF_ALLOC &&
		    !(header.sh_flags & SHF_EXECINSTR) && has_bad_alloc(calls, section))
			return true;
	}
	return false;
}

bool allocator_calls_has_own_operators(struct allocator_calls *calls)
{
	if (!calls->knows_own)
		calls->has_own_operators = find_own_operators(calls);
	calls->knows_own = true;
	return calls->has_own_operators;
}

bool allocator_calls_has_cxx(const struct allocator_calls *calls)
{
	return calls->has_cxx_names;
}
