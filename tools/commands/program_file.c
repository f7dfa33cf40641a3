/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program_file: what an ELF file says about the program in it, before anybody runs it.
 */
#include "tools/commands/program_file.h"

#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* General allocators: the name of their library up to where versions and variants begin, and a
 * function that only they have, perhaps behind a prefix that somebody chose when building them. */
static const struct allocator {
	const char *name, *library, *function;
} allocators[] = {
	{"jemalloc", "libjemalloc", "mallctl"},
	{"tcmalloc", "libtcmalloc", "tc_malloc"},
	{"tcmalloc", "libtcmalloc", "TCMallocInternalMalloc"},
	{"mimalloc", "libmimalloc", "mi_malloc"},
	{"rpmalloc", "librpmalloc", "rpmalloc"},
	{"oneTBB's allocator", "libtbbmalloc_proxy", "scalable_malloc"},
	{"snmalloc", "libsnmalloc", NULL},
	{"Hoard", "libhoard", NULL},
	{"Scudo", "libscudo", NULL},
};

/* By which a program asks one of them in a library of its own for memory, past malloc. */
static const char *const foreign_calls[] = {
	"mallocx",   "tc_malloc", "tc_new",   "mi_malloc",	 "mi_zalloc",
	"mi_calloc", "mi_new",	  "rpmalloc", "scalable_malloc", "scalable_aligned_malloc",
};

#define ALLOCATORS (sizeof(allocators) / sizeof(allocators[0]))

const char *program_file_allocator_of(const char *library)
{
	for (size_t i = 0; i < ALLOCATORS; i++)
		if (strncmp(library, allocators[i].library, strlen(allocators[i].library)) == 0)
			return allocators[i].name;
	return NULL;
}

const char *program_file_machine(const struct program_file *file)
{
	static char number[32];

	switch (file->machine) {
	case EM_386:
		return "32-bit x86";
	case EM_X86_64:
		return file->class == ELFCLASS32 ? "x32" : "x86-64";
	case EM_AARCH64:
		return "aarch64";
	case EM_ARM:
		return "32-bit ARM";
	case EM_RISCV:
		return "RISC-V";
	case EM_PPC64:
		return "ppc64";
	case EM_S390:
		return "s390x";
	}
	snprintf(number, sizeof(number), "ELF machine %d", file->machine);
	return number;
}

/* ---- segments ---- */

static void read_interpreter(Elf *elf, const GElf_Phdr *header, struct program_file *file)
{
	size_t file_bytes, bytes = header->p_filesz;
	const char *image = elf_rawfile(elf, &file_bytes);

	if (!image || header->p_offset > file_bytes || bytes > file_bytes - header->p_offset)
		return;
	snprintf(file->interpreter, sizeof(file->interpreter), "%.*s",
		 (int)strnlen(image + header->p_offset, bytes), image + header->p_offset);
}

/* ---- the dynamic section ---- */

/* Names that begin with "libasan.so", "libtsan.so" and so on. The sanitizers' own malloc must come
 * first, and says so by ending the program. */
static bool is_sanitizer(const char *needed)
{
	static const char *const names[] = {"libasan.",	  "liblsan.",	      "libtsan.",
					    "libhwasan.", "libclang_rt.asan", "libclang_rt.tsan",
					    NULL};

	for (const char *const *name = names; *name; name++)
		if (strncmp(needed, *name, strlen(*name)) == 0)
			return true;
	return false;
}

static void take_needed(const char *library, struct program_file *file)
{
	if (is_sanitizer(library))
		snprintf(file->sanitizer, sizeof(file->sanitizer), "%s", library);
	if (program_file_allocator_of(library))
		snprintf(file->allocator, sizeof(file->allocator), "%s", library);
	file->is_python |= strncmp(library, "libpython", 9) == 0;
	file->is_javascript |= strncmp(library, "libnode.", 8) == 0;
	file->is_java |= strncmp(library, "libjli.", 7) == 0 || strncmp(library, "libjvm.", 7) == 0;
}

static bool is_loader_name(const char *soname)
{
	return strncmp(soname, "ld-linux", 8) == 0 || strncmp(soname, "ld64.so", 7) == 0 ||
	       strncmp(soname, "ld.so", 5) == 0;
}

static void read_dynamic(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
			 struct program_file *file, bool *is_pie)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Dyn entry;

	for (int i = 0; data && gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++) {
		const char *text = NULL;
		*is_pie |= entry.d_tag == DT_FLAGS_1 && (entry.d_un.d_val & DF_1_PIE);
		file->is_library = true;
		if (entry.d_tag == DT_NEEDED || entry.d_tag == DT_SONAME)
			text = elf_strptr(elf, header->sh_link, entry.d_un.d_val);
		if (text && entry.d_tag == DT_NEEDED)
			take_needed(text, file);
		if (text && entry.d_tag == DT_SONAME)
			file->is_loader |= is_loader_name(text);
	}
}

/* The versions that it asks of other libraries: GLIBC_2.36 means that an older libc will not do. */
static void read_needed_versions(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
				 struct program_file *file)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Verneed need;
	GElf_Vernaux version;
	int at = 0;

	/* Each step goes forward, or is the last. */
	while (data && gelf_getverneed(data, at, &need)) {
		int aux = at + (int)need.vn_aux;
		for (int i = 0; i < need.vn_cnt && gelf_getvernaux(data, aux, &version); i++) {
			const char *name = elf_strptr(elf, header->sh_link, version.vna_name);
			unsigned minor;
			if (name && sscanf(name, "GLIBC_2.%u", &minor) == 1 &&
			    minor > file->needed_glibc)
				file->needed_glibc = minor;
			if ((int)version.vna_next <= 0)
				break;
			aux += (int)version.vna_next;
		}
		if ((int)need.vn_next <= 0)
			break;
		at += (int)need.vn_next;
	}
}

/* ---- symbols ---- */

static void take_function(const char *name, bool is_dynamic, struct program_file *file)
{
	size_t length = strlen(name);

	file->has_own_malloc |= is_dynamic && strcmp(name, "malloc") == 0;
	file->is_python |= strcmp(name, "Py_BytesMain") == 0;
	file->is_php |= strcmp(name, "_emalloc") == 0;
	file->is_javascript |= strcmp(name, "node_module_register") == 0;
	for (size_t i = 0; i < ALLOCATORS && !file->own_allocator; i++) {
		size_t bytes = allocators[i].function ? strlen(allocators[i].function) : SIZE_MAX;
		if (bytes > length || length - bytes >= sizeof(file->allocator_prefix) ||
		    strcmp(name + length - bytes, allocators[i].function) != 0)
			continue;
		/* What stands before it must be a prefix, and not the rest of a longer word. */
		if (length > bytes && name[length - bytes - 1] != '_')
			continue;
		file->own_allocator = allocators[i].name;
		snprintf(file->allocator_prefix, sizeof(file->allocator_prefix), "%.*s",
			 (int)(length - bytes), name);
	}
}

static void take_import(const char *name, struct program_file *file)
{
	for (size_t i = 0; i < sizeof(foreign_calls) / sizeof(foreign_calls[0]); i++)
		if (strcmp(name, foreign_calls[i]) == 0)
			file->foreign_call = foreign_calls[i];
}

static void read_symbols(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
			 struct program_file *file)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Sym symbol;

	for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
		int type = GELF_ST_TYPE(symbol.st_info);
		const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);
		if (name && symbol.st_shndx == SHN_UNDEF &&
		    GELF_ST_BIND(symbol.st_info) != STB_WEAK)
			take_import(name, file);
		else if (name && (type == STT_FUNC || type == STT_GNU_IFUNC))
			take_function(name, header->sh_type == SHT_DYNSYM, file);
	}
}

/* ---- sections ---- */

static void read_build_id(Elf_Scn *section, struct program_file *file)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t at = 0, name, content;
	GElf_Nhdr note;

	while (data && (at = gelf_getnote(data, at, &note, &name, &content)) > 0) {
		const unsigned char *bytes = (const unsigned char *)data->d_buf + content;
		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof("GNU") ||
		    memcmp((const char *)data->d_buf + name, "GNU", sizeof("GNU")) != 0)
			continue;
		for (size_t i = 0; i < note.n_descsz && 2 * i + 2 < sizeof(file->build_id); i++)
			snprintf(file->build_id + 2 * i, 3, "%02x", bytes[i]);
		return;
	}
}

static void read_sections(Elf *elf, struct program_file *file)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names = 0;
	bool is_pie = false;

	elf_getshdrstrndx(elf, &names);
	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header))
			continue;
		const char *name = elf_strptr(elf, names, header.sh_name);
		switch (header.sh_type) {
		case SHT_DYNAMIC:
			read_dynamic(elf, section, &header, file, &is_pie);
			break;
		case SHT_DYNSYM:
		case SHT_SYMTAB:
			read_symbols(elf, section, &header, file);
			break;
		case SHT_GNU_verneed:
			read_needed_versions(elf, section, &header, file);
			break;
		case SHT_NOTE:
			read_build_id(section, file);
			break;
		}
		if (!name || header.sh_type == SHT_NOBITS)
			continue;
		file->is_go |= strcmp(name, ".go.buildinfo") == 0;
		file->has_frame_info |= strcmp(name, ".eh_frame") == 0;
		file->has_lines |=
			strcmp(name, ".debug_line") == 0 || strcmp(name, ".zdebug_line") == 0;
	}
	file->is_library &= !is_pie && file->type == ET_DYN;
}

bool program_file_read(int fd, const char *path, struct program_file *file)
{
	GElf_Ehdr header;
	GElf_Phdr segment;
	size_t count = 0;
	bool is_read = false;

	*file = (struct program_file){0};
	snprintf(file->path, sizeof(file->path), "%s", path);
	elf_version(EV_CURRENT);
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &header) &&
	    elf_getphdrnum(elf, &count) == 0) {
		file->class = header.e_ident[EI_CLASS];
		file->machine = header.e_machine;
		file->type = header.e_type;
		for (size_t i = 0; i < count; i++)
			if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_INTERP)
				read_interpreter(elf, &segment, file);
		read_sections(elf, file);
		is_read = true;
	}
	elf_end(elf);
	return is_read;
}
