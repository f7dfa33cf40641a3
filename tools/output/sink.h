/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink: where the output of a command goes: standard output or the file of -o.
 *
 * A full disk and a reader that went away are errors like others, with the reason that the kernel
 * gave. A snapshot file is never overwritten: `seep report -o x.seep y.seep` is a slip.
 */
#ifndef SEEP_OUTPUT_SINK_H
#define SEEP_OUTPUT_SINK_H

#include <stdio.h>

#include "tools/output/text_style.h"

struct error;

struct sink {
	FILE *stream;
	struct text_style style;
	/* Private. */
	const char *path; /* null for a standard stream; must outlive the sink */
	const char *name; /* for messages */
	int fd;
	int write_errno;
};

/* `path` null or "-" is standard output. The sink must not be moved while it is open. Returns 0 or
 * -errno and a sentence. From now on the process ignores SIGPIPE. */
int sink_open(struct sink *sink, const char *path, struct error *error);

/* The same for standard error. */
int sink_open_stderr(struct sink *sink, struct error *error);

/* Whether sink_open could succeed later, when hours have been spent on what is to be written. Makes
 * the file, but changes nothing that is in it. */
int sink_try(const char *path, struct error *error);

/* Writes what is still buffered and closes; nothing where the sink (all zeros) was never opened.
 * Returns 0, or -errno and a sentence when any write since sink_open failed. */
int sink_close(struct sink *sink, struct error *error);

#endif
