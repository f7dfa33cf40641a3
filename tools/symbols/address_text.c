/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address_text: text in which addresses stand as MODULE+0xOFFSET, with functions and lines in their place.
 *
 * Such text comes from programs that know no names, such as libseep.so and the sanitizers without their
 * symbolizer. An address is an instruction's, not a return address.
 */
#include "tools/symbols/address_text.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <elfutils/libdwelf.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "tools/model/named_file.h"
#include "tools/model/path_base.h"
#include "tools/model/profile.h"
#include "tools/symbols/address_lines.h"
#include "tools/symbols/module_debug.h"
#include "tools/symbols/progress_line.h"
#include "tools/symbols/text_pool.h"

#define FRAMES_MAX 32 /* inlined into one another at one address */
/* So many places of a line are tried: nobody shall wait for one that is made of nothing else. */
#define PLACES_MAX 64

struct named_module {
	UT_hash_handle hh;
	char *path;
	struct module_debug *debug;
	struct address_lines *lines;
};

struct address_text {
	const char *debug_path;
	struct progress_line progress; /* never drawn */
	struct text_pool *texts;
	struct named_module *modules;
};

struct address_text *address_text_new(const char *debug_path)
{
	struct address_text *text = calloc(1, sizeof(*text));

	if (!text)
		return NULL;
	text->debug_path = debug_path;
	progress_line_begin(&text->progress, false);
	text->texts = text_pool_new();
	if (!text->texts) {
		free(text);
		return NULL;
	}
	return text;
}

static void free_module(struct named_module *module)
{
	address_lines_free(module->lines);
	module_debug_free(module->debug);
	free(module->path);
	free(module);
}

void address_text_free(struct address_text *text)
{
	struct named_module *module, *next;

	if (!text)
		return;
	HASH_ITER(hh, text->modules, module, next)
	{
		HASH_DEL(text->modules, module);
		free_module(module);
	}
	text_pool_free(text->texts);
	free(text);
}

/* Whether there is an ELF file. Its own build-id is that of the module: what ran nobody says. The id is
 * to be freed. */
static bool read_build_id(const char *path, struct module *module)
{
	int file = named_file_open_harmless(path);
	struct stat status;
	const void *id = NULL;
	ssize_t bytes = 0;
	Elf *elf;
	bool is_elf;

	if (file < 0)
		return false;
	elf_version(EV_CURRENT);
	elf = fstat(file, &status) == 0 && S_ISREG(status.st_mode)
		      ? elf_begin(file, ELF_C_READ_MMAP, NULL)
		      : NULL;
	is_elf = elf && elf_kind(elf) == ELF_K_ELF;
	if (is_elf)
		bytes = dwelf_elf_gnu_build_id(elf, &id);
	if (bytes > 0 && (module->build_id = malloc((size_t)bytes))) {
		memcpy(module->build_id, id, (size_t)bytes);
		module->build_id_bytes = (size_t)bytes;
	}
	elf_end(elf);
	close(file);
	return is_elf;
}

/* Takes `path` over. What is no file is not remembered: a text may have any number of those. *is_fine is
 * false without memory. */
static struct named_module *add_module(struct address_text *text, char *path, bool *is_fine)
{
	struct module_search search = {.debug_path = text->debug_path, .progress = &text->progress};
	struct named_module *module = calloc(1, sizeof(*module));
	struct module of_path = {.path = path};
	bool is_elf;

	if (!module) {
		free(path);
		*is_fine = false;
		return NULL;
	}
	module->path = path;
	is_elf = read_build_id(path, &of_path);
	if (is_elf)
		module->debug = module_debug_open(&of_path, &search);
	if (module->debug)
		module->lines = address_lines_new(module->debug, text->texts);
	free(of_path.build_id);
	if (module->lines)
		HASH_ADD_KEYPTR(hh, text->modules, module->path, strlen(module->path), module);
	if (module->hh.tbl)
		return module;
	*is_fine = !is_elf;
	free_module(module);
	return NULL;
}

/* An address in a line: from its path up to the end of its digits. */
struct place {
	const char *begin, *end;
	struct named_module *module;
	uint64_t offset;
};

/* Where a path may begin that ends there: with a word, or behind a bracket, and there is a slash in it. */
static bool begins_path(const char *line, const char *at, const char *end)
{
	return !isspace((unsigned char)*at) && memchr(at, '/', (size_t)(end - at)) &&
	       (at == line || isspace((unsigned char)at[-1]) || strchr("(\"'[", at[-1]));
}

/* Stores what is found in *place; its module is null where there is none. False without memory. */
static bool find_place(struct address_text *text, const char *line, struct place *place)
{
	size_t tried = 0;

	*place = (struct place){0};
	for (const char *plus = strstr(line, "+0x"); plus; plus = strstr(plus + 1, "+0x")) {
		char *end;
		uint64_t offset = strtoull(plus + 3, &end, 16);

		if (!isxdigit((unsigned char)plus[3]))
			continue;
		/* A path may have spaces in it, and so the first one that is a file is taken. */
		for (const char *at = line; at < plus; at++) {
			struct named_module *module;
			bool is_fine = true;
			char *path;

			if (!begins_path(line, at, plus))
				continue;
			if (++tried > PLACES_MAX)
				return true;
			path = strndup(at, (size_t)(plus - at));
			if (!path)
				return false;
			HASH_FIND_STR(text->modules, path, module);
			if (module)
				free(path);
			else
				module = add_module(text, path, &is_fine);
			if (!is_fine)
				return false;
			if (!module)
				continue;
			*place = (struct place){at, end, module, offset};
			return true;
		}
	}
	return true;
}

static void write_frame(FILE *out, const struct place *place, const struct source_frame *frame)
{
	fputs(frame->function, out);
	if (frame->file)
		fprintf(out, " %s", frame->file);
	else
		fprintf(out, " (%s)", path_base(place->module->path));
	if (frame->file && frame->line > 0)
		fprintf(out, ":%d", frame->line);
	if (frame->is_inlined)
		fputs(" inlined", out);
}

bool address_text_write_line(struct address_text *text, FILE *out, const char *line)
{
	struct source_frame frames[FRAMES_MAX];
	struct place place;
	size_t count = 0;

	if (!find_place(text, line, &place))
		return false;
	if (place.module)
		count = address_lines_find(place.module->lines, place.offset, frames, FRAMES_MAX);
	if (count == 0 || !frames[count - 1].function || !frames[0].function) {
		fputs(line, out);
		return true;
	}
	for (size_t i = 0; i < count; i++) {
		fwrite(line, 1, (size_t)(place.begin - line), out);
		write_frame(out, &place, &frames[i]);
		fputs(i + 1 < count ? "\n" : place.end, out);
	}
	return true;
}
