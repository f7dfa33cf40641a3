/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program_symbols: where functions of the program are, also those that it does not export.
 *
 * Local functions are named in .symtab only, which no segment holds: it is read from the file. That is the
 * program's own, which the kernel lets nobody write while it runs; still nothing in it is believed
 * before it is compared with the length of the file.
 *
 *   Runs in   the target, at the start
 *   Locks     none
 *   Memory    the file, mapped for as long as it is read
 *   Calls     openat, lseek, mmap, munmap, close; dl_iterate_phdr
 *   Failure   false; a function of which there are several is none
 */
#include "lib/record/program_symbols.h"

#include <link.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/syscalls.h"
#include "lib/base/text.h"

#include "lib/base/poison.h"

struct image {
	const uint8_t *start;
	size_t bytes;
};

/* Null where it does not lie in the file. */
static const void *part_of(const struct image *image, uint64_t offset, uint64_t bytes)
{
	return offset <= image->bytes && bytes <= image->bytes - offset ? image->start + offset
									: NULL;
}

static int take_first(struct dl_phdr_info *info, size_t bytes, void *bias)
{
	(void)bytes;
	*(uintptr_t *)bias = info->dlpi_addr;
	return 1;
}

static void take_symbol(const char *name, uintptr_t addr, const char *prefix,
			struct program_function *functions, bool *is_ambiguous, size_t count)
{
	size_t skipped = text_bytes(prefix);

	if (!text_begins_with(name, prefix))
		return;
	for (size_t i = 0; i < count; i++) {
		if (!text_equal(name + skipped, functions[i].name))
			continue;
		is_ambiguous[i] |= functions[i].addr != 0 && functions[i].addr != addr;
		functions[i].addr = addr;
	}
}

static void read_table(const struct image *image, const ElfW(Shdr) * table,
		       const ElfW(Shdr) * names, uintptr_t bias, const char *prefix,
		       struct program_function *functions, bool *is_ambiguous, size_t count)
{
	const ElfW(Sym) *symbols = part_of(image, table->sh_offset, table->sh_size);
	const char *texts = part_of(image, names->sh_offset, names->sh_size);

	/* The last name must end. */
	if (symbols == NULL || texts == NULL || names->sh_size == 0 ||
	    texts[names->sh_size - 1] != 0 || table->sh_offset % sizeof(uint64_t) != 0)
		return;
	for (size_t i = 0; i < table->sh_size / sizeof(*symbols); i++)
		if (ELF64_ST_TYPE(symbols[i].st_info) == STT_FUNC &&
		    symbols[i].st_shndx != SHN_UNDEF && symbols[i].st_name < names->sh_size)
			take_symbol(texts + symbols[i].st_name, bias + symbols[i].st_value, prefix,
				    functions, is_ambiguous, count);
}

static bool read_image(const struct image *image, const char *prefix,
		       struct program_function *functions, bool *is_ambiguous, size_t count)
{
	const ElfW(Ehdr) *header = part_of(image, 0, sizeof(*header));
	const ElfW(Shdr) * sections;
	uintptr_t bias = 0;

	if (header == NULL || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_shentsize != sizeof(*sections) ||
	    header->e_shoff % sizeof(uint64_t) != 0)
		return false;
	sections = part_of(image, header->e_shoff, header->e_shnum * sizeof(*sections));
	if (sections == NULL)
		return false;
	dl_iterate_phdr(take_first, &bias);
	for (size_t i = 0; i < header->e_shnum; i++)
		if ((sections[i].sh_type == SHT_SYMTAB || sections[i].sh_type == SHT_DYNSYM) &&
		    sections[i].sh_link < header->e_shnum)
			read_table(image, &sections[i], &sections[sections[i].sh_link], bias,
				   prefix, functions, is_ambiguous, count);
	return true;
}

#define FUNCTIONS_MAX 32

bool program_symbols_find(const char *prefix, struct program_function *functions, size_t count)
{
	long fd = sys_call(SYS_openat, AT_FDCWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC, 0);
	long bytes = fd < 0 ? fd : sys_call(SYS_lseek, fd, 0, 2 /* SEEK_END */);
	long start = bytes <= 0 ? -1 : sys_call(SYS_mmap, 0, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	struct image image = {(const uint8_t *)start, (size_t)bytes};
	bool is_ambiguous[FUNCTIONS_MAX] = {false}, is_read;

	if (fd >= 0)
		sys_call(SYS_close, fd);
	if (sys_failed(start) || count > FUNCTIONS_MAX)
		return false;
	for (size_t i = 0; i < count; i++)
		functions[i].addr = 0;
	is_read = read_image(&image, prefix, functions, is_ambiguous, count);
	for (size_t i = 0; i < count; i++)
		if (is_ambiguous[i])
			functions[i].addr = 0;
	sys_call(SYS_munmap, start, bytes);
	return is_read;
}
