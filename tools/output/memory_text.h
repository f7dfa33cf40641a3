/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_text: the memory of the process as a whole, for a person: a table of its parts, what to think
 * of them, and what to do about it.
 */
#ifndef SEEP_OUTPUT_MEMORY_TEXT_H
#define SEEP_OUTPUT_MEMORY_TEXT_H

#include <stdbool.h>
#include <stdio.h>

struct report;
struct text_style;

/* With an empty line before it. Nothing where nothing can be said, as of a short run. */
void memory_text_write(FILE *stream, const struct text_style *style, const struct report *report);

#define MEMORY_BRIEF_BYTES 192
/* What sites do not show, in a few words: "fragmentation, 63.0 MiB are free but pinned". Returns false
 * where there is nothing of the kind. */
bool memory_text_brief(const struct report *report, char *text);

/* The same in a table: "fragmentation". Null where there is nothing of the kind. */
const char *memory_text_word(const struct report *report);

#endif
