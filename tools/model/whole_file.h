/* SPDX-License-Identifier: Apache-2.0 */
/*
 * whole_file: a file written anew, of which nobody ever sees a part: the old one stays until the new
 * one is complete.
 */
#ifndef SEEP_MODEL_WHOLE_FILE_H
#define SEEP_MODEL_WHOLE_FILE_H

#include <stdio.h>

struct error;

/* `write` fills the stream. What is no plain file, such as /dev/stdout, is written directly. `what` is what
 * the file is called in a message. Returns 0, or a negative errno value and a sentence. */
int whole_file_write(const char *path, const char *what,
		     void (*write)(FILE *stream, const void *context), const void *context,
		     struct error *error);

/* Could it be written now? Before work that takes long, so that nobody learns it behind that. */
int whole_file_try(const char *path, const char *what, struct error *error);

#endif
