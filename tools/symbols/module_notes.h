/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module_notes: which modules could not be used and why, in few sentences.
 *
 * A program has hundreds of modules; after an upgrade all of them may be affected. Each reason is
 * one sentence that names the first few.
 */
#ifndef SEEP_SYMBOLS_MODULE_NOTES_H
#define SEEP_SYMBOLS_MODULE_NOTES_H

enum module_problem {
	PROBLEM_CHANGED,
	PROBLEM_GONE,
	PROBLEM_UNREADABLE,
	PROBLEM_NEWER,	       /* used all the same: there is no build-id to compare */
	PROBLEM_NO_SYMBOLS,    /* not even all functions */
	PROBLEM_NO_DEBUG_INFO, /* functions, but no lines; not said of one without symbols */
	PROBLEM_COUNT
};

struct module_notes;

struct module_notes *module_notes_new(void); /* null without memory */
void module_notes_free(struct module_notes *notes);

/* `path` is copied; the same path is named once. Without memory it is not named. */
void module_notes_add(struct module_notes *notes, enum module_problem problem, const char *path);

/* The sentences, ended by a null pointer; owned by `notes` and valid until the next add. */
const char *const *module_notes_sentences(struct module_notes *notes);

#endif
