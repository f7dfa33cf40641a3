/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module_notes: which modules could not be used and why, in few sentences.
 */
#include "tools/symbols/module_notes.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMED_MAX 3

struct module_notes {
	struct {
		char **paths;
		size_t count;
	} problems[PROBLEM_COUNT];
	char *sentences[PROBLEM_COUNT + 1];
};

/* What follows the names, for one module and for several. */
static const char *const endings[PROBLEM_COUNT][2] = {
	[PROBLEM_CHANGED] = {"was changed since the run; its frames are shown as module+offset",
			     "were changed since the run; their frames are shown as module+offset"},
	[PROBLEM_GONE] = {"is not there any more; its frames are shown as module+offset",
			  "are not there any more; their frames are shown as module+offset"},
	[PROBLEM_UNREADABLE] = {"could not be read; its frames are shown as module+offset",
				"could not be read; their frames are shown as module+offset"},
	[PROBLEM_NEWER] = {"has no build-id and was written after the process started; its lines "
			   "may be wrong",
			   "have no build-id and were written after the process started; their "
			   "lines may be wrong"},
	[PROBLEM_NO_SYMBOLS] = {"is stripped, so functions are missing and shown as module+offset; "
				"install its debug package, set DEBUGINFOD_URLS, or build it with "
				"-g and do not strip it",
				"are stripped, so functions are missing and shown as "
				"module+offset; install their debug packages, set "
				"DEBUGINFOD_URLS, or build them with -g and do not strip them"},
	[PROBLEM_NO_DEBUG_INFO] = {"has no debug information, so lines are missing; build it with "
				   "-g, install its debug package or set DEBUGINFOD_URLS",
				   "have no debug information, so lines are missing; build them "
				   "with -g, install their debug packages or set "
				   "DEBUGINFOD_URLS"},
};

struct module_notes *module_notes_new(void)
{
	return calloc(1, sizeof(struct module_notes));
}

static void forget_sentences(struct module_notes *notes)
{
	for (int i = 0; i < PROBLEM_COUNT; i++) {
		free(notes->sentences[i]);
		notes->sentences[i] = NULL;
	}
}

void module_notes_free(struct module_notes *notes)
{
	if (!notes)
		return;
	forget_sentences(notes);
	for (int i = 0; i < PROBLEM_COUNT; i++) {
		for (size_t j = 0; j < notes->problems[i].count; j++)
			free(notes->problems[i].paths[j]);
		free(notes->problems[i].paths);
	}
	free(notes);
}

static bool is_noted(const struct module_notes *notes, enum module_problem problem,
		     const char *path)
{
	for (size_t i = 0; i < notes->problems[problem].count; i++)
		if (strcmp(notes->problems[problem].paths[i], path) == 0)
			return true;
	return false;
}

/* The greater problem is said, also where the lesser one was noted first. */
static void forget_lesser(struct module_notes *notes, const char *path)
{
	char **paths = notes->problems[PROBLEM_NO_DEBUG_INFO].paths;
	size_t *count = &notes->problems[PROBLEM_NO_DEBUG_INFO].count;

	for (size_t i = 0; i < *count; i++) {
		if (strcmp(paths[i], path) != 0)
			continue;
		free(paths[i]);
		paths[i] = paths[--*count];
		return;
	}
}

void module_notes_add(struct module_notes *notes, enum module_problem problem, const char *path)
{
	size_t count = notes->problems[problem].count;
	char **paths = notes->problems[problem].paths;
	if (is_noted(notes, problem, path) ||
	    (problem == PROBLEM_NO_DEBUG_INFO && is_noted(notes, PROBLEM_NO_SYMBOLS, path)))
		return;
	if (problem == PROBLEM_NO_SYMBOLS)
		forget_lesser(notes, path);
	paths = realloc(paths, (count + 1) * sizeof(*paths));
	if (!paths)
		return;
	notes->problems[problem].paths = paths;
	paths[count] = strdup(path);
	if (!paths[count])
		return;
	notes->problems[problem].count++;
	for (char *at = paths[count]; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = '?'; /* a path in a hostile file could drive the terminal */
}

static char *make_sentence(char *const *paths, size_t count, const char *const ending[2])
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	if (!out)
		return NULL;
	/* "a, b and c"; "a, b, c and 7 more modules" */
	size_t named = count < NAMED_MAX ? count : NAMED_MAX;
	for (size_t i = 0; i < named; i++) {
		bool is_last = i + 1 == count;
		fprintf(out, "%s%s", i == 0 ? "" : is_last ? " and " : ", ", paths[i]);
	}
	if (count > named)
		fprintf(out, " and %zu more module%s", count - named,
			count - named == 1 ? "" : "s");
	fprintf(out, " %s", ending[count > 1]);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

const char *const *module_notes_sentences(struct module_notes *notes)
{
	forget_sentences(notes);
	size_t used = 0;
	for (int i = 0; i < PROBLEM_COUNT; i++) {
		if (notes->problems[i].count == 0)
			continue;
		notes->sentences[used] = make_sentence(notes->problems[i].paths,
						       notes->problems[i].count, endings[i]);
		if (notes->sentences[used])
			used++;
	}
	return (const char *const *)notes->sentences;
}
