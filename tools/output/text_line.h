/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_line: one line of text output, never wider than the style's width.
 *
 * Everything that a text emitter writes goes through here. So there is one place that makes hostile
 * names harmless (control characters are shown as a replacement), one that knows what a terminal
 * without UTF-8 can show ("…" becomes "..."), and one that cuts what does not fit.
 */
#ifndef SEEP_OUTPUT_TEXT_LINE_H
#define SEEP_OUTPUT_TEXT_LINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/output/text_style.h"

struct text_cell {
	uint32_t character;
	uint8_t columns;
	uint8_t ink; /* enum ink */
};

struct text_line {
	const struct text_style *style;
	FILE *stream; /* errors stay in the stream: whoever closes it asks ferror */
	int columns;  /* used so far */
	int cell_count;
	bool is_full; /* something was cut off */
	struct text_cell cells[TEXT_WIDTH_MAX];
};

void text_line_begin(struct text_line *line, FILE *stream, const struct text_style *style);
void text_line_put(struct text_line *line, enum ink ink, const char *text);
void text_line_print(struct text_line *line, enum ink ink, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Spaces up to this column (counted from 0); none where the line is already there. */
void text_line_pad(struct text_line *line, int column);
/* Columns that are left. */
int text_line_room(const struct text_line *line);
/* Goes on in the next line, at column `indent`, where less than `columns` are left. */
void text_line_make_room(struct text_line *line, int columns, int indent);
/* Puts the text so that it ends at the right edge, if it fits with at least one space before it. */
bool text_line_put_right(struct text_line *line, enum ink ink, const char *text);
/* Writes the line without blanks at its end, and begins the next one. */
void text_line_end(struct text_line *line);

/* How many columns a text takes in this style. */
int text_columns(const struct text_style *style, const char *text);

/* As text_paragraph, with a command at its end that is never broken, because it is there to be copied:
 * where it has no room it stands whole in a line of its own, which may be wider than the style. */
void text_command(FILE *stream, const struct text_style *style, enum ink ink, const char *lead,
		  int indent, const char *text, const char *command);

/* A whole paragraph, broken between words; every line begins with `indent` columns, the first one
 * with `lead` in them. */
void text_paragraph(FILE *stream, const struct text_style *style, enum ink ink, const char *lead,
		    int indent, const char *text);

#endif
