/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suppression_draft: a stack as the frames that a block asks for, and what was found with each.
 */
#include "tools/model/suppression_draft.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "tools/model/arena.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/suppression.h"
#include "tools/model/whole_file.h"
#include "tools/model/wrong_free.h"

/* Valgrind takes no more (VG_N_SUPP_CALLERS), and with the allocator's this is one of them. */
#define FRAMES_MAX 23

struct program {
	const char *name;
	struct program *next;
};

struct entry {
	UT_hash_handle hh;
	char *frames; /* the lines of the block from its kind on */
	char *name;
	struct program *programs; /* in which it was found */
	uint64_t bytes, blocks;
	bool is_wrong_free; /* no blocks */
};

struct suppression_draft {
	struct arena *arena;
	struct entry *entries; /* by frames, in the order in which they were found */
};

struct suppression_draft *suppression_draft_new(void)
{
	struct suppression_draft *draft = calloc(1, sizeof(*draft));

	if (draft && !(draft->arena = arena_new())) {
		free(draft);
		return NULL;
	}
	return draft;
}

void suppression_draft_free(struct suppression_draft *draft)
{
	if (!draft)
		return;
	HASH_CLEAR(hh, draft->entries);
	arena_free(draft->arena);
	free(draft);
}

/* A name may be hostile, and one character of a pattern stands for any. */
static void put_name(FILE *stream, const char *name)
{
	for (; *name; name++)
		fputc((unsigned char)*name < ' ' ? '?' : *name, stream);
	fputc('\n', stream);
}

static void put_frame(FILE *stream, const struct frame *frame)
{
	const char *name = frame->linkage_name ? frame->linkage_name : frame->function;

	bool is_function = (name && *name) || !frame->module;

	/* Another checkout has it elsewhere. */
	const char *slash = is_function ? NULL : strrchr(frame->module, '/');

	fputs(is_function ? "   fun:" : slash ? "   obj:*" : "   obj:", stream);
	put_name(stream, slash ? slash : !is_function ? frame->module : name && *name ? name : "*");
}

/* Without what starts the program or a thread, which each C library does in its way. */
static char *frames_of(const struct report_site *site, const char *first, bool is_lost)
{
	char *text = NULL;
	size_t bytes, count = report_site_length(site);
	FILE *stream = open_memstream(&text, &bytes);

	if (!stream)
		return NULL;
	if (site->freed_with)
		fputs("   Memcheck:Free\n", stream);
	else
		fprintf(stream, "   Memcheck:Leak\n   match-leak-kinds: %s\n",
			is_lost ? "definite,indirect" : "reachable");
	/* Valgrind's stacks begin with the allocator, or with what frees. */
	if (site->frame_count && (site->freed_with || !site->frames[0].is_wrapper))
		fprintf(stream, "   fun:%s\n", first);
	for (size_t i = 0; i < count && i < FRAMES_MAX; i++) {
		const struct frame *frame = &site->frames[i];
		if (frame->is_pseudo)
			fputs("   ...\n", stream);
		else
			put_frame(stream, frame);
		if (frame->function && strcmp(frame->function, "main") == 0)
			break;
	}
	if (fclose(stream) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static bool describe(struct suppression_draft *draft, struct entry *entry,
		     const struct report_site *site)
{
	const char *name = site->profile->name;
	const struct frame *own = site->frames;
	char text[256];

	while (own + 1 < site->frames + site->frame_count && (own->is_wrapper || own->is_pseudo))
		own++;
	snprintf(text, sizeof(text), "%s at %.160s in %.64s",
		 site->freed_with			   ? "misuse"
		 : site->judgement.verdict == VERDICT_LOST ? "lost"
							   : "leak",
		 own->function ? own->function : "an unknown place", name ? name : "?");
	for (char *next = text; *next; next++)
		if ((unsigned char)*next < ' ')
			*next = '?';
	entry->name = arena_text(draft->arena, text, strlen(text));
	return entry->name;
}

/* A name as a pattern that matches it, and ends neither the word nor the list. */
static char *pattern_of(struct arena *arena, const char *name)
{
	char *pattern = arena_text(arena, name, strlen(name));

	for (char *next = pattern; next && *next; next++)
		if ((unsigned char)*next <= ' ' || *next == ',')
			*next = '?';
	return pattern;
}

/* main of one program is not main of the next. */
static bool add_program(struct suppression_draft *draft, struct entry *entry, const char *name)
{
	struct program **end = &entry->programs;
	const char *pattern = pattern_of(draft->arena, name && *name ? name : "?");

	if (!pattern)
		return false;
	for (; *end; end = &(*end)->next)
		if (strcmp((*end)->name, pattern) == 0)
			return true;
	*end = arena_take(draft->arena, 1, sizeof(**end));
	if (*end)
		(*end)->name = pattern;
	return *end;
}

/* What hangs under a lost block needs none of its own, but counts where its frames are the same. */
static bool add_site(struct suppression_draft *draft, const struct report_site *site,
		     const char *first, bool is_hanging)
{
	bool is_lost = site->judgement.verdict == VERDICT_LOST;
	const struct suppressed_amount amount = suppressed_amount(site);
	char *frames = frames_of(site, first, is_lost);
	struct entry *entry = NULL;

	if (!frames)
		return false;
	HASH_FIND_STR(draft->entries, frames, entry);
	if (!entry && is_hanging) {
		free(frames);
		return true;
	}
	if (!entry) {
		entry = arena_take(draft->arena, 1, sizeof(*entry));
		if (entry)
			entry->is_wrong_free = site->freed_with != NULL;
		if (entry)
			entry->frames = arena_text(draft->arena, frames, strlen(frames));
		if (entry && entry->frames && describe(draft, entry, site))
			HASH_ADD_KEYPTR(hh, draft->entries, entry->frames, strlen(entry->frames),
					entry);
		else
			entry = NULL;
	}
	free(frames);
	if (!entry || !entry->hh.tbl || !add_program(draft, entry, site->profile->name))
		return false;
	entry->bytes += is_lost ? amount.bytes : 2 * amount.bytes;
	entry->blocks += is_lost ? amount.blocks : 2 * amount.blocks;
	return true;
}

static bool add_sites(struct suppression_draft *draft, const struct report *report, bool that_hang)
{
	for (size_t i = 0; i < report->site_count; i++) {
		const struct report_site *site = &report->sites[i];
		const struct report_finding *finding = site->finding;
		bool is_flagged = site->judgement.is_flagged ||
				  (finding && finding->sum.judgement.is_flagged);
		if (is_flagged && site->frame_count && !site->suppression &&
		    report_site_hangs(site) == that_hang &&
		    !add_site(draft, site, "*alloc", that_hang))
			return false;
	}
	return true;
}

bool suppression_draft_add(struct suppression_draft *draft, const struct report *report)
{
	if (!add_sites(draft, report, false) || !add_sites(draft, report, true))
		return false;
	for (size_t i = 0; i < report->wrong_free_count; i++) {
		const struct wrong_free *wrong = &report->wrong_frees[i];
		if (!wrong->freed.suppression &&
		    !add_site(draft, &wrong->freed, wrong->freed.freed_with, false))
			return false;
	}
	return true;
}

size_t suppression_draft_count(const struct suppression_draft *draft)
{
	return HASH_COUNT(draft->entries);
}

static void write_entries(FILE *stream, const void *context)
{
	const struct suppression_draft *draft = context;

	fputs("# What seep check has found, for --suppressions. Say behind reason= why it may "
	      "stay, and\n"
	      "# behind expires=YYYY-MM-DD how long.\n",
	      stream);
	for (const struct entry *entry = draft->entries; entry; entry = entry->hh.next) {
		fputs("\n# seep: program=", stream);
		for (const struct program *next = entry->programs; next; next = next->next)
			fprintf(stream, "%s%s", next->name, next->next ? "," : "");
		if (!entry->is_wrong_free)
			fprintf(stream, " max-bytes=%" PRIu64 " max-blocks=%" PRIu64, entry->bytes,
				entry->blocks);
		fprintf(stream, "\n{\n   %s\n%s}\n", entry->name, entry->frames);
	}
}

int suppression_draft_write(const struct suppression_draft *draft, const char *path,
			    struct error *error)
{
	return whole_file_write(path, "suppressions", write_entries, draft, error);
}
