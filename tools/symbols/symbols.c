/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols: from module + address to function, file, line and inlined frames, with elfutils.
 *
 * What of a report gets its frames and names, and in which order; stack_frames and holder_names do it.
 */
#include "tools/symbols/symbols.h"

#include <errno.h>
#include <stdlib.h>

#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/site_twins.h"
#include "tools/symbols/frame_cache.h"
#include "tools/symbols/freeing_frames.h"
#include "tools/symbols/holder_names.h"
#include "tools/symbols/module_notes.h"
#include "tools/symbols/near_stacks.h"
#include "tools/symbols/open_modules.h"
#include "tools/symbols/progress_line.h"
#include "tools/symbols/stack_frames.h"
#include "tools/symbols/wrong_free_search.h"

/* So many of the stacks that free its blocks are looked up, unless it is flagged: then functions are
 * counted in all of them. */
#define FREERS_OF_UNFLAGGED 4
/* Of so many sites a finding names all. */
#define NARROWED_SITES_MAX 64

struct symbols {
	bool has_modules_only;
	bool show_progress;
	struct progress_line progress;
	struct frame_cache *cache;
	struct module_notes *notes;
	struct open_modules *modules;
};

struct resolution {
	struct report *report;
	struct stack_frames frames;
	struct holder_names holders;
};

struct symbols *symbols_new(const struct symbols_options *options)
{
	struct symbols *symbols = calloc(1, sizeof(*symbols));
	if (!symbols)
		return NULL;
	symbols->show_progress = options->show_progress;
	symbols->has_modules_only = options->has_modules_only;
	symbols->cache = frame_cache_new();
	symbols->notes = module_notes_new();
	symbols->modules = open_modules_new(options->sysroot, options->debug_path, symbols->notes,
					    &symbols->progress);
	if (!symbols->cache || !symbols->notes || !symbols->modules) {
		symbols_free(symbols);
		return NULL;
	}
	return symbols;
}

void symbols_free(struct symbols *symbols)
{
	if (!symbols)
		return;
	open_modules_free(symbols->modules);
	module_notes_free(symbols->notes);
	frame_cache_free(symbols->cache);
	free(symbols);
}

const char *const *symbols_notes(const struct symbols *symbols)
{
	return module_notes_sentences(symbols->notes);
}

/* The stacks that free its blocks. */
static bool resolve_freers(struct resolution *resolution, const struct profile *profile,
			   const struct report_site *site)
{
	const struct freer_list *list = &site->freed_by;
	struct stack_frames *frames = &resolution->frames;
	size_t count = list->count;
	if (!site->judgement.is_flagged && count > FREERS_OF_UNFLAGGED)
		count = FREERS_OF_UNFLAGGED;
	for (size_t i = 0; i < count; i++) {
		struct freer *freer = &list->freers[i];
		if (freer->frames)
			continue;
		if (!stack_frames_collect(frames, profile, freer->stack, 0))
			return false;
		freeing_frames_mark(frames->frames, frames->count);
		freer->frames = stack_frames_copy(frames);
		if (!freer->frames)
			return false;
		freer->frame_count = frames->count;
	}
	return true;
}

/* What is known stays as it is: a report may be resolved again, when other sites have come to the front. */
static bool resolve_site(struct resolution *resolution, struct report_site *site)
{
	if (site->frames)
		return true;
	const struct profile *profile = site->profile ? site->profile : resolution->report->profile;
	struct stack_frames *frames = &resolution->frames;
	if (!profile || !stack_frames_collect(frames, profile, site->stack, site->depth))
		return false;
	stack_frames_keep_innermost_wrappers(frames);

	site->frames = stack_frames_copy(frames);
	if (!site->frames)
		return false;
	site->frame_count = frames->count;
	report_site_identify(site);
	return resolve_freers(resolution, profile, site) &&
	       holder_names_fill_in(&resolution->holders, site);
}

/* Sites with the same functions get ids of their own. */
static bool tell_twins_apart(struct resolution *resolution)
{
	struct site_twins *twins = site_twins_new();
	bool is_fine = twins && near_stacks_note(&resolution->frames, resolution->report, twins);

	if (is_fine)
		site_twins_tell_apart(twins, resolution->report);
	site_twins_free(twins);
	return is_fine;
}

/* A finding of few sites is shown with what they have in common. */
static bool resolve_finding(struct resolution *resolution, struct report_finding *finding)
{
	if (finding->sum.frames)
		return true;
	if (!resolve_site(resolution, &finding->sum))
		return false;
	for (size_t i = 0; i < finding->part_count; i++)
		if (finding->parts[i].finding &&
		    !resolve_finding(resolution, finding->parts[i].finding))
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
	size_t count = site_limit < report->site_count ? site_limit : report->site_count;
	struct resolution resolution = {
		.report = report,
		.frames = {.modules = symbols->modules,
			   .cache = symbols->cache,
			   .notes = symbols->notes,
			   .report = report,
			   .has_modules_only = symbols->has_modules_only},
	};
	resolution.holders.frames = &resolution.frames;
	frame_cache_serve(symbols->cache, report);
	progress_line_begin(&symbols->progress, symbols->show_progress);

	size_t done = 0;
	for (; done < count; done++) {
		symbols->progress.percent = (unsigned)(done * 100 / count);
		if (!resolve_site(&resolution, &report->sites[done]))
			break;
	}

	/* What stands first in a report for people are not the same sites. */
	size_t entries = 0;
	size_t entry_count = site_limit < report->entry_count ? site_limit : report->entry_count;
	for (; done == count && entries < entry_count; entries++) {
		const struct report_entry *entry = &report->entries[entries];
		if (entry->finding
			    ? !resolve_finding(&resolution, entry->finding)
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

	bool are_apart = done == count && tell_twins_apart(&resolution);

	progress_line_end(&symbols->progress);
	open_modules_forget_profiles(symbols->modules);
	holder_names_free(&resolution.holders);
	stack_frames_free(&resolution.frames);
	if (!are_apart || done < count || entries < entry_count || differences < report->difference_count ||
	    pins < report->pin_count)
		return error_set(error, ENOMEM,
				 "Not enough memory to resolve the symbols of %zu stacks", count);
	return 0;
}

int symbols_find_wrong_frees(struct symbols *symbols, struct report *report, struct error *error)
{
	struct stack_frames frames = {.modules = symbols->modules,
				      .cache = symbols->cache,
				      .notes = symbols->notes,
				      .report = report,
				      .has_modules_only = symbols->has_modules_only};
	if (report->wrong_free_count)
		return 0;
	frame_cache_serve(symbols->cache, report);
	progress_line_begin(&symbols->progress, symbols->show_progress);
	bool is_fine = wrong_free_search(&frames, report);
	progress_line_end(&symbols->progress);
	open_modules_forget_profiles(symbols->modules);
	stack_frames_free(&frames);
	return is_fine ? 0
		       : error_set(error, ENOMEM, "Not enough memory to look for wrong frees");
}
