/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8: characters out of bytes that nobody vouches for.
 *
 * Names, paths and labels come from snapshot files and debug information and may hold anything.
 */
#ifndef SEEP_OUTPUT_UTF8_H
#define SEEP_OUTPUT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define UTF8_REPLACEMENT 0xfffdu
#define UTF8_MAX_BYTES 4

/* The next character of a zero-terminated text; moves `text` behind it. Bytes that are not UTF-8
 * (overlong forms and surrogates too) give UTF8_REPLACEMENT one by one. 0 at the end. */
uint32_t utf8_next(const char **text);

/* Writes the character, returns how many bytes (1 to UTF8_MAX_BYTES), no terminator. */
size_t utf8_put(uint32_t character, char *bytes);

/* Columns that a terminal uses for it: 0, 1 or 2. */
int utf8_columns(uint32_t character);

/* Could it move the cursor, start an escape sequence or turn the text's direction? */
bool utf8_is_unsafe(uint32_t character);

/* Writes a text of which nothing can do harm to a terminal: an unsafe character is a question mark. */
void utf8_write_harmless(FILE *stream, const char *text);

/* A copy that is valid UTF-8, for free(); null without memory. */
char *utf8_valid_copy(const char *text);

#endif
