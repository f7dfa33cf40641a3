/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suppression_draft: a file of suppressions for what was found, that matches this and nothing else.
 *
 * Blocks in Valgrind's syntax, because a line of LeakSanitizer's has only one frame and holds for each
 * stack on which that stands. Each has its whole stack, at most the 24 innermost frames that Valgrind
 * takes, and a comment with the programs in which it was found, for many have a main, and with as many
 * bytes and blocks as that was: of what grows twice that.
 * Two calls in one function have the same frames, and are one block.
 */
#ifndef SEEP_MODEL_SUPPRESSION_DRAFT_H
#define SEEP_MODEL_SUPPRESSION_DRAFT_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct report;
struct suppression_draft;

struct suppression_draft *suppression_draft_new(void); /* null without memory */
void suppression_draft_free(struct suppression_draft *draft);

/* Adds what is flagged in the report; after suppressions_apply. False without memory. */
bool suppression_draft_add(struct suppression_draft *draft, const struct report *report);

size_t suppression_draft_count(const struct suppression_draft *draft);
/* Returns 0, or a negative errno value and a sentence. */
int suppression_draft_write(const struct suppression_draft *draft, const char *path,
			    struct error *error);

#endif
