/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child_process: a program started as if the shell had started it, and waited for.
 *
 * It has the same standard streams, descriptors, signal dispositions and process group as seep
 * itself. While it runs, signals that somebody sends to seep are passed on to it.
 */
#ifndef SEEP_COMMANDS_CHILD_PROCESS_H
#define SEEP_COMMANDS_CHILD_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

struct error;
struct file_lender;

struct child_process {
	pid_t pid;
	uint64_t start_ticks;
	int wait_status; /* as waitpid stores it */
	double seconds;	 /* between start and end */
	uint64_t ended_unix_ns;
};

/* What the library finds in the program's environment. */
struct child_settings {
	const char *preload; /* LD_PRELOAD */
	const char *options; /* SEEP_OPTIONS, to which settings that are not for users are added */
	const char *output;  /* the absolute output pattern that is among them */
	struct file_lender *lender; /* open, and served meanwhile; null: none */
};

/* Starts `path` and returns when it has ended: 0, or a negative errno value and a sentence when it
 * could not be started. */
int child_process_run(struct child_process *child, const char *path, char **argv,
		      const struct child_settings *settings, struct error *error);

/* The status that a shell would report: its own, or 128 + signal. */
int child_process_status(const struct child_process *child);

#endif
