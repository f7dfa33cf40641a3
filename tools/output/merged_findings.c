/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merged_findings: a copy of each finding, because the reports they come from are gone by the time that
 * all have been seen: a build may have thousands.
 */
#include "tools/output/merged_findings.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "tools/model/arena.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/output/number_text.h"
#include "tools/output/shell_word.h"
#include "tools/output/stack_shape.h"

/* Of more processes nobody reads the names. */
#define NAMED_PROCESSES 10
#define PROCESS_TEXT_BYTES 400

struct known_finding {
	UT_hash_handle hh;
	const char *key;
	struct merged_finding finding;
	const struct report *last; /* that had it, while that is added */
};

struct alike {
	UT_hash_handle hh;
	const char *base; /* of their fingerprints */
	struct merged_finding *last;
};

struct known_program {
	UT_hash_handle hh;
	struct checked_program program;
};

struct merged_findings_index {
	struct arena *arena;
	struct known_finding *findings; /* by key */
	struct merged_finding **end;	/* where the next one is hung up */
	struct alike *alike;		/* by what their fingerprints begin with */
	struct known_program *programs; /* by name */
	struct checked_program **end_of_programs;
	/* Of the report that was added last; by address. */
	const struct report_site **repeated;
	size_t repeated_count, repeated_room, news;
};

struct merged_findings *merged_findings_new(void)
{
	struct merged_findings *findings = calloc(1, sizeof(*findings));
	struct merged_findings_index *index = calloc(1, sizeof(*index));

	if (index)
		index->arena = arena_new();
	if (!findings || !index || !index->arena) {
		free(findings);
		free(index);
		return NULL;
	}
	findings->index = index;
	index->end = &findings->first;
	index->end_of_programs = &findings->programs;
	return findings;
}

void merged_findings_free(struct merged_findings *findings)
{
	if (!findings)
		return;
	struct merged_findings_index *index = findings->index;
	for (struct merged_finding *next = findings->first; next; next = next->next)
		free(next->processes);
	HASH_CLEAR(hh, index->findings);
	HASH_CLEAR(hh, index->alike);
	HASH_CLEAR(hh, index->programs);
	arena_free(index->arena);
	free(index->repeated);
	free(index);
	free(findings);
}

/* ---- copies ---- */

static const char *copy(struct arena *arena, const char *text, bool *is_fine)
{
	if (!text)
		return NULL;
	const char *made = arena_text(arena, text, strlen(text));
	*is_fine &= made != NULL;
	return made;
}

static const char *const *copy_command(struct arena *arena, const struct profile *profile,
				       bool *is_fine)
{
	const char **words = arena_take(arena, profile->command_count, sizeof(*words));

	*is_fine &= words != NULL;
	for (size_t i = 0; words && i < profile->command_count; i++)
		words[i] = copy(arena, profile->command[i], is_fine);
	return words;
}

static const struct frame *copy_frames(struct arena *arena, const struct report_site *site,
				       bool *is_fine)
{
	struct frame *frames = arena_take(arena, site->frame_count, sizeof(*frames));

	*is_fine &= frames != NULL;
	for (size_t i = 0; frames && i < site->frame_count; i++) {
		const struct frame *frame = &site->frames[i];
		frames[i].function = copy(arena, frame->function, is_fine);
		frames[i].file = copy(arena, frame->file, is_fine);
		frames[i].module = copy(arena, frame->module, is_fine);
		frames[i].line = frame->line;
		frames[i].offset = frame->offset;
	}
	return frames;
}

static const char *name_of(const struct profile *profile)
{
	return profile->name && *profile->name ? profile->name : "?";
}

static struct found_process *copy_process(struct arena *arena, const struct profile *profile)
{
	struct found_process *process = arena_take(arena, 1, sizeof(*process));
	bool is_fine = process != NULL;

	if (!process)
		return NULL;
	process->pid = profile->pid;
	process->name = copy(arena, name_of(profile), &is_fine);
	process->exe = copy(arena, profile->exe, &is_fine);
	process->command = copy_command(arena, profile, &is_fine);
	process->command_count = profile->command_count;
	return is_fine ? process : NULL;
}

/* ---- one report ---- */

struct addition {
	struct merged_findings *findings;
	const struct report *report;
	struct found_process *process; /* null until something is found */
};

/* Programs of a test suite have functions of the same names, of which main is one, and so sites with the same
 * id. Where the source is another, it is another place. */
static const char *source_of(const struct finding_brief *brief)
{
	const struct report_site *site = brief->site;
	const char *module = site && site->frames ? stack_own_frame(site)->module : NULL;

	return brief->file ? brief->file : module ? module : "";
}

/* What a library loses for all of its callers it loses in all processes that call it: "parse_string
 * json.c:840". */
static bool name_lost_place(const struct finding_brief *brief, char *name, size_t size)
{
	const struct report_site *site = brief->site;
	bool is_place = site && site->is_lost_by_place && site->frames;
	const struct frame *own = is_place ? stack_own_frame(site) : NULL;

	if (!own || !own->function || !(own->file || own->module))
		return false;
	snprintf(name, size, "%s %s:%" PRIu64, own->function, own->file ? own->file : own->module,
		 own->file ? (uint64_t)own->line : own->offset);
	return true;
}

/* Two findings of one process are two, whatever their ids are. */
static void make_key(const struct finding_brief *brief, size_t number, char *key, size_t size)
{
	char place[FINDING_TITLE_BYTES + PATH_MAX];

	if (brief->rule == FINDING_RULE_LOST && name_lost_place(brief, place, sizeof(place))) {
		snprintf(key, size, "lost place %zu %s", number, place);
		return;
	}
	snprintf(key, size, "%d %s %s %zu %s", (int)brief->rule, brief->limit ? brief->limit : "",
		 *brief->id ? brief->id : brief->name, number, source_of(brief));
}

static int write_base(const struct merged_finding *finding,
		      char fingerprint[FINDING_FINGERPRINT_BYTES])
{
	return snprintf(fingerprint, FINDING_FINGERPRINT_BYTES, "seep-%s%s%s-%s",
			finding_rules[finding->rule].name, finding->limit ? "-" : "",
			finding->limit ? finding->limit : "",
			*finding->id && !finding->is_of_place ? finding->id : finding->name);
}

/* Behind those that a fingerprint could not tell from it. */
static bool hang_up_alike(struct merged_findings_index *index, struct merged_finding *finding)
{
	char base[FINDING_FINGERPRINT_BYTES];
	struct alike *alike;
	bool is_fine = true;

	write_base(finding, base);
	HASH_FIND_STR(index->alike, base, alike);
	if (alike) {
		finding->first_alike = alike->last->first_alike;
		alike->last->next_alike = finding;
		alike->last = finding;
		return true;
	}
	alike = arena_take(index->arena, 1, sizeof(*alike));
	if (!alike)
		return false;
	alike->base = copy(index->arena, base, &is_fine);
	alike->last = finding;
	finding->first_alike = finding;
	if (is_fine)
		HASH_ADD_KEYPTR(hh, index->alike, alike->base, strlen(alike->base), alike);
	return is_fine && alike->hh.tbl;
}

static struct known_finding *add_finding(struct merged_findings_index *index,
					 const struct finding_brief *brief, const char *key)
{
	struct arena *arena = index->arena;
	struct known_finding *known = arena_take(arena, 1, sizeof(*known));
	bool is_fine = known != NULL;

	if (!known)
		return NULL;
	struct merged_finding *finding = &known->finding;
	known->key = copy(arena, key, &is_fine);
	finding->rule = brief->rule;
	finding->has_ended_program = brief->has_ended_program;
	finding->line = brief->line;
	finding->severity = brief->severity;
	finding->value = brief->value;
	finding->id = copy(arena, brief->id, &is_fine);
	finding->is_of_place = brief->site && brief->site->is_lost_by_place && brief->site->finding;
	finding->limit = copy(arena, brief->limit, &is_fine);
	finding->function = copy(arena, brief->function, &is_fine);
	finding->file = copy(arena, brief->file, &is_fine);
	finding->source = copy(arena, source_of(brief), &is_fine);
	finding->place = copy(arena, brief->place, &is_fine);
	finding->name = copy(arena, brief->name, &is_fine);
	finding->text = copy(arena, brief->text, &is_fine);
	if (brief->site && brief->site->frames) {
		finding->frames = copy_frames(arena, brief->site, &is_fine);
		finding->frame_count = brief->site->frame_count;
	}
	if (!is_fine || !hang_up_alike(index, finding))
		return NULL;
	HASH_ADD_KEYPTR(hh, index->findings, known->key, strlen(known->key), known);
	if (!known->hh.tbl)
		return NULL;
	*index->end = finding;
	index->end = &finding->next;
	return known;
}

static bool add_process(struct merged_finding *finding, const struct found_process *process)
{
	if (finding->process_count && finding->processes[finding->process_count - 1] == process)
		return true;
	if (!array_reserve((void **)&finding->processes, &finding->process_room,
			   finding->process_count + 1, sizeof(struct found_process *)))
		return false;
	finding->processes[finding->process_count++] = process;
	return true;
}

static bool note_repeated(struct merged_findings_index *index, const struct report_site *site)
{
	if (!array_reserve((void **)&index->repeated, &index->repeated_room,
			   index->repeated_count + 1, sizeof(struct report_site *)))
		return false;
	index->repeated[index->repeated_count++] = site;
	return true;
}

/* The first key of these that this report has not had yet. */
static void find_key(const struct merged_findings_index *index, const struct finding_brief *brief,
		     const struct report *report, char *key, size_t size)
{
	struct known_finding *known;

	for (size_t number = 0;; number++) {
		make_key(brief, number, key, size);
		HASH_FIND_STR(index->findings, key, known);
		if (!known || known->last != report)
			return;
	}
}

static int add_brief(const struct finding_brief *brief, size_t number, void *context)
{
	struct addition *addition = context;
	struct merged_findings *findings = addition->findings;
	struct merged_findings_index *index = findings->index;
	char key[FINDING_TITLE_BYTES + 64 + PATH_MAX];
	struct known_finding *known;

	(void)number;
	if (!addition->process) {
		addition->process = copy_process(index->arena, addition->report->profile);
		if (!addition->process)
			return -ENOMEM;
		findings->found_process_count++;
	}
	find_key(index, brief, addition->report, key, sizeof(key));
	HASH_FIND_STR(index->findings, key, known);
	if (known) {
		if (brief->rule != FINDING_RULE_BUDGET && !note_repeated(index, brief->site))
			return -ENOMEM;
	} else {
		known = add_finding(index, brief, key);
		if (!known)
			return -ENOMEM;
		findings->counts[brief->rule]++;
		index->news++;
	}
	struct merged_finding *finding = &known->finding;
	known->last = addition->report;
	finding->bytes += brief->bytes;
	finding->blocks += brief->blocks;
	finding->bytes_per_hour += brief->bytes_per_hour;
	if (brief->severity > finding->severity)
		finding->severity = brief->severity;
	if (brief->rule == FINDING_RULE_LOST) {
		findings->lost_bytes += brief->bytes;
		findings->has_places |= finding->is_of_place;
	}
	/* The sentence of a threshold has its figure: that of the worst. */
	if (brief->value > finding->value) {
		bool is_fine = true;
		finding->value = brief->value;
		finding->place = copy(index->arena, brief->place, &is_fine);
		if (!is_fine)
			return -ENOMEM;
	}
	return add_process(finding, addition->process) ? 0 : -ENOMEM;
}

static int add_program(struct merged_findings *findings, const struct report *report)
{
	const struct profile *profile = report->profile;
	struct merged_findings_index *index = findings->index;
	const char *name = name_of(profile);
	struct known_program *known;
	bool is_fine = true;

	findings->process_count++;
	HASH_FIND_STR(index->programs, name, known);
	if (!known) {
		known = arena_take(index->arena, 1, sizeof(*known));
		if (!known)
			return -ENOMEM;
		known->program.name = copy(index->arena, name, &is_fine);
		known->program.pid = profile->pid;
		known->program.command = copy_command(index->arena, profile, &is_fine);
		known->program.command_count = profile->command_count;
		known->program.started_unix_ns = profile->started_unix_ns;
		if (!is_fine)
			return -ENOMEM;
		HASH_ADD_KEYPTR(hh, index->programs, known->program.name,
				strlen(known->program.name), known);
		if (!known->hh.tbl)
			return -ENOMEM;
		*index->end_of_programs = &known->program;
		index->end_of_programs = &known->program.next;
	}
	known->program.process_count++;
	known->program.span_s += report->span_s;
	return 0;
}

static int compare_sites(const void *a, const void *b)
{
	const struct report_site *one = *(const struct report_site *const *)a;
	const struct report_site *other = *(const struct report_site *const *)b;

	return ((uintptr_t)one > (uintptr_t)other) - ((uintptr_t)one < (uintptr_t)other);
}

int merged_findings_add(struct merged_findings *findings, const struct report *report)
{
	struct addition addition = {.findings = findings, .report = report};
	struct merged_findings_index *index = findings->index;

	index->repeated_count = index->news = 0;
	int result = add_program(findings, report);
	if (result == 0)
		result = finding_brief_walk(report, add_brief, &addition);
	if (index->repeated_count)
		qsort(index->repeated, index->repeated_count, sizeof(*index->repeated),
		      compare_sites);
	/* The next report may lie at the same address. */
	for (struct known_finding *known = index->findings; known; known = known->hh.next)
		known->last = NULL;
	return result;
}

bool merged_findings_is_repeated(const struct merged_findings *findings,
				 const struct report_site *site)
{
	const struct merged_findings_index *index = findings->index;

	return index->repeated_count && bsearch(&site, index->repeated, index->repeated_count,
						sizeof(*index->repeated), compare_sites);
}

size_t merged_findings_news(const struct merged_findings *findings)
{
	return findings->index->news;
}

/* ---- what is said of them ---- */

bool merged_findings_fail(const struct merged_findings *findings, unsigned fails_on)
{
	for (unsigned rule = 0; rule < FINDING_RULES; rule++)
		if (findings->counts[rule] && (fails_on & 1u << rule))
			return true;
	return false;
}

void merged_finding_title(const struct merged_finding *finding, char title[FINDING_TITLE_BYTES])
{
	finding_title(finding->rule, finding->bytes, finding->blocks, finding->bytes_per_hour,
		      finding->place, title);
	size_t used = strlen(title);
	if (finding->process_count > 1)
		snprintf(title + used, FINDING_TITLE_BYTES - used, ", in %s processes",
			 number_count(finding->process_count).text);
}

void found_process_text(const struct found_process *process, char *text, size_t size)
{
	char word[SHELL_WORD_BYTES];
	size_t used =
		(size_t)snprintf(text, size, "%s (%" PRIu32 "):", process->name, process->pid);

	for (size_t i = 0; i < process->command_count && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, " %s",
					 shell_word(process->command[i], word));
	if (used >= size && size > 4)
		strcpy(text + size - 4, "...");
}

char *merged_finding_text(const struct merged_finding *finding)
{
	char process[PROCESS_TEXT_BYTES], *text = NULL;
	size_t bytes, count = finding->process_count;
	FILE *stream = open_memstream(&text, &bytes);

	if (!stream)
		return NULL;
	if (count > 1)
		fprintf(stream, "in %s processes:\n", number_count(count).text);
	for (size_t i = 0; i < count && i < NAMED_PROCESSES; i++) {
		found_process_text(finding->processes[i], process, sizeof(process));
		fprintf(stream, "%s%s\n", count > 1 ? "  " : "in ", process);
	}
	if (count > NAMED_PROCESSES)
		fprintf(stream, "  and %s more\n", number_count(count - NAMED_PROCESSES).text);
	fputs(finding->text, stream);
	if (fclose(stream) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* So many of the last parts of a path: "test1/main.c". */
static const char *last_parts(const char *path, size_t count)
{
	const char *at = path + strlen(path);

	for (; at > path; at--)
		if (at[-1] == '/' && !--count)
			break;
	return at;
}

/* As much of its source as tells it from those with other sources. */
static const char *telling_source(const struct merged_finding *finding)
{
	const struct merged_finding *other = finding->first_alike;
	size_t count = 2;

	while (other && last_parts(finding->source, count) != finding->source) {
		bool is_same = strcmp(finding->source, other->source) != 0 &&
			       strcmp(last_parts(finding->source, count),
				      last_parts(other->source, count)) == 0;
		if (is_same)
			count++;
		else
			other = other->next_alike;
	}
	return last_parts(finding->source, count);
}

/* The 32-bit FNV-1a hash. */
static uint32_t hash_of(const char *text)
{
	uint32_t hash = UINT32_C(0x811c9dc5);

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT32_C(0x01000193);
	return hash;
}

/* In which order they were found differs from run to run: of several their sources tell. */
void merged_finding_fingerprint(const struct merged_finding *finding,
				char fingerprint[FINDING_FINGERPRINT_BYTES])
{
	int used = write_base(finding, fingerprint);
	size_t number = 0;

	if (!finding->first_alike->next_alike)
		return;
	used += snprintf(fingerprint + used, FINDING_FINGERPRINT_BYTES - (size_t)used,
			 "-%08" PRIx32, hash_of(telling_source(finding)));
	for (const struct merged_finding *other = finding->first_alike; other != finding;
	     other = other->next_alike)
		number += strcmp(other->source, finding->source) == 0;
	if (number)
		snprintf(fingerprint + used, FINDING_FINGERPRINT_BYTES - (size_t)used, "-%zu",
			 number + 1);
}
