/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_module: a hostile ELF file with debug information, under the name of a module of the run.
 *
 * The bytes are read by elfutils; what it hands out is walked by us: units, functions, variables, types,
 * symbols, and calls of allocators. Its build-id counts as the right one, or nothing would be read.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <elfutils/libdwelf.h>

#include "tests/fuzz/demand.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/hostile_file.h"
#include "tools/model/profile.h"
#include "tools/symbols/address_lines.h"
#include "tools/symbols/allocator_calls.h"
#include "tools/symbols/global_names.h"
#include "tools/symbols/module_debug.h"
#include "tools/symbols/progress_line.h"
#include "tools/symbols/text_pool.h"

#define FRAMES_MAX 16u
#define ADDRESSES 48u
#define STEP_BYTES 16u
#define CALLS_BYTES 0x800u

static void read_build_id(const char *path, struct module *module)
{
	const void *bytes;
	ssize_t count;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	elf_version(EV_CURRENT);
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	count = elf ? dwelf_elf_gnu_build_id(elf, &bytes) : -1;
	module->build_id_bytes = count > 0 ? (size_t)count : 0;
	module->build_id = malloc(module->build_id_bytes + 1);
	DEMAND(module->build_id, "no memory");
	if (count > 0)
		memcpy(module->build_id, bytes, (size_t)count);
	elf_end(elf);
	close(fd);
}

static void demand_frames(const struct source_frame *frames, size_t count)
{
	DEMAND(count >= 1 && count <= FRAMES_MAX, "%zu frames", count);
	for (size_t i = 0; i < count; i++) {
		if (frames[i].function)
			DEMAND(memchr(frames[i].function, 0, 1 << 20), "a name without an end");
		if (frames[i].file)
			DEMAND(strlen(frames[i].file) < 1 << 20, "a long name");
	}
	DEMAND(!frames[count - 1].is_inlined || count == FRAMES_MAX, "inlined into nothing");
}

static void look_around(struct address_lines *lines, struct global_names *names, uint64_t start)
{
	struct source_frame frames[FRAMES_MAX];

	for (uint64_t i = 0; i < ADDRESSES; i++) {
		uint64_t address = start + i * STEP_BYTES;

		demand_frames(frames, address_lines_find(lines, address, frames, FRAMES_MAX));
		for (int space = 0; space < VARIABLE_SPACES; space++)
			global_names_find(names, (enum variable_space)space,
					  address + (uint64_t)space);
	}
}

/* To each address a call may return. */
static void look_at_calls(const struct module_debug *debug, uint64_t start)
{
	struct allocator_calls *calls = allocator_calls_new(debug);

	if (!calls)
		return;
	for (uint64_t address = start; address < start + CALLS_BYTES; address++) {
		const char *name = allocator_calls_name(calls, address);

		DEMAND(!name || strlen(name) < 64, "no function of an allocator");
		allocator_calls_is_in_operator(calls, address);
	}
	allocator_calls_imports_operators(calls);
	allocator_calls_has_own_operators(calls);
	allocator_calls_has_cxx(calls);
	allocator_calls_free(calls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct module module = {.path = (char *)hostile_file(data, size)};
	struct progress_line progress;
	const struct module_search search = {.debug_path = "", .progress = &progress};

	progress_line_begin(&progress, false);
	read_build_id(module.path, &module);
	struct module_debug *debug = module_debug_open(&module, &search);
	DEMAND(debug, "no memory");
	if (debug->state == MODULE_USABLE) {
		struct text_pool *pool = text_pool_new();
		struct address_lines *lines = address_lines_new(debug, pool);
		struct global_names *names = global_names_new(debug, pool);

		/* Code, then data, as the linker lays a small object out. */
		look_around(lines, names, 0x1000);
		look_around(lines, names, 0x2f80);
		look_around(lines, names, 0x3f80);
		look_around(lines, names, 0);
		look_at_calls(debug, 0);
		look_at_calls(debug, 0x1000);
		global_names_free(names);
		address_lines_free(lines);
		text_pool_free(pool);
	}
	module_debug_free(debug);
	free(module.build_id);
	return 0;
}
