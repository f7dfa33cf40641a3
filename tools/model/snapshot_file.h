/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_file: the bytes of a snapshot file and its header, checked.
 *
 * The file is read into memory once: a live process may append to it, or replace it while
 * thinning, and what was read stays what it was (a mapping of it could also end in SIGBUS).
 */
#ifndef SEEP_MODEL_SNAPSHOT_FILE_H
#define SEEP_MODEL_SNAPSHOT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "seep/snapshot_format.h"

struct error;

struct snapshot_file {
	uint8_t *bytes; /* from malloc */
	size_t size;
	struct seep_file_header header;
	size_t first_record;	/* offset */
	bool header_is_damaged; /* its checksum is wrong: only magic and version were believed */
};

/* Returns 0, or a negative errno value and a sentence in `error`. */
int snapshot_file_read(const char *path, struct snapshot_file *file, struct error *error);
void snapshot_file_free(struct snapshot_file *file);

#endif
