/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suppression_file: files of suppressions, in LeakSanitizer's and in Valgrind's syntax.
 *
 * Strict where a mistake would make a suppression mean something else: a gate that passes because of
 * a misspelt line is worse than one that stops.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/model/arena.h"
#include "tools/model/error.h"
#include "tools/model/frame_pattern.h"
#include "tools/model/named_file.h"
#include "tools/model/path_base.h"
#include "tools/model/suppression.h"
#include "tools/model/suppression_index.h"

#define FILE_MAX_BYTES (16u << 20)
/* Valgrind allows 24 (VG_N_SUPP_CALLERS); more than a stack has frames match nothing. */
#define PATTERNS_MAX 512u
#define DAY_S 86400
#define LIMIT_KEY "seep:"

struct reader {
	struct suppressions *all;
	const char *path; /* in the arena */
	const char *next, *end;
	unsigned line;
	struct suppression limits; /* of the comment before; only what a comment can say */
	unsigned limits_line;	   /* where that stood; 0: there is none */
	struct error *error;
};

static int fail(const struct reader *reader, unsigned line, const char *what)
{
	return error_set(reader->error, EINVAL, "%s:%u: %s", reader->path, line, what);
}

static int fail_with(const struct reader *reader, const char *what, const char *text,
		     const char *advice)
{
	return error_set(reader->error, EINVAL, "%s:%u: %s '%.80s'; %s", reader->path, reader->line,
			 what, text, advice);
}

static int no_memory(const struct reader *reader)
{
	return error_set(reader->error, ENOMEM, "not enough memory for %s", reader->path);
}

/* The next line without the blanks around it, in the arena; null at the end, or without memory. */
static char *next_line(struct reader *reader, int *result)
{
	const char *start = reader->next, *stop;

	if (start == reader->end)
		return NULL;
	stop = memchr(start, '\n', (size_t)(reader->end - start));
	reader->next = stop ? stop + 1 : reader->end;
	if (!stop)
		stop = reader->end;
	reader->line++;
	while (start < stop && isspace((unsigned char)*start))
		start++;
	while (stop > start && isspace((unsigned char)stop[-1]))
		stop--;
	if (memchr(start, '\0', (size_t)(stop - start))) {
		*result = fail(reader, reader->line, "this is no text: it has a zero byte");
		return NULL;
	}
	char *line = arena_text(reader->all->arena, start, (size_t)(stop - start));
	if (!line)
		*result = no_memory(reader);
	return line;
}

/* ---- "# seep: …" ---------------------------------------------------------------------------- */

static void forget_limits(struct reader *reader)
{
	reader->limits_line = 0;
	reader->limits = (struct suppression){
		.max_bytes = UINT64_MAX, .max_blocks = UINT64_MAX, .max_bytes_per_hour = INFINITY};
}

static bool read_number(const char *text, bool is_size, uint64_t *number)
{
	static const char letters[] = "kmgt";
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno)
		return false;
	const char *letter = *end ? strchr(letters, tolower((unsigned char)*end)) : NULL;
	if (is_size && letter) {
		unsigned shift = 10 * (unsigned)(letter - letters + 1);
		if (value > UINT64_MAX >> shift)
			return false;
		value <<= shift;
		end++;
		if (end[0] == 'i' && end[1] == 'B')
			end += 2;
		else if (end[0] == 'B')
			end++;
	}
	*number = value;
	return *end == '\0';
}

static bool read_day(const char *text, int64_t *end_unix_s)
{
	struct tm day = {0};
	char *end = strptime(text, "%Y-%m-%d", &day);
	int written = day.tm_mday;

	if (!end || *end)
		return false;
	int64_t start = timegm(&day);
	/* strptime lets 31 February pass, and timegm makes it March. */
	if (day.tm_mday != written)
		return false;
	*end_unix_s = start + DAY_S;
	return true;
}

static int take_limit(struct reader *reader, char *word)
{
	static const char advice[] =
		"program=NAME, max-bytes=SIZE, max-blocks=N, expires=YYYY-MM-DD and reason=TEXT "
		"are known";
	struct suppression *limits = &reader->limits;
	char *value = strchr(word, '=');

	if (!value)
		return fail_with(reader, "there is no", word, advice);
	*value++ = '\0';
	if (strcmp(word, "max-bytes") == 0) {
		if (!read_number(value, true, &limits->max_bytes))
			return fail_with(reader, "no size:", value, "write 4096, 64K or 2M");
	} else if (strcmp(word, "max-blocks") == 0) {
		if (!read_number(value, false, &limits->max_blocks))
			return fail_with(reader, "no number:", value, "write how many");
	} else if (strcmp(word, "program") == 0) {
		if (!*value)
			return fail_with(reader, "no program:", value, "write its name");
		limits->programs = value;
	} else if (strcmp(word, "expires") == 0) {
		if (!read_day(value, &limits->expires_unix_s))
			return fail_with(reader, "no day:", value, "write it as 2027-06-30");
		limits->expires = value;
	} else {
		return fail_with(reader, "there is no", word, advice);
	}
	return 0;
}

/* Zero for a comment of another kind, too. */
static int read_comment(struct reader *reader, char *line)
{
	static const char key[] = LIMIT_KEY, reason[] = "reason=";
	char *text = line + 1, *save = NULL;
	int result = 0;

	text += strspn(text, " \t");
	if (strncmp(text, key, sizeof(key) - 1) != 0)
		return 0;
	text += sizeof(key) - 1;
	if (reader->limits_line)
		return fail(reader, reader->limits_line, "no suppression follows this comment");
	reader->limits_line = reader->line;
	char *why = strstr(text, reason);
	if (why && (why == text || isspace((unsigned char)why[-1]))) {
		reader->limits.reason = why + sizeof(reason) - 1;
		*why = '\0';
	}
	for (char *word = strtok_r(text, " \t", &save); word && result == 0;
	     word = strtok_r(NULL, " \t", &save))
		result = take_limit(reader, word);
	return result;
}

/* ---- suppressions --------------------------------------------------------------------------- */

static int add(struct reader *reader, const char *name, const struct frame_pattern *patterns,
	       size_t pattern_count, unsigned kinds, unsigned line)
{
	struct suppressions *all = reader->all;
	struct frame_pattern *kept =
		arena_take(all->arena, pattern_count, sizeof(struct frame_pattern));

	if (!kept ||
	    !array_reserve((void **)&all->list, &all->room, all->count + 1, sizeof(*all->list)))
		return no_memory(reader);
	memcpy(kept, patterns, pattern_count * sizeof(*kept));
	struct suppression *suppression = &all->list[all->count++];
	*suppression = reader->limits;
	suppression->name = name;
	suppression->patterns = kept;
	suppression->pattern_count = pattern_count;
	suppression->kinds = kinds;
	suppression->path = reader->path;
	suppression->line = line;
	forget_limits(reader);
	return 0;
}

static int read_kinds(struct reader *reader, char *text, unsigned *kinds)
{
	static const struct {
		const char *name;
		unsigned kind;
	} known[] = {
		{"definite", LEAK_DEFINITE}, {"indirect", LEAK_INDIRECT},
		{"possible", LEAK_POSSIBLE}, {"reachable", LEAK_REACHABLE},
		{"all", LEAK_ANY},	     {"none", 0},
	};
	char *save = NULL;

	*kinds = 0;
	for (char *word = strtok_r(text, ", \t", &save); word;
	     word = strtok_r(NULL, ", \t", &save)) {
		size_t i = 0;
		while (i < sizeof(known) / sizeof(known[0]) && strcmp(word, known[i].name) != 0)
			i++;
		if (i == sizeof(known) / sizeof(known[0]))
			return fail_with(reader, "there is no kind of leak", word,
					 "choose of definite, indirect, possible, reachable, all");
		*kinds |= known[i].kind;
	}
	return 0;
}

static bool read_frame(const char *line, struct frame_pattern *pattern)
{
	static const struct {
		const char *key;
		enum frame_pattern_kind kind;
	} known[] = {
		{"fun:", PATTERN_FUNCTION}, {"obj:", PATTERN_MODULE}, {"src:", PATTERN_SOURCE}};

	if (strcmp(line, "...") == 0) {
		*pattern = (struct frame_pattern){.kind = PATTERN_GAP};
		return true;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strncmp(line, known[i].key, 4) != 0 || !line[4])
			continue;
		*pattern = (struct frame_pattern){.kind = known[i].kind, .text = line + 4};
		return true;
	}
	return false;
}

/* "Memcheck:Leak" and the like, or several tools before the colon. Others' kinds are none of ours. */
static bool is_of_kind(const char *line, const char *kind)
{
	const char *colon = strchr(line, ':');

	if (!colon || strcmp(colon, kind) != 0)
		return false;
	for (const char *tool = line; tool < colon; tool += strcspn(tool, ",:") + 1)
		if (strncmp(tool, "Memcheck", 8) == 0 && (tool[8] == ',' || tool[8] == ':'))
			return true;
	return false;
}

/* It belongs before the block: in it, it would limit nothing, or what comes behind. */
static bool is_limit(const char *comment)
{
	comment += 1 + strspn(comment + 1, " \t");
	return strncmp(comment, LIMIT_KEY, strlen(LIMIT_KEY)) == 0;
}

/* The next line of a block that is neither empty nor a comment; null where there is none. */
static char *next_of_block(struct reader *reader, unsigned begun, int *result)
{
	char *line;

	while ((line = next_line(reader, result))) {
		if (*line && *line != '#')
			return line;
		if (*line == '#' && is_limit(line)) {
			*result = fail(reader, reader->line,
				       "a \"# " LIMIT_KEY "\" comment stands before the block");
			return NULL;
		}
	}
	if (*result == 0)
		*result = fail(reader, begun, "this block has no closing brace");
	return NULL;
}

static int read_block(struct reader *reader)
{
	static const char kinds_key[] = "match-leak-kinds:";
	struct frame_pattern patterns[PATTERNS_MAX];
	size_t count = 0;
	unsigned begun = reader->line, kinds = LEAK_ANY;
	int result = 0;
	char *name = next_of_block(reader, begun, &result), *line;

	if (!name)
		return result;
	if (strcmp(name, "}") == 0)
		return fail(reader, begun, "this block is empty");
	if (!(line = next_of_block(reader, begun, &result)))
		return result;
	if (!strchr(line, ':'))
		return fail_with(reader, "no kind of error:", line, "write Memcheck:Leak");
	bool is_of_frees = is_of_kind(line, ":Free");
	if (is_of_frees)
		kinds = WRONG_FREE;
	if (!is_of_frees && !is_of_kind(line, ":Leak")) {
		do
			line = next_of_block(reader, begun, &result);
		while (line && strcmp(line, "}") != 0);
		forget_limits(reader);
		return result;
	}
	while ((line = next_of_block(reader, begun, &result)) && strcmp(line, "}") != 0) {
		if (strncmp(line, kinds_key, sizeof(kinds_key) - 1) == 0 && count == 0 &&
		    !is_of_frees) {
			result = read_kinds(reader, line + sizeof(kinds_key) - 1, &kinds);
			if (result < 0)
				return result;
			continue;
		}
		if (count == PATTERNS_MAX)
			return fail(reader, reader->line, "too many frames");
		if (!read_frame(line, &patterns[count]))
			return fail_with(reader, "no frame:", line,
					 "write fun:NAME, obj:PATH, src:FILE:LINE or ...");
		count++;
	}
	if (!line)
		return result;
	if (!count)
		return fail(reader, begun, "this block has no frame");
	return add(reader, name, patterns, count, kinds, begun);
}

static int read_line(struct reader *reader, char *line)
{
	static const char key[] = "leak:";
	struct frame_pattern pattern = {.kind = PATTERN_ANYTHING};

	if (!*line)
		return 0;
	if (*line == '#')
		return read_comment(reader, line);
	if (strcmp(line, "{") == 0)
		return read_block(reader);
	if (strncmp(line, key, sizeof(key) - 1) != 0)
		return fail_with(reader, "no suppression:", line,
				 "write leak:FUNCTION, or a block as Valgrind does");
	pattern.text = line + sizeof(key) - 1;
	if (!pattern.text[strspn(pattern.text, "*^$")])
		return fail(reader, reader->line, "this would suppress everything");
	return add(reader, pattern.text, &pattern, 1, LEAK_ANY, reader->line);
}

int suppressions_parse(struct suppressions *suppressions, const char *path, const char *text,
		       size_t bytes, struct error *error)
{
	struct reader reader = {.all = suppressions,
				.path = path,
				.next = text,
				.end = text + bytes,
				.error = error};
	int result = 0;
	char *line;

	if (!suppressions->arena && !(suppressions->arena = arena_new()))
		return no_memory(&reader);
	if (!(reader.path = arena_text(suppressions->arena, path, strlen(path)))) {
		reader.path = path;
		return no_memory(&reader);
	}
	forget_limits(&reader);
	while (result == 0 && (line = next_line(&reader, &result)))
		result = read_line(&reader, line);
	if (result == 0 && reader.limits_line)
		return fail(&reader, reader.limits_line, "no suppression follows this comment");
	return result;
}

int suppressions_add_program(struct suppressions *suppressions, const char *exe, const char *text,
			     struct error *error)
{
	size_t first = suppressions->count;
	char name[256];

	for (size_t i = 0; i < suppressions->count; i++)
		if (suppressions->list[i].exe && strcmp(suppressions->list[i].exe, exe) == 0)
			return 0;
	snprintf(name, sizeof(name), "%s's own suppressions", path_base(exe));
	int result = suppressions_parse(suppressions, name, text, strlen(text), error);
	for (size_t i = first; i < suppressions->count && result == 0; i++)
		if (!(suppressions->list[i].exe =
			      arena_text(suppressions->arena, exe, strlen(exe))))
			result = error_set(error, ENOMEM, "not enough memory for %s", name);
	if (result < 0)
		suppressions->count = first;
	return result;
}

int suppressions_read(struct suppressions *suppressions, const char *path, struct error *error)
{
	char *text;
	size_t bytes;
	int result = named_file_read(path, FILE_MAX_BYTES, &text, &bytes);

	if (result == -EISDIR)
		return error_set(error, EISDIR, "%s is a folder, no file of suppressions", path);
	if (result == -EFBIG)
		return error_set(error, EFBIG,
				 "%s has more than 16 MiB; is it a file of suppressions?", path);
	if (result < 0)
		return error_set(error, -result, "cannot open the suppressions %s: %s", path,
				 named_file_why(-result));
	result = suppressions_parse(suppressions, path, text, bytes, error);
	free(text);
	return result;
}

void suppressions_free(struct suppressions *suppressions)
{
	free(suppressions->list);
	suppression_index_free(suppressions->index);
	arena_free(suppressions->arena);
	*suppressions = (struct suppressions){0};
}
