/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_place: where the source of a site lies, as seen from the folder of a baseline.
 *
 * Programs of a test suite have functions of the same names, in files of the same names, of which main in
 * main.c is one: only the folder tells one test's from the other's. A path from the root of the file
 * system would be another one in each checkout; one that begins where the baseline lies is the same in
 * all of them, wherever things are built.
 */
#ifndef SEEP_MODEL_SOURCE_PLACE_H
#define SEEP_MODEL_SOURCE_PLACE_H

#include <limits.h>
#include <stdbool.h>

struct report_site;

#define SOURCE_PLACE_BYTES 512
/* Begins a place that may lie in any folder: a longer one, or one of which no more was written down. */
#define SOURCE_PLACE_ANYWHERE "*/"

struct source_place {
	/* "test1/main.c", "../lib/list.c", "/usr/src/x.c"; "?" unknown */
	char path[SOURCE_PLACE_BYTES];
	bool is_module;		      /* no source is known, so it is where the module lies */
	bool exists;
};

/* The folder that the file `path` lies in, without links; "" where there is none. */
void source_place_folder(const char *path, char folder[PATH_MAX]);

/* Of the site's own frame, as seen from such a folder. What has not even the root in common with it counts from
 * there, a path that the compiler was told to shorten counts as it is. */
struct source_place source_place_of(const struct report_site *site, const char *folder);

/* Is it the one that was written down as `written`? */
bool source_place_is(const struct source_place *place, const char *written);

/* If not: may it be that one, seen from elsewhere, or after it was moved or renamed? Then the folders say so,
 * or that one is gone and this one is there. */
bool source_place_may_be(const struct source_place *place, const char *written, const char *folder);

#endif
