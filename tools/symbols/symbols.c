/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols: from module + address to function, file, line and inlined frames, with elfutils.
 *
 * A stack is walked from its innermost node outwards. Each program counter leads through its
 * module (opened when first needed, kept until symbols_free) to frames, which the frame cache
 * remembers; so the cost follows the number of different addresses, not that of stacks.
 */
#include "tools/symbols/symbols.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "tools/model/error.h"
#include "tools/model/holders.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/symbols/address_lines.h"
#include "tools/symbols/frame_cache.h"
#include "tools/symbols/freeing_frames.h"
#include "tools/symbols/global_names.h"
#include "tools/symbols/module_debug.h"
#include "tools/symbols/module_notes.h"
#include "tools/symbols/progress_line.h"
#include "tools/symbols/text_pool.h"

/* The library keeps at most 512; more is a damaged or hostile file. */
#define STACK_FRAMES_MAX 4096
/* So many of the stacks that free its blocks are looked up, unless it is flagged: then functions are
 * counted in all of them. */
#define FREERS_OF_UNFLAGGED 4
/* Of so many sites a finding names all. */
#define NARROWED_SITES_MAX 64

struct open_module {
	UT_hash_handle hh;
	char *key; /* build-id, process and path; a module may be loaded many times and by two runs
		    */
	struct module_debug *debug;
	struct address_lines *lines;
	struct global_names *globals;
};

struct symbols {
	char *sysroot;	  /* null for none */
	char *debug_path; /* null for the default */
	bool has_modules_only;
	bool show_progress;
	struct progress_line progress;
	struct text_pool *texts;
	struct frame_cache *cache;
	struct module_notes *notes;
	struct open_module *modules;
};

/* What symbols_resolve keeps for one profile while it works. */
struct profile_modules {
	const struct profile *profile;
	struct profile_modules *next;
	struct open_module *opened[]; /* for each of profile->modules, null until needed */
};

struct resolution {
	struct symbols *symbols;
	struct report *report;
	struct profile_modules *profiles;
	struct frame *frames; /* of the site at hand */
	size_t frame_count, frame_capacity;
	/* Of each stack of report->profile that is a step to what is held; null until asked for. */
	const struct frame **allocating;
};

struct symbols *symbols_new(const struct symbols_options *options)
{
	struct symbols *symbols = calloc(1, sizeof(*symbols));
	if (!symbols)
		return NULL;
	symbols->show_progress = options->show_progress;
	symbols->has_modules_only = options->has_modules_only;
	symbols->texts = text_pool_new();
	symbols->cache = frame_cache_new();
	symbols->notes = module_notes_new();
	bool is_complete = symbols->texts && symbols->cache && symbols->notes;
	if (options->sysroot && options->sysroot[0] != '\0') {
		/* libdwfl takes relative debug directories for relative to the module. */
		symbols->sysroot = realpath(options->sysroot, NULL);
		if (!symbols->sysroot)
			symbols->sysroot = strdup(options->sysroot);
		is_complete = is_complete && symbols->sysroot;
	}
	if (options->debug_path) {
		symbols->debug_path = strdup(options->debug_path);
		is_complete = is_complete && symbols->debug_path;
	}
	if (!is_complete) {
		symbols_free(symbols);
		return NULL;
	}
	return symbols;
}

static void free_module(struct open_module *module)
{
	global_names_free(module->globals);
	address_lines_free(module->lines);
	module_debug_free(module->debug);
	free(module->key);
	free(module);
}

void symbols_free(struct symbols *symbols)
{
	if (!symbols)
		return;
	struct open_module *module, *next;
	HASH_ITER(hh, symbols->modules, module, next)
	{
		HASH_DEL(symbols->modules, module);
		free_module(module);
	}
	module_notes_free(symbols->notes);
	frame_cache_free(symbols->cache);
	text_pool_free(symbols->texts);
	free(symbols->debug_path);
	free(symbols->sysroot);
	free(symbols);
}

const char *const *symbols_notes(const struct symbols *symbols)
{
	return module_notes_sentences(symbols->notes);
}

/* ---- modules ---- */

static char *make_module_key(const struct module *module, uint32_t running_pid)
{
	char *key = NULL;
	size_t bytes;
	FILE *out = open_memstream(&key, &bytes);
	if (!out)
		return NULL;
	for (size_t i = 0; i < module->build_id_bytes; i++)
		fprintf(out, "%02x", module->build_id[i]);
	fprintf(out, " %u %u %s", running_pid, module->flags, module->path ? module->path : "");
	if (fclose(out) != 0) {
		free(key);
		return NULL;
	}
	return key;
}

static void note_problem(struct symbols *symbols, const struct module_debug *debug)
{
	static const enum module_problem problems[] = {
		[MODULE_CHANGED] = PROBLEM_CHANGED,
		[MODULE_GONE] = PROBLEM_GONE,
		[MODULE_UNREADABLE] = PROBLEM_UNREADABLE,
	};
	if (debug->state != MODULE_USABLE && debug->state != MODULE_NO_FILE)
		module_notes_add(symbols->notes, problems[debug->state], debug->path);
	else if (debug->is_newer_than_run)
		module_notes_add(symbols->notes, PROBLEM_NEWER, debug->path);
}

static struct open_module *open_module(struct symbols *symbols, const struct profile *profile,
				       const struct module *module)
{
	struct module_search search = {
		.sysroot = symbols->sysroot,
		.debug_path = symbols->debug_path,
		.running_pid = profile->is_running ? profile->pid : 0,
		.started_unix_ns = profile->started_unix_ns,
		.progress = &symbols->progress,
	};
	char *key = make_module_key(module, search.running_pid);
	if (!key)
		return NULL;
	struct open_module *opened;
	HASH_FIND_STR(symbols->modules, key, opened);
	if (opened) {
		free(key);
		return opened;
	}

	opened = calloc(1, sizeof(*opened));
	if (!opened) {
		free(key);
		return NULL;
	}
	opened->key = key;
	opened->debug = module_debug_open(module, &search);
	if (opened->debug)
		opened->lines = address_lines_new(opened->debug, symbols->texts);
	if (opened->lines)
		opened->globals = global_names_new(opened->debug, symbols->texts);
	if (opened->globals)
		HASH_ADD_KEYPTR(hh, symbols->modules, opened->key, strlen(opened->key), opened);
	if (!opened->globals || !opened->hh.tbl) {
		free_module(opened);
		return NULL;
	}
	note_problem(symbols, opened->debug);
	return opened;
}

static struct profile_modules *modules_of(struct resolution *resolution,
					  const struct profile *profile)
{
	struct profile_modules *modules = resolution->profiles;
	for (; modules; modules = modules->next)
		if (modules->profile == profile)
			return modules;
	modules = calloc(1, sizeof(*modules) + profile->module_count * sizeof(modules->opened[0]));
	if (!modules)
		return NULL;
	modules->profile = profile;
	modules->next = resolution->profiles;
	resolution->profiles = modules;
	return modules;
}

/* Opened when first asked for; null without memory. */
static struct open_module *module_at(struct resolution *resolution, struct profile_modules *modules,
				     uint32_t index)
{
	const struct module *module = &modules->profile->modules[index];
	struct open_module **opened = &modules->opened[index];
	if (!*opened)
		*opened = open_module(resolution->symbols, modules->profile, module);
	if (*opened)
		progress_line_tick(&resolution->symbols->progress, "%s",
				   module->path ? module->path : "");
	return *opened;
}

/* ---- the frames of one stack ---- */

static const char *pseudo_text(uint64_t pc)
{
	switch ((enum seep_pseudo_pc)pc) {
	case SEEP_PC_MMAP:
		return "[mmap]";
	case SEEP_PC_BRK:
		return "[brk]";
	case SEEP_PC_CUT:
		return "[deeper frames cut]";
	case SEEP_PC_NESTED:
		return "[allocated in a signal handler while seep was busy]";
	case SEEP_PC_NO_ROOM:
		return "[call tree full]";
	case SEEP_PC_SIGNAL:
		return "[signal]";
	case SEEP_PC_LIMIT:
		break;
	}
	return "[unknown]"; /* written by a later minor version */
}

static bool add_frame(struct resolution *resolution, const struct frame *frame)
{
	if (resolution->frame_count == resolution->frame_capacity) {
		size_t capacity = resolution->frame_capacity ? 2 * resolution->frame_capacity : 256;
		struct frame *frames = realloc(resolution->frames, capacity * sizeof(*frames));
		if (!frames)
			return false;
		resolution->frames = frames;
		resolution->frame_capacity = capacity;
	}
	resolution->frames[resolution->frame_count++] = *frame;
	return true;
}

static bool add_pseudo_frame(struct resolution *resolution, const char *text)
{
	return add_frame(resolution, &(struct frame){
					     .function = report_text(resolution->report, text),
					     .is_pseudo = true,
				     });
}

/* `is_exact`: pc is the interrupted instruction itself. A return address belongs to the call
 * before it, which may be on another line or even in another function. */
static bool add_code_frames(struct resolution *resolution, struct profile_modules *modules,
			    const struct stack_node *node, bool is_exact)
{
	const struct profile *profile = modules->profile;
	if (node->module >= profile->module_count)
		return add_frame(resolution, &(struct frame){.offset = node->pc});

	const struct module *module = &profile->modules[node->module];
	uint64_t offset = node->pc - module->load_bias;
	const char *path = module->path && module->path[0] != '\0'
				   ? report_text(resolution->report, module->path)
				   : NULL;
	if (resolution->symbols->has_modules_only)
		return add_frame(resolution, &(struct frame){.module = path, .offset = offset});
	struct open_module *opened = module_at(resolution, modules, node->module);
	if (!opened)
		return false;

	struct cached_frames found =
		frame_cache_find(resolution->symbols->cache, opened->lines, offset - !is_exact);
	for (size_t i = 0; i < found.count; i++) {
		struct frame frame = found.frames[i];
		frame.module = path;
		frame.offset = offset;
		if (!add_frame(resolution, &frame))
			return false;
	}
	if (module->flags & SEEP_MODULE_IS_EXECUTABLE && opened->debug->state == MODULE_USABLE &&
	    !address_lines_has_debug_info(opened->lines))
		module_notes_add(resolution->symbols->notes, PROBLEM_NO_DEBUG_INFO, module->path);
	return found.count > 0;
}

/* Such frames are left out wherever they are: inside the allocator, under an operator new of the
 * C++ library that libseep called, around a thread that it started. */
static bool is_in_libseep(const struct profile *profile, const struct stack_node *node)
{
	return node->module < profile->module_count &&
	       profile->modules[node->module].flags & SEEP_MODULE_IS_LIBSEEP;
}

/* Of the `depth` innermost nodes; of all where it is 0. */
static bool collect_frames(struct resolution *resolution, struct profile_modules *modules,
			   uint32_t stack, uint32_t depth)
{
	const struct profile *profile = modules->profile;
	bool is_exact = false;
	resolution->frame_count = 0;

	uint32_t id = stack;
	while (id != 0 && id < profile->node_count) {
		const struct stack_node *node = &profile->nodes[id];
		bool is_added = true;
		if (resolution->frame_count >= STACK_FRAMES_MAX)
			return add_pseudo_frame(resolution, pseudo_text(SEEP_PC_CUT));
		if (node->pc < SEEP_PC_LIMIT) {
			is_added = add_pseudo_frame(resolution, pseudo_text(node->pc));
		} else if (!is_in_libseep(profile, node)) {
			is_added = add_code_frames(resolution, modules, node, is_exact);
		}
		if (!is_added)
			return false;
		is_exact = node->pc == SEEP_PC_SIGNAL;
		if (node->parent >= id || --depth == 0)
			break;
		id = node->parent;
	}
	return resolution->frame_count > 0 || add_pseudo_frame(resolution, "[no stack]");
}

/* Wrappers count only where they are innermost: a program's xmalloc further out, say in a callback
 * of an allocator, is the program's business. One frame of code always remains to be shown. */
static void keep_innermost_wrappers(struct frame *frames, size_t count)
{
	bool is_innermost = true;
	size_t last_wrapper = SIZE_MAX;
	for (size_t i = 0; i < count; i++) {
		if (frames[i].is_pseudo)
			continue;
		is_innermost = is_innermost && frames[i].is_wrapper;
		frames[i].is_wrapper = is_innermost;
		if (is_innermost)
			last_wrapper = i;
	}
	if (is_innermost && last_wrapper != SIZE_MAX)
		frames[last_wrapper].is_wrapper = false;
}

/* Copies the frames at hand; null without memory. */
static struct frame *copy_frames(struct resolution *resolution)
{
	struct frame *frames = report_frames(resolution->report, resolution->frame_count);
	if (frames)
		memcpy(frames, resolution->frames, resolution->frame_count * sizeof(*frames));
	return frames;
}

/* The stacks that free its blocks. */
static bool resolve_freers(struct resolution *resolution, struct profile_modules *modules,
			   const struct report_site *site)
{
	const struct freer_list *list = &site->freed_by;
	size_t count = list->count;
	if (!site->judgement.is_flagged && count > FREERS_OF_UNFLAGGED)
		count = FREERS_OF_UNFLAGGED;
	for (size_t i = 0; i < count; i++) {
		struct freer *freer = &list->freers[i];
		if (freer->frames)
			continue;
		if (!collect_frames(resolution, modules, freer->stack, 0))
			return false;
		freeing_frames_mark(resolution->frames, resolution->frame_count);
		freer->frames = copy_frames(resolution);
		if (!freer->frames)
			return false;
		freer->frame_count = resolution->frame_count;
	}
	return true;
}

/* ---- who holds blocks ---- */

/* One of the frames at hand, or null where `index` is beyond them. False without memory. */
static bool keep_frame(struct resolution *resolution, size_t index, const struct frame **kept)
{
	*kept = NULL;
	if (index >= resolution->frame_count)
		return true;
	struct frame *frame = report_frames(resolution->report, 1);
	if (frame)
		*frame = resolution->frames[index];
	*kept = frame;
	return frame != NULL;
}

/* The program's own function that allocates the blocks of a site. */
static bool find_allocating(struct resolution *resolution, struct profile_modules *modules,
			    uint32_t stack, const struct frame **frame)
{
	if (stack >= modules->profile->node_count)
		return true;
	const struct frame **known = &resolution->allocating[stack];
	if (!*known) {
		size_t own = 0;
		if (!collect_frames(resolution, modules, stack, 0))
			return false;
		keep_innermost_wrappers(resolution->frames, resolution->frame_count);
		while (own < resolution->frame_count && (resolution->frames[own].is_wrapper ||
							 resolution->frames[own].is_pseudo))
			own++;
		if (!keep_frame(resolution, own < resolution->frame_count ? own : 0, known))
			return false;
	}
	*frame = *known;
	return true;
}

static bool name_variable(struct resolution *resolution, struct profile_modules *modules,
			  const struct holder_root *root, struct holder_place *place)
{
	struct report *report = resolution->report;
	if (root->module >= modules->profile->module_count ||
	    resolution->symbols->has_modules_only)
		return true;
	struct open_module *opened = module_at(resolution, modules, root->module);
	if (!opened)
		return false;
	uint64_t bias = modules->profile->modules[root->module].load_bias;
	struct global_name name =
		root->kind == SEEP_ROOT_TLS
			? global_names_find(opened->globals, SPACE_OF_THREADS, root->offset)
			: global_names_find(opened->globals, SPACE_OF_MEMORY, root->address - bias);
	place->name = name.name ? report_text(report, name.name) : NULL;
	place->function = name.function ? report_text(report, name.function) : NULL;
	place->file = name.file ? report_text(report, name.file) : NULL;
	place->section = name.section ? report_text(report, name.section) : NULL;
	place->section_offset = name.section_offset;
	return true;
}

/* The function that runs on a stack, with what is inlined into it left out. */
static bool name_running(struct resolution *resolution, struct profile_modules *modules,
			 const struct holder_root *root, struct holder_place *place)
{
	const struct stack_node node = {.module = root->pc_module, .pc = root->pc};
	if (root->pc < SEEP_PC_LIMIT)
		return true;
	resolution->frame_count = 0;
	return add_code_frames(resolution, modules, &node, false) &&
	       keep_frame(resolution, resolution->frame_count - 1, &place->frame);
}

static bool resolve_place(struct resolution *resolution, struct profile_modules *modules,
			  uint32_t index)
{
	const struct holder_root *root = &modules->profile->holders->roots[index];
	struct holder_place *place = &resolution->report->holder_places[index];
	if (place->is_resolved)
		return true;
	place->is_resolved = true;
	switch (root->kind) {
	case SEEP_ROOT_MODULE:
	case SEEP_ROOT_TLS:
		return name_variable(resolution, modules, root, place);
	case SEEP_ROOT_STACK:
	case SEEP_ROOT_REGISTER:
		return name_running(resolution, modules, root, place);
	default:
		return true;
	}
}

static bool resolve_holders(struct resolution *resolution, struct profile_modules *modules,
			    const struct report_site *site)
{
	const struct holder_shapes *held_by = &site->held_by;
	if (held_by->count && !resolution->allocating)
		resolution->allocating = calloc(modules->profile->node_count,
						sizeof(*resolution->allocating));
	if (held_by->count && !resolution->allocating)
		return false;
	for (size_t i = 0; i < held_by->count; i++) {
		struct holder_shape *shape = &held_by->shapes[i];
		if (!resolve_place(resolution, modules, shape->root))
			return false;
		for (size_t s = 0; s < shape->step_count; s++) {
			struct shape_step *step = &shape->steps[s];
			if (step->stack && !find_allocating(resolution, modules, step->stack,
							    &step->frame))
				return false;
		}
	}
	return true;
}

static bool resolve_site(struct resolution *resolution, struct report_site *site)
{
	const struct profile *profile = site->profile ? site->profile : resolution->report->profile;
	struct profile_modules *modules = profile ? modules_of(resolution, profile) : NULL;
	if (!modules || !collect_frames(resolution, modules, site->stack, site->depth))
		return false;
	keep_innermost_wrappers(resolution->frames, resolution->frame_count);

	site->frames = copy_frames(resolution);
	if (!site->frames)
		return false;
	site->frame_count = resolution->frame_count;
	report_site_identify(site);
	return resolve_freers(resolution, modules, site) &&
	       resolve_holders(resolution, modules, site);
}

/* A finding of few sites is shown with what they have in common. */
static bool resolve_finding(struct resolution *resolution, struct report_finding *finding)
{
	if (!resolve_site(resolution, &finding->sum))
		return false;
	if (finding->site_count > NARROWED_SITES_MAX)
		return true;
	for (size_t i = 0; i < finding->site_count; i++)
		if (!finding->sites[i]->frames && !resolve_site(resolution, finding->sites[i]))
			return false;
	return report_finding_narrow(resolution->report, finding);
}

int symbols_resolve(struct symbols *symbols, struct report *report, size_t site_limit,
		    struct error *error)
{
	size_t count = report->site_count;
	if (site_limit != 0 && site_limit < count)
		count = site_limit;
	struct resolution resolution = {.symbols = symbols, .report = report};
	frame_cache_serve(symbols->cache, report);
	progress_line_begin(&symbols->progress, symbols->show_progress);

	size_t done = 0;
	for (; done < count; done++) {
		symbols->progress.percent = (unsigned)(done * 100 / count);
		if (!resolve_site(&resolution, &report->sites[done]))
			break;
	}

	/* What stands first in a report for people are not the same sites. */
	size_t entries = 0, entry_count = report->entry_count;
	if (site_limit != 0 && site_limit < entry_count)
		entry_count = site_limit;
	for (; done == count && entries < entry_count; entries++) {
		const struct report_entry *entry = &report->entries[entries];
		if (entry->finding ? !resolve_finding(&resolution, entry->finding)
				   : !entry->site->frames && !resolve_site(&resolution, entry->site))
			break;
	}

	size_t differences = 0;
	for (; done == count && entries == entry_count && differences < report->difference_count;
	     differences++) {
		struct report_difference *difference = &report->differences[differences];
		if (!resolve_site(&resolution, &difference->ours) ||
		    !resolve_site(&resolution, &difference->libunwinds))
			break;
	}

	size_t pins = 0;
	for (; done == count && entries == entry_count && pins < report->pin_count; pins++) {
		struct report_site *site = report->pins[pins].site;
		if (!site->frames && !resolve_site(&resolution, site))
			break;
	}

	progress_line_end(&symbols->progress);
	while (resolution.profiles) {
		struct profile_modules *next = resolution.profiles->next;
		free(resolution.profiles);
		resolution.profiles = next;
	}
	free(resolution.allocating);
	free(resolution.frames);
	if (done < count || entries < entry_count || differences < report->difference_count ||
	    pins < report->pin_count)
		return error_set(error, ENOMEM,
				 "Not enough memory to resolve the symbols of %zu stacks", count);
	return 0;
}
