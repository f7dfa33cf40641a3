/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_wrap: words into lines of at most TEXT_WRAP_COLUMNS columns.
 */
#ifndef SEEP_COMMANDS_TEXT_WRAP_H
#define SEEP_COMMANDS_TEXT_WRAP_H

#include <stdio.h>

#define TEXT_WRAP_COLUMNS 80

/* Writes `text` (one paragraph, its blanks are where it may break) from column `column`, where the
 * line stands already, and further lines from column `indent`; ends with a newline. A word that is
 * wider than a line stays whole. */
void text_wrap(FILE *out, const char *text, int column, int indent);

/* Writes paragraphs that are separated by an empty line, each from column `indent`. A paragraph
 * that begins with a blank is kept as it is. */
void text_wrap_paragraphs(FILE *out, const char *text, int indent);

#endif
