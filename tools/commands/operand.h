/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operand: a snapshot file as it is named on the command line: FILE, FILE@SNAP or PID.
 */
#ifndef SEEP_COMMANDS_OPERAND_H
#define SEEP_COMMANDS_OPERAND_H

#include <stddef.h>

struct error;
struct profile;

struct operand {
	const char *text; /* as typed */
	char *path;	  /* of the file */
	char *snapshot;	  /* what stands behind '@'; null where nothing does */
	struct profile *profile;
};

/* Finds the file (for the PID of a running process after asking it for a snapshot, so that the file
 * is current) and reads it. An '@' that belongs to the name of an existing file is no separator.
 * Returns 0, or -errno and a sentence. Either way operand_close releases it. */
int operand_open(struct operand *operand, const char *text, struct error *error);
void operand_close(struct operand *operand);

/* The index of the snapshot named `name`, or of the operand's own where it has one. */
int operand_find_snapshot(const struct operand *operand, const char *name, size_t *index,
			  struct error *error);

#endif
