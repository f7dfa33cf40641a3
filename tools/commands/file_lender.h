/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_lender: begins the files of processes that cannot do it themselves.
 *
 * The folder of a run's files belongs to who has started it. A process of the run that becomes another user, or
 * changes its root, finds that folder closed; so do the programs that it starts, and their forks. They
 * ask for a file (include/seep/file_lending.h), and get its descriptor.
 */
#ifndef SEEP_COMMANDS_FILE_LENDER_H
#define SEEP_COMMANDS_FILE_LENDER_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "seep/file_lending.h"

struct file_lender {
	int fd; /* the socket; -1: nobody is lent anything */
	char name[SEEP_LENDER_NAME_DIGITS + 1], key[SEEP_LENDER_KEY_DIGITS + 1];
	size_t lent_count;
	/* Of those that have asked in vain, and why the first of them got nothing. */
	size_t refused_count;
	int first_error;
};

/* Where it cannot be opened, who would ask is not recorded. */
void file_lender_open(struct file_lender *lender);

/* What the library has to know of it: ":file_lender=..."; nothing where it is not open. */
void file_lender_write_setting(const struct file_lender *lender, FILE *out);

/* Begins a file in `folder` for each that has asked. Waits for nobody. */
void file_lender_serve(struct file_lender *lender, const char *folder);

void file_lender_close(struct file_lender *lender);

#endif
