/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error: why something could not be done, as a full sentence for a person.
 *
 * A function that can fail returns 0 or a negative errno value and fills a caller-owned
 * struct error: what went wrong with what, where, and what to do about it. The command prints it
 * after "seep: " and exits with status 2.
 */
#ifndef SEEP_MODEL_ERROR_H
#define SEEP_MODEL_ERROR_H

struct error {
	char text[1024]; /* one line, no newline; "" where nothing failed */
};

/* Fills `error` (which may be null) and returns -code, so that callers can return its result.
 * `code` is a positive errno value. */
int error_set(struct error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
