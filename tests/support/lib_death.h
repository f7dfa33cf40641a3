/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_death: a forked child that is expected to end because something of the library is not sound.
 */
#ifndef TESTS_SUPPORT_LIB_DEATH_H
#define TESTS_SUPPORT_LIB_DEATH_H

#include <stdbool.h>
#include <stddef.h>

/* How a child ended, and what it said on stderr. */
struct lib_death {
	int status; /* of waitpid */
	char said[4096];
};

/* Calls run(context) in a forked child that ends with 0 if it returns. Its lines about what does not
 * hold are kept out of the build's own log. */
struct lib_death lib_death_of(void (*run)(void *context), void *context);

/* True when it ended with SIGABRT after a line about an invariant of this file. */
bool lib_death_is_by(const struct lib_death *death, const char *file);

#endif
