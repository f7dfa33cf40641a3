/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watched_run: a program under the library, from the first check to the files that it has left.
 *
 * Everything that can be wrong is found before the program is started. From then on the program
 * comes first: whatever happens to our own work is said and does not change its status.
 */
#ifndef SEEP_COMMANDS_WATCHED_RUN_H
#define SEEP_COMMANDS_WATCHED_RUN_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "tools/commands/child_process.h"
#include "tools/commands/file_lender.h"
#include "tools/commands/program_file.h"
#include "tools/commands/run_files.h"

struct error;
struct settings_text;

struct watched_run {
	/* Set by the caller. */
	const char *command_name;	/* "run", for messages */
	struct settings_text *settings; /* `output` and folders of `children` are made absolute */
	FILE *log;			/* for what goes wrong after the start */
	bool is_quiet;			/* no notices; what goes wrong is said all the same */
	/* Filled in. */
	char library[PATH_MAX], program[PATH_MAX];
	struct program_file file; /* what is started in the end: a script's interpreter */
	struct file_lender lender; /* closed when the program has ended */
	struct child_process child;
	char children_folder[PATH_MAX]; /* where files of children are; "" for nowhere */
	struct run_files files;
};

/* Finds the library and the program, and makes the place for the files. Returns 0, or a
 * negative errno value and a sentence; then nothing was started. */
int watched_run_prepare(struct watched_run *run, const char *program, struct error *error);

/* Starts the program and returns when it has ended: 0, or a negative errno value and a sentence
 * when it could not be started. */
int watched_run_start(struct watched_run *run, char **argv, struct error *error);

/* Waits until its files are complete and finds them. Returns 0; -ENODATA and a sentence when
 * the program has left none; another negative errno value and a sentence when they cannot be
 * looked for. */
int watched_run_collect(struct watched_run *run, struct error *error);

/* "seep: run: TEXT" into the log. */
void watched_run_say(const struct watched_run *run, const char *text);

void watched_run_free(struct watched_run *run);

#endif
