/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address_text: text in which addresses stand as MODULE+0xOFFSET, with functions and lines in their place.
 */
#ifndef SEEP_SYMBOLS_ADDRESS_TEXT_H
#define SEEP_SYMBOLS_ADDRESS_TEXT_H

#include <stdbool.h>
#include <stdio.h>

struct address_text;

/* `debug_path`: see module_debug; null for the default. Null without memory. */
struct address_text *address_text_new(const char *debug_path);
void address_text_free(struct address_text *text);

/* Writes the line, which ends with its newline if it has one. The first /PATH+0xOFFSET of which the path is a
 * file becomes "function file:line", with the functions inlined there on lines of their own in front of
 * it, each with what the line begins with. What is not known stays as it is. False without memory. */
bool address_text_write_line(struct address_text *text, FILE *out, const char *line);

#endif
