/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_files: which snapshot files a run has left behind: the program's own, and its children's.
 *
 * Nobody announces them, because nothing in the program may differ from a run without seep. They
 * are found by their name, which follows the output pattern, and by what their headers say.
 */
#ifndef SEEP_COMMANDS_RUN_FILES_H
#define SEEP_COMMANDS_RUN_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/output/memory_text.h"

struct error;

#define RUN_FILE_NAME_BYTES 32

struct run_file {
	char *path;
	pid_t pid;
	pid_t parent; /* of which it is a fork, or which had started it */
	uint64_t start_ticks; /* 0: not in the file yet, which was just being begun */
	uint64_t started_unix_ns;
	bool is_of_run;
	bool is_in_folder; /* of the children */
	/* Filled in by run_judgement_make. */
	char name[RUN_FILE_NAME_BYTES]; /* of the program */
	bool is_unseen;			/* see profile_is_unseen */
	size_t leak_count;
	size_t lasting_leak_count; /* of these, the ones with a block that is live at the end */
	double leak_bytes_per_hour;
	size_t wrong_free_count;
	size_t known_count; /* sites that would be flagged, and are suppressed */
	uint64_t known_bytes, known_blocks;
	uint64_t checked, different; /* captures compared with libunwind, and found different */
	/* What of its memory as a whole is not as it should be; "": nothing. */
	char memory[MEMORY_BRIEF_BYTES];
};

struct run_files {
	struct run_file *files; /* those of the run only, in the order in which they were started */
	size_t count;
	/* The program's own: index of the last one (an exec makes a new one), or count for none. */
	size_t root;
	size_t child_count; /* processes other than the program's own */
};

/* The run whose files are looked for. */
struct run_identity {
	const char *pattern;  /* of the output, absolute */
	const char *children; /* of the files in the folder of the children; null for none */
	/* The first process. */
	pid_t pid;
	uint64_t start_ticks;
	/* Only some children are followed, so that the chain from child to parent has gaps: then
	 * every file counts that was begun since the program started. */
	bool has_gaps;
};

/* Finds the files of the run. Those in the folder of its children are its own if they were begun
 * since the program started; others must be of its descendants. */
int run_files_find(const struct run_identity *run, struct run_files *run_files,
		   struct error *error);
/* Of one process; an exec gives it a second file. A pid may be that of several. */
bool run_files_are_same(const struct run_file *one, const struct run_file *other);
/* Whether its process goes on, so that nobody waits for the end of its file. */
bool run_file_is_running(const struct run_file *file);
/* Forgets a file that is no longer there; not the program's own last one. */
void run_files_drop(struct run_files *run_files, size_t index);
void run_files_free(struct run_files *run_files);

/* The glob pattern for an output pattern: %p, %e and a possible .PID at its end become *. */
int run_files_glob(const char *pattern, char *glob_pattern, size_t bytes);

#endif
