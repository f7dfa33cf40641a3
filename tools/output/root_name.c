/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root_name: what holds blocks where nothing else holds it, in words.
 */
#include "tools/output/root_name.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/holders.h"
#include "tools/model/path_base.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/output/frame_text.h"
#include "tools/output/function_name.h"
#include "tools/output/number_text.h"

#define NAME_COLUMNS 48

/* ---- names ---- */

static char *copy_of_name(const struct root_name *named, const char *name)
{
	return named->style ? function_name_fit(named->style, name, NAME_COLUMNS) : strdup(name);
}

/* Where no file is known, the program's own functions stand without a place: a way has many of them. */
static bool says_only_program(const struct root_name *named, const struct frame *frame)
{
	const struct profile *profile = named->report->profile;

	if (frame->file || !frame->function || !frame->module)
		return false;
	for (size_t i = 0; i < profile->module_count; i++)
		if (profile->modules[i].flags & SEEP_MODULE_IS_EXECUTABLE &&
		    profile->modules[i].path &&
		    strcmp(profile->modules[i].path, frame->module) == 0)
			return true;
	return false;
}

char *root_name_frame(const struct root_name *named, const struct frame *frame)
{
	static const struct frame unknown = {.function = "[no stack]", .is_pseudo = true};
	char buffer[FRAME_NAME_BYTES], place[FRAME_PLACE_BYTES], *text = NULL;
	struct frame only = frame ? *frame : unknown;
	const struct report_site stack = {
		.profile = named->report->profile, .frames = &only, .frame_count = 1};
	char *name = copy_of_name(named, frame_name(&only, buffer));

	frame_place(&stack, &only, place);
	if (says_only_program(named, &only))
		*place = 0;
	if (name && asprintf(&text, "%s%s%s", name, *place ? " " : "", place) < 0)
		text = NULL;
	free(name);
	return text;
}

static const struct module *module_of(const struct root_name *named)
{
	const struct profile *profile = named->report->profile;

	return named->root->module < profile->module_count ? &profile->modules[named->root->module]
							   : NULL;
}

static const char *module_name(const struct root_name *named)
{
	const struct module *module = module_of(named);

	return module && module->path && *module->path ? path_base(module->path) : "a module";
}

static bool is_of_program(const struct root_name *named)
{
	const struct module *module = module_of(named);

	return module && module->flags & SEEP_MODULE_IS_EXECUTABLE;
}

/* The general registers' numbers in DWARF come first, then those of xmm0 to xmm15 (psABI, 3.6.2). */
#define XMM_REGISTERS 16

/* "register rbx"; of another kind of processor its number. */
static void put_register(FILE *out, uint64_t number)
{
	static const char *const names[] = {"rax", "rdx", "rcx", "rbx", "rsi", "rdi",
					    "rbp", "rsp", "r8",	 "r9",	"r10", "r11",
					    "r12", "r13", "r14", "r15", "rip"};

	if (number < sizeof(names) / sizeof(*names))
		fprintf(out, "register %s", names[number]);
	else if (number - sizeof(names) / sizeof(*names) < XMM_REGISTERS)
		fprintf(out, "register xmm%zu", (size_t)number - sizeof(names) / sizeof(*names));
	else
		fprintf(out, "register %" PRIu64, number);
}

/* ---- roots ---- */

/* " (server.c)", " (cache.c, libfoo.so)", " (libfoo.so)"; nothing where only the program can be meant. */
static void put_origin(FILE *out, const struct root_name *named)
{
	const char *file = named->place->file ? path_base(named->place->file) : NULL;

	if (is_of_program(named) && file)
		fprintf(out, " (%s)", file);
	else if (!is_of_program(named) && file)
		fprintf(out, " (%s, %s)", file, module_name(named));
	else if (!is_of_program(named))
		fprintf(out, " (%s)", module_name(named));
}

/* What a mangled name says of its library's version is not for people: "cfg::lines[abi:cxx11]". */
static void put_name(FILE *out, const struct root_name *named, const char *name)
{
	const char *tag;

	while (named->style && (tag = strstr(name, "[abi:")) && strchr(tag, ']')) {
		fprintf(out, "%.*s", (int)(tag - name), name);
		name = strchr(tag, ']') + 1;
	}
	fputs(name, out);
}

static bool put_variable(FILE *out, const struct root_name *named)
{
	const struct holder_place *place = named->place;
	char *function = place->function ? copy_of_name(named, place->function) : NULL;
	bool is_fine = !place->function || function;

	if (named->root->kind == SEEP_ROOT_TLS)
		fputs("thread_local ", out);
	put_name(out, named, place->name);
	if (function)
		fprintf(out, " of %s", function);
	put_origin(out, named);
	free(function);
	return is_fine;
}

/* "libfoo.so .data+0x40"; of several places in it only the section. */
static void put_nameless(FILE *out, const struct root_name *named, bool is_key)
{
	const struct holder_place *place = named->place;

	if (named->root->kind == SEEP_ROOT_TLS) {
		fprintf(out, "thread-local data of %s", module_name(named));
		return;
	}
	bool is_one_place = !is_key && named->low == named->high;
	fputs(module_name(named), out);
	if (place->section)
		fprintf(out, " %s", place->section);
	else if (!is_one_place)
		fputs(" data", out);
	if (is_one_place)
		fprintf(out, "+0x%" PRIx64, named->low);
}

/* `stack of thread 4711 "worker"`, "stacks of 12 threads" */
static void put_thread(FILE *out, const struct root_name *named, bool is_key)
{
	const struct holder_root *root = named->root;
	bool is_main = root->thread == named->report->profile->pid;

	if (is_key)
		fputs(is_main ? "main thread" : "thread", out);
	else if (named->thread_count > 1)
		fprintf(out, "%s threads", number_count(named->thread_count).text);
	else if (is_main)
		fputs("the main thread", out);
	else if (root->thread)
		fprintf(out, "thread %" PRIu32, root->thread);
	else
		fputs("a thread", out);
	/* Threads of one function are told apart by it, and not by what it calls them. */
	if (*root->name && !is_main &&
	    (!named->place->frame || (!is_key && named->thread_count <= 1)))
		fprintf(out, " \"%s\"", root->name);
}

/* " in worker_main server.c:41"; of threads that are at different lines of it without one. */
static bool put_running(FILE *out, const struct root_name *named, bool is_key)
{
	struct frame frame;
	char *name;

	if (!named->place->frame)
		return true;
	frame = *named->place->frame;
	if (is_key || named->differs_in_line)
		frame.line = 0;
	name = root_name_frame(named, &frame);
	if (name)
		fprintf(out, " in %s", name);
	free(name);
	return name != NULL;
}

/* "an anonymous mapping of 64.0 MiB", "12 anonymous mappings", "[heap]", "the mapping of pool.db" */
static void put_mapping(FILE *out, const struct root_name *named, bool is_key)
{
	const char *name = named->root->name;

	if (*name == '[')
		fputs(name, out);
	else if (*name)
		fprintf(out, "the mapping of %s", path_base(name));
	else if (named->mapping_count > 1)
		fprintf(out, "%s anonymous mappings", number_count(named->mapping_count).text);
	else
		fputs("an anonymous mapping", out);
	if (!is_key && named->mapping_count <= 1 && *name != '[' && named->root->bytes)
		fprintf(out, " of %s", number_bytes(named->root->bytes).text);
}

bool root_name_put(const struct root_name *named, FILE *out, bool is_key)
{
	bool are_many = named->thread_count > 1;

	/* Roots of different kinds may have the same words. */
	if (is_key)
		fprintf(out, "%d ", (int)named->root->kind);
	switch (named->root->kind) {
	case SEEP_ROOT_MODULE:
	case SEEP_ROOT_TLS:
		if (named->place->name)
			return put_variable(out, named);
		put_nameless(out, named, is_key);
		return true;
	case SEEP_ROOT_STACK:
		fputs(are_many ? "stacks of " : "stack of ", out);
		put_thread(out, named, is_key);
		return put_running(out, named, is_key);
	case SEEP_ROOT_REGISTER:
		if (is_key || are_many || named->register_count > 1)
			fputs("registers", out);
		else
			put_register(out, named->root->address);
		fputs(" of ", out);
		put_thread(out, named, is_key);
		return put_running(out, named, is_key);
	case SEEP_ROOT_THREAD:
		fputs("thread-specific data of ", out);
		put_thread(out, named, is_key);
		return true;
	case SEEP_ROOT_LOADER:
		fputs("the dynamic linker", out);
		return true;
	case SEEP_ROOT_MAPPING:
		put_mapping(out, named, is_key);
		return true;
	case SEEP_ROOT_REGION:
		fputs("a region that the program has declared", out);
		return true;
	case SEEP_ROOT_KERNEL:
		fprintf(out, "the kernel, for %s",
			*named->root->name ? named->root->name : "the program");
		return true;
	case SEEP_ROOT_IGNORED:
		fputs("what the program said is no leak", out);
		return true;
	}
	fputs("something that only a newer seep can name", out);
	return true;
}

/* ---- roots that read the same ---- */

void root_name_start(struct root_name *named, const struct report *report,
		     const struct text_style *style, uint32_t root)
{
	const struct module *module;

	*named = (struct root_name){
		.report = report,
		.style = style,
		.root = &report->profile->holders->roots[root],
		.place = &report->holder_places[root],
		.thread_count = 1,
		.register_count = 1,
		.mapping_count = 1,
	};
	module = module_of(named);
	named->low = named->high =
		named->place->section ? named->place->section_offset
				      : named->root->address - (module ? module->load_bias : 0);
}

int root_name_compare(const struct root_name *a, const struct root_name *b)
{
	int order = (a->root->thread > b->root->thread) - (a->root->thread < b->root->thread);

	if (!order)
		order = (a->root->address > b->root->address) -
			(a->root->address < b->root->address);
	return order;
}

void root_name_merge(struct root_name *into, const struct root_name *from,
		     const struct root_name *before)
{
	bool is_elsewhere = from->root->address != before->root->address;

	into->thread_count += from->root->thread != before->root->thread;
	into->register_count += is_elsewhere;
	into->mapping_count += is_elsewhere;
	if (into->place->frame && from->place->frame)
		into->differs_in_line |= into->place->frame->line != from->place->frame->line;
	if (into->low > from->low)
		into->low = from->low;
	if (into->high < from->high)
		into->high = from->high;
}
