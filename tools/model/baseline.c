/* SPDX-License-Identifier: Apache-2.0 */
/*
 * baseline: strict in reading, for a line that is misread makes a gate pass; and in order of rule and id
 * in writing, so that two versions of the file differ only where what was found does.
 */
#include "tools/model/baseline.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "tools/model/arena.h"
#include "tools/model/error.h"
#include "tools/model/named_file.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/source_place.h"
#include "tools/model/suppression.h"
#include "tools/model/whole_file.h"
#include "tools/model/wrong_free.h"

#define FILE_MAX_BYTES (16u << 20)
#define FIRST_WORD "seep-baseline"
#define ID_DIGITS 16u
/* More than a tenth is worse; of few blocks one is more than that. */
#define TOLERANCE 10u
#define PLACE_BYTES (256 + SOURCE_PLACE_BYTES)
#define ID_BYTES (5 + ID_DIGITS) /* "lost fc828cfd522c1b5c" */
#define KEY_BYTES (ID_BYTES + 1 + SOURCE_PLACE_BYTES)
/* Of which only the base names of sources are known. */
#define OLD_VERSION 1

/* ---- reading ---- */

struct reader {
	struct suppressions *all;
	const char *path, *folder;
	unsigned line;
	bool is_old;
	char *text; /* a copy of the line */
	struct error *error;
};

static int fail(const struct reader *reader, const char *what)
{
	return error_set(reader->error, EINVAL, "%s:%u: %s", reader->path, reader->line, what);
}

static uint64_t with_tolerance(uint64_t number, uint64_t least)
{
	uint64_t more = number / TOLERANCE > least ? number / TOLERANCE : least;
	return number > UINT64_MAX - more ? UINT64_MAX : number + more;
}

static bool take_number(char **words, uint64_t *number)
{
	char *word = strsep(words, " ");
	char *end;

	if (!word || !isdigit((unsigned char)*word))
		return false;
	errno = 0;
	*number = strtoull(word, &end, 10);
	return !errno && !*end;
}

static bool take_word(char **words, const char *expected)
{
	const char *word = strsep(words, " ");
	return word && strcmp(word, expected) == 0;
}

/* "server: session_open (server.c)" begins with it; null where it does not, or without memory. */
static const char *program_of(struct arena *arena, const char *place)
{
	const char *end = strstr(place, ": ");

	return end ? arena_text(arena, place, (size_t)(end - place)) : NULL;
}

/* What stands in the last parentheses. */
static const char *source_of(struct arena *arena, const char *place)
{
	const char *begin = strrchr(place, '('), *end = begin ? strrchr(begin, ')') : NULL;

	return end ? arena_text(arena, begin + 1, (size_t)(end - begin - 1)) : NULL;
}

/* An older line as it is written today. */
static char *modernize(const char *text)
{
	const char *begin = strrchr(text, '(');
	char *line;

	if (!begin)
		return strdup(text);
	return asprintf(&line, "%.*s" SOURCE_PLACE_ANYWHERE "%s", (int)(begin + 1 - text), text,
			begin + 1) < 0
		       ? NULL
		       : line;
}

static int add_entry(struct reader *reader, struct suppression entry, const char *id,
		     const char *name)
{
	struct suppressions *all = reader->all;

	entry.program = program_of(all->arena, name);
	entry.source = source_of(all->arena, reader->text);
	entry.folder = reader->folder;
	entry.entry = arena_text(all->arena, reader->text, strlen(reader->text));
	entry.site_id = arena_text(all->arena, id, strlen(id));
	entry.name = arena_text(all->arena, name, strlen(name));
	entry.reason = "in the baseline";
	entry.path = reader->path;
	entry.line = reader->line;
	if (!entry.site_id || !entry.name || !entry.entry ||
	    !array_reserve((void **)&all->list, &all->room, all->count + 1, sizeof(*all->list)))
		return error_set(reader->error, ENOMEM, "not enough memory for %s", reader->path);
	all->list[all->count++] = entry;
	return 0;
}

static int read_entry(struct reader *reader, char *words)
{
	struct suppression entry = {
		.max_bytes = UINT64_MAX, .max_blocks = UINT64_MAX, .max_bytes_per_hour = INFINITY};
	const char *rule = strsep(&words, " "), *id = strsep(&words, " ");
	uint64_t number = 0, bytes = 0;
	bool is_lost = strcmp(rule, "lost") == 0, is_free = strcmp(rule, "free") == 0;

	if (!is_lost && !is_free && strcmp(rule, "leak") != 0)
		return fail(reader, "lines of a baseline begin with lost, leak or free");
	if (!id || strlen(id) != ID_DIGITS || strspn(id, "0123456789abcdef") != ID_DIGITS)
		return fail(reader, "the id of a site has 16 hexadecimal digits");
	if (is_free) {
		entry.kinds = WRONG_FREE;
	} else if (is_lost) {
		if (!take_number(&words, &number) || !take_word(&words, "blocks") ||
		    !take_number(&words, &bytes) || !take_word(&words, "bytes"))
			return fail(reader, "'N blocks N bytes' is missing");
		entry.kinds = LEAK_DEFINITE | LEAK_INDIRECT;
		entry.max_blocks = with_tolerance(number, 1);
		/* One more block may be as large as all of them. */
		entry.max_bytes = with_tolerance(bytes, number ? bytes / number : 0);
	} else {
		if (!take_number(&words, &number) || !take_word(&words, "bytes/h"))
			return fail(reader, "'N bytes/h' is missing");
		entry.kinds = LEAK_REACHABLE;
		entry.max_bytes_per_hour = (double)number * (1 + 1.0 / TOLERANCE);
	}
	return add_entry(reader, entry, id, words && *words ? words : id);
}

/* Its words are taken apart where they stand. */
static int read_copied(struct reader *reader, char *line)
{
	reader->text = reader->is_old ? modernize(line) : strdup(line);
	if (!reader->text)
		return error_set(reader->error, ENOMEM, "not enough memory for %s", reader->path);
	int result = read_entry(reader, line);
	free(reader->text);
	return result;
}

static int read_first(struct reader *reader, char *line)
{
	char *words = line;
	uint64_t version = 0;

	if (!take_word(&words, FIRST_WORD) || !take_number(&words, &version))
		return fail(reader, "this is no baseline: that begins with \"" FIRST_WORD " 2\"; "
				    "name another file, and --update-baseline writes one");
	reader->is_old = version == OLD_VERSION;
	if (version != BASELINE_VERSION && !reader->is_old)
		return error_set(
			reader->error, EINVAL,
			"%s:%u: a baseline of version %" PRIu64
			", but this seep reads version %d; remove it and write it anew with "
			"--update-baseline",
			reader->path, reader->line, version, BASELINE_VERSION);
	return 0;
}

static int read_lines(struct reader *reader, char *text)
{
	char *line;
	int result = 0;

	while (result == 0 && (line = strsep(&text, "\n"))) {
		reader->line++;
		line[strcspn(line, "\r")] = '\0';
		if (reader->line == 1)
			result = read_first(reader, line);
		else if (*line && *line != '#')
			result = read_copied(reader, line);
	}
	return result;
}

int baseline_read(struct suppressions *suppressions, const char *path, bool may_be_absent,
		  struct error *error)
{
	struct reader reader = {.all = suppressions, .error = error};
	char folder[PATH_MAX], *text = NULL;
	size_t bytes;

	if (may_be_absent && access(path, F_OK) != 0 && errno == ENOENT)
		return 0;
	if (!suppressions->arena)
		suppressions->arena = arena_new();
	source_place_folder(path, folder);
	if (!suppressions->arena ||
	    !(reader.path = arena_text(suppressions->arena, path, strlen(path))) ||
	    !(reader.folder = arena_text(suppressions->arena, folder, strlen(folder))))
		return error_set(error, ENOMEM, "not enough memory for %s", path);
	int result = named_file_read(path, FILE_MAX_BYTES, &text, &bytes);
	if (result == -EFBIG)
		return error_set(error, EFBIG, "%s has more than 16 MiB; is it a baseline?", path);
	if (result < 0)
		return error_set(error, -result, "cannot read the baseline %s: %s%s", path,
				 named_file_why(-result),
				 result == -ENOENT ? "; --update-baseline writes one" : "");
	result = read_lines(&reader, text);
	free(text);
	return result;
}

/* ---- writing ---- */

struct entry {
	UT_hash_handle hh;
	char key[KEY_BYTES]; /* "lost fc828cfd522c1b5c src/loses.c" */
	/* The most that a process had, and what the present one has. */
	uint64_t blocks, bytes, blocks_here, bytes_here;
	double rate, rate_here;
	const char *kept;	   /* the line of the older baseline; null */
	const struct report *last; /* that it has been found in; for comparison only */
	char place[PLACE_BYTES];
};

struct baseline {
	struct entry *entries;
	char folder[PATH_MAX];
};

struct baseline *baseline_new(const char *path)
{
	struct baseline *baseline = calloc(1, sizeof(*baseline));

	if (baseline)
		source_place_folder(path, baseline->folder);
	return baseline;
}

void baseline_free(struct baseline *baseline)
{
	struct entry *entry, *next;

	if (!baseline)
		return;
	HASH_ITER(hh, baseline->entries, entry, next)
	{
		HASH_DEL(baseline->entries, entry);
		free(entry);
	}
	free(baseline);
}

size_t baseline_count(const struct baseline *baseline)
{
	return HASH_COUNT(baseline->entries);
}

/* A line ends where a name does. */
static void make_one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ')
			*text = '?';
}

static struct entry *entry_for(struct baseline *baseline, const char *key)
{
	struct entry *entry = NULL;

	HASH_FIND_STR(baseline->entries, key, entry);
	if (entry)
		return entry;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	snprintf(entry->key, sizeof(entry->key), "%s", key);
	HASH_ADD_STR(baseline->entries, key, entry);
	if (entry->hh.tbl)
		return entry;
	free(entry);
	return NULL;
}

static void make_key(char key[KEY_BYTES], const char *entry, const char *source)
{
	snprintf(key, KEY_BYTES, "%.*s %s", (int)ID_BYTES, entry, source);
}

/* To no less than the older line, which has been read before. */
static void raise_to(struct entry *entry, const char *line)
{
	uint64_t blocks = 0, bytes = 0;
	double rate = 0;

	if (sscanf(line, "lost %*s %" SCNu64 " blocks %" SCNu64, &blocks, &bytes) != 2)
		sscanf(line, "leak %*s %lf", &rate);
	entry->blocks = blocks > entry->blocks ? blocks : entry->blocks;
	entry->bytes = bytes > entry->bytes ? bytes : entry->bytes;
	entry->rate = fmax(rate, entry->rate);
}

bool baseline_keep(struct baseline *baseline, const struct suppressions *suppressions,
		   size_t *unreached)
{
	*unreached = 0;
	for (size_t i = 0; i < suppressions->count; i++) {
		const struct suppression *suppression = &suppressions->list[i];
		char key[KEY_BYTES];
		if (!suppression->entry || (suppression->has_run && !suppression->has_failed))
			continue;
		make_key(key, suppression->entry, suppression->source ? suppression->source : "");
		struct entry *entry = NULL;
		HASH_FIND_STR(baseline->entries, key, entry);
		if (entry && *entry->place) {
			/* Another program may have it now. */
			if (suppression->has_failed)
				raise_to(entry, suppression->entry);
			continue;
		}
		/* What has matched is written under another name. */
		if (suppression->site_count)
			continue;
		entry = entry_for(baseline, key);
		if (!entry)
			return false;
		entry->kept = suppression->entry;
		*unreached += suppression->has_failed;
	}
	return true;
}

/* "server: session_open (src/server.c)" */
static void describe(struct entry *entry, const struct report_site *site, const char *source)
{
	const struct frame *own = site->frames;
	const char *name = site->profile->name;
	size_t left = site->frame_count;

	while (left > 1 && (own->is_wrapper || own->is_pseudo)) {
		own++;
		left--;
	}
	snprintf(entry->place, sizeof(entry->place), "%.64s: %.160s (%s)", name ? name : "?",
		 left && own->function ? own->function : "?", source);
	make_one_line(entry->place);
}

static struct entry *entry_of(struct baseline *baseline, const struct report_site *site)
{
	const struct source_place place = source_place_of(site, baseline->folder);
	char key[KEY_BYTES], begin[ID_BYTES + 1];

	snprintf(begin, sizeof(begin), "%s %s",
		 site->freed_with			    ? "free"
		 : site->judgement.verdict == VERDICT_LOST ? "lost"
							   : "leak",
		 site->id);
	make_key(key, begin, place.path);
	struct entry *entry = entry_for(baseline, key);
	if (entry && !*entry->place)
		describe(entry, site, place.path);
	return entry;
}

/* Also what only lost blocks hold: which of them hold the others is not the same in each run, for memory
 * that was freed is used again, with the pointers in it. */
static bool is_found(const struct report_site *site)
{
	const struct report_finding *finding = site->finding;

	if (site->suppression)
		return site->suppression->site_id != NULL;
	return site->judgement.is_flagged || (finding && finding->sum.judgement.is_flagged);
}

bool baseline_add(struct baseline *baseline, const struct report *report)
{
	for (size_t i = 0; i < report->site_count; i++) {
		const struct report_site *site = &report->sites[i];
		if (!is_found(site) || !*site->id)
			continue;
		struct entry *entry = entry_of(baseline, site);
		const struct suppressed_amount amount = suppressed_amount(site);
		if (!entry)
			return false;
		if (entry->last != report)
			entry->blocks_here = entry->bytes_here = 0, entry->rate_here = 0;
		entry->last = report;
		entry->blocks_here += amount.blocks;
		entry->bytes_here += amount.bytes;
		/* The upper end of what it may be: the next run may show that. */
		entry->rate_here += fmax(0, site->judgement.growth.bytes_per_hour_ci95[1]);
		if (entry->blocks_here > entry->blocks)
			entry->blocks = entry->blocks_here;
		if (entry->bytes_here > entry->bytes)
			entry->bytes = entry->bytes_here;
		entry->rate = fmax(entry->rate, entry->rate_here);
	}
	for (size_t i = 0; i < report->wrong_free_count; i++) {
		const struct report_site *site = &report->wrong_frees[i].freed;
		bool is_in_older = site->suppression && site->suppression->site_id;
		if ((is_in_older || !site->suppression) && !entry_of(baseline, site))
			return false;
	}
	/* The next report may lie at the same address. */
	for (struct entry *entry = baseline->entries; entry; entry = entry->hh.next)
		entry->last = NULL;
	return true;
}

static int compare_keys(const struct entry *one, const struct entry *other)
{
	return strcmp(one->key, other->key);
}

static void write_entries(FILE *stream, const void *context)
{
	const struct baseline *baseline = context;

	fprintf(stream, FIRST_WORD " %d\n", BASELINE_VERSION);
	for (const struct entry *entry = baseline->entries; entry; entry = entry->hh.next)
		if (entry->kept)
			fprintf(stream, "%s\n", entry->kept);
		else if (strncmp(entry->key, "lost", 4) == 0)
			fprintf(stream, "%.*s %" PRIu64 " blocks %" PRIu64 " bytes %s\n",
				(int)ID_BYTES, entry->key, entry->blocks, entry->bytes,
				entry->place);
		else if (strncmp(entry->key, "free", 4) == 0)
			fprintf(stream, "%.*s %s\n", (int)ID_BYTES, entry->key, entry->place);
		else
			fprintf(stream, "%.*s %.0f bytes/h %s\n", (int)ID_BYTES, entry->key,
				fmin(ceil(entry->rate), 1e18), entry->place);
}

int baseline_write(struct baseline *baseline, const char *path, struct error *error)
{
	HASH_SORT(baseline->entries, compare_keys);
	return whole_file_write(path, "baseline", write_entries, baseline, error);
}
