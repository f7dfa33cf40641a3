/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols_fixture: programs compiled by a test, and a run of them made by hand.
 *
 * A test compiles its programs with the machine's compiler into a folder of its own, makes a
 * profile with the modules and stacks that it wants, and looks at what symbols_resolve says.
 */
#ifndef SEEP_TESTS_SYMBOLS_FIXTURE_H
#define SEEP_TESTS_SYMBOLS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <gelf.h>
#include <unistd.h>

#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/symbols/symbols.h"

#define LOAD_BIAS 0x550000000000ull
#define MODULES_MAX 4

static char fixture_folder[64];

/* Runs a command of the shell in the fixture's folder. */
__attribute__((format(printf, 1, 2))) static inline void run(const char *format, ...)
{
	char command[4096], all[4400];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	snprintf(all, sizeof(all), "cd %s && { %s ; }", fixture_folder, command);
	if (system(all) != 0)
		fail_msg("this failed: %s", command);
}

static inline bool is_command_there(const char *name)
{
	char command[256];
	snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1", name);
	return system(command) == 0;
}

static inline const char *path_of(const char *name)
{
	static char path[4096];
	snprintf(path, sizeof(path), "%s/%s", fixture_folder, name);
	return path;
}

static inline void write_file(const char *name, const char *text)
{
	FILE *out = fopen(path_of(name), "w");
	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static inline int make_folder(void **state)
{
	(void)state;
	strcpy(fixture_folder, "/tmp/seep-test-symbols-XXXXXX");
	return mkdtemp(fixture_folder) ? 0 : -1;
}

static inline int remove_folder(void **state)
{
	(void)state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", fixture_folder);
	return system(command);
}

/* ---- what the test asks about a compiled program ---- */

struct elf_file {
	int file;
	Elf *elf;
};

static inline struct elf_file elf_open(const char *path)
{
	elf_version(EV_CURRENT);
	struct elf_file opened = {.file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
	if (opened.file >= 0)
		opened.elf = elf_begin(opened.file, ELF_C_READ, NULL);
	return opened;
}

static inline void elf_close(struct elf_file *opened)
{
	elf_end(opened->elf);
	if (opened->file >= 0)
		close(opened->file);
}

typedef void symbol_visitor(const char *name, const GElf_Sym *symbol, void *context);

/* Visits the symbols of .symtab and .dynsym. */
static inline void visit_symbols(const char *path, symbol_visitor *visit, void *context)
{
	struct elf_file opened = elf_open(path);
	assert_non_null(opened.elf);
	for (Elf_Scn *section = NULL; (section = elf_nextscn(opened.elf, section));) {
		GElf_Shdr header;
		gelf_getshdr(section, &header);
		if (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM)
			continue;
		Elf_Data *data = elf_getdata(section, NULL);
		for (size_t i = 0; i < header.sh_size / header.sh_entsize; i++) {
			GElf_Sym symbol;
			gelf_getsym(data, (int)i, &symbol);
			const char *name = elf_strptr(opened.elf, header.sh_link, symbol.st_name);
			if (name && symbol.st_value)
				visit(name, &symbol, context);
		}
	}
	elf_close(&opened);
}

struct wanted_symbol {
	const char *name;
	uint64_t address;
};

static inline void take_wanted(const char *name, const GElf_Sym *symbol, void *context)
{
	struct wanted_symbol *wanted = context;
	if (strcmp(name, wanted->name) == 0)
		wanted->address = symbol->st_value;
}

/* Where a symbol begins. */
static inline uint64_t address_of(const char *path, const char *name)
{
	struct wanted_symbol wanted = {.name = name};
	visit_symbols(path, take_wanted, &wanted);
	if (!wanted.address)
		fail_msg("%s has no symbol %s", path, name);
	return wanted.address;
}

/* ---- a run made by hand ---- */

struct made_run {
	struct profile profile;
	struct module modules[MODULES_MAX];
	struct site_point point;
	struct snapshot snapshot;
	struct report *report;
};

static inline void run_begin(struct made_run *made)
{
	memset(made, 0, sizeof(*made));
	made->profile.path = strdup("made.seep");
	made->profile.modules = made->modules;
	made->profile.nodes = calloc(1, sizeof(struct stack_node));
	made->profile.nodes[0].module = PROFILE_NO_MODULE;
	made->profile.node_count = 1;
	made->profile.snapshots = &made->snapshot;
	made->profile.snapshot_count = 1;
	made->snapshot.number = made->snapshot.epoch = 1;
	made->snapshot.label = (char[]){""};
	made->point = (struct site_point){.live_blocks = 1, .live_bytes = 1, .allocations = 1};
}

/* Adds a module with the build-id that the file has now. Returns its index. */
static inline uint32_t run_add_module(struct made_run *made, const char *path, uint32_t flags)
{
	assert_true(made->profile.module_count < MODULES_MAX);
	uint32_t index = (uint32_t)made->profile.module_count++;
	struct module *module = &made->modules[index];
	*module = (struct module){
		.id = index,
		.load_bias = LOAD_BIAS,
		.flags = flags,
		.path = strdup(path),
	};
	struct elf_file opened = elf_open(path);
	const void *build_id;
	ssize_t bytes = opened.elf ? dwelf_elf_gnu_build_id(opened.elf, &build_id) : 0;
	if (bytes > 0) {
		module->build_id = malloc((size_t)bytes);
		memcpy(module->build_id, build_id, (size_t)bytes);
		module->build_id_bytes = (size_t)bytes;
	}
	elf_close(&opened);
	return index;
}

/* Adds a node of the call tree and returns its id. */
static inline uint32_t run_add_node(struct made_run *made, uint32_t parent, uint32_t module,
				    uint64_t pc)
{
	struct profile *profile = &made->profile;
	profile->nodes =
		realloc(profile->nodes, (profile->node_count + 1) * sizeof(*profile->nodes));
	profile->nodes[profile->node_count] =
		(struct stack_node){.parent = parent, .module = module, .pc = pc};
	return (uint32_t)profile->node_count++;
}

/* A node whose return address lies one after `address` of the ELF file. */
static inline uint32_t run_add_call(struct made_run *made, uint32_t parent, uint32_t module,
				    uint64_t address)
{
	return run_add_node(made, parent, module, LOAD_BIAS + address + 1);
}

/* Adds a site with one live block whose innermost node is `stack`; call in rising order. */
static inline void run_add_site(struct made_run *made, uint32_t stack)
{
	struct profile *profile = &made->profile;
	profile->sites =
		realloc(profile->sites, (profile->site_count + 1) * sizeof(*profile->sites));
	profile->sites[profile->site_count++] =
		(struct site){.stack = stack, .point_count = 1, .points = &made->point};
}

static inline void run_resolve(struct made_run *made, struct symbols *symbols)
{
	struct error error = {""};
	struct report_options options = {.keep_empty_sites = true};
	report_free(made->report);
	assert_int_equal(report_build(&made->profile, &options, &made->report, &error), 0);
	assert_int_equal(made->report->site_count, made->profile.site_count);
	if (symbols_resolve(symbols, made->report, SYMBOLS_OF_ALL_SITES, &error) != 0)
		fail_msg("%s", error.text);
}

static inline const struct report_site *run_site(const struct made_run *made, uint32_t stack)
{
	for (size_t i = 0; i < made->report->site_count; i++)
		if (made->report->sites[i].stack == stack)
			return &made->report->sites[i];
	fail_msg("there is no site with stack %u", stack);
	return NULL;
}

static inline void run_end(struct made_run *made)
{
	report_free(made->report);
	for (size_t i = 0; i < made->profile.module_count; i++) {
		free(made->modules[i].path);
		free(made->modules[i].build_id);
	}
	free(made->profile.nodes);
	free(made->profile.sites);
	free(made->profile.path);
}

/* One note that contains all of the given text; null where there is none. */
static inline const char *find_note(const struct symbols *symbols, const char *part)
{
	for (const char *const *note = symbols_notes(symbols); *note; note++)
		if (strstr(*note, part))
			return *note;
	return NULL;
}

/* The program of most tests: visible() calls hidden(), into which twice() and take() are inlined. */
static const char program_source[] = "#include <stdlib.h>\n"
			       "void *keep[64];\n"
			       "static inline __attribute__((always_inline)) void *take(int n)\n"
			       "{\n"
			       "	return malloc(n + 1);\n"
			       "}\n"
			       "static inline __attribute__((always_inline)) void *twice(int n)\n"
			       "{\n"
			       "	keep[1] = take(n);\n"
			       "	return take(2 * n);\n"
			       "}\n"
			       "__attribute__((noinline)) static void hidden(int n)\n"
			       "{\n"
			       "	for (int i = 2; i < 60; i++)\n"
			       "		keep[i] = twice(n + i);\n"
			       "}\n"
			       "__attribute__((noinline)) void visible(int n)\n"
			       "{\n"
			       "	hidden(n);\n"
			       "	keep[0] = twice(n);\n"
			       "}\n"
			       "int main(int argc, char **argv)\n"
			       "{\n"
			       "	(void)argv;\n"
			       "	visible(argc);\n"
			       "	return keep[3] == keep[4];\n"
			       "}\n";

static inline int compile_program(void **state)
{
	if (make_folder(state) != 0)
		return -1;
	write_file("program.c", program_source);
	run("cc -O2 -g -Wl,--build-id program.c -o program");
	return 0;
}

static inline struct symbols *make_symbols(const char *debug_path)
{
	struct symbols_options options = {.debug_path = debug_path};
	struct symbols *symbols = symbols_new(&options);
	assert_non_null(symbols);
	return symbols;
}

#endif
