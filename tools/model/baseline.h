/* SPDX-License-Identifier: Apache-2.0 */
/*
 * baseline: what was found once, so that only what is new or worse fails.
 *
 * A text file that can be kept beside the source and compared line by line:
 *
 *     seep-baseline 2
 *     lost fc828cfd522c1b5c 3 blocks 3000 bytes loses: make (tests/loses.c)
 *     leak 3c2af49333ad9102 4200000 bytes/h server: session_open (src/server.c)
 *
 * The id is the site's, which survives rebuilds and moved lines. Behind the numbers stand the program, the
 * function and the source as seen from the folder of the baseline. An entry is for a site of this source; or of
 * this program, where the source was moved (see source_place), for many programs have functions of the
 * same names. Version 1 knew the source's base name only: its entries hold for all of that name, or that
 * program, until they are written anew, and then begin with an asterisk. Sites with the same id and
 * source are one entry: their sum in the process that had most. An entry holds as long as no process has
 * more of it than that and a tenth, or one block, for no two runs are alike; of a leak, as long as it is
 * not sure to grow faster by more than a tenth. Which is which of several calls of one function is known
 * only as far as both runs have made the same calls: one for which its entry does not hold may be
 * another of them, of which nothing was found.
 *
 * Read, it is a list of suppressions: see suppression.h for how they are applied, and for those that have
 * matched nothing.
 */
#ifndef SEEP_MODEL_BASELINE_H
#define SEEP_MODEL_BASELINE_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct report;
struct suppressions;

#define BASELINE_VERSION 2

/* Adds the entries of the file. A file that is not there is an empty one where `may_be_absent`.
 * Returns 0 or -errno and a sentence with the line. */
int baseline_read(struct suppressions *suppressions, const char *path, bool may_be_absent,
		  struct error *error);

/* What will be the next baseline. */
struct baseline;

/* For the file `path`. Null without memory. */
struct baseline *baseline_new(const char *path);
void baseline_free(struct baseline *baseline);

/* Adds what is flagged in the report, and what an older baseline has made known; after
 * suppressions_apply. False without memory. */
bool baseline_add(struct baseline *baseline, const struct report *report);

/* Adds what an older one says of programs of which no process was looked at, as it stands there; after
 * all else. Likewise of those that have failed, with its numbers where those are larger: `unreached` is
 * how many entries that has kept. The suppressions must live until it is written. False without memory. */
bool baseline_keep(struct baseline *baseline, const struct suppressions *suppressions,
		   size_t *unreached);

/* Writes the file anew: the old one stays until the new one is complete. */
int baseline_write(struct baseline *baseline, const char *path, struct error *error);
size_t baseline_count(const struct baseline *baseline);

#endif
