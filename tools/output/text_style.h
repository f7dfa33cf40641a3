/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_style: what the reader's terminal can show: colours, characters, columns.
 */
#ifndef SEEP_OUTPUT_TEXT_STYLE_H
#define SEEP_OUTPUT_TEXT_STYLE_H

#include <stdbool.h>

/* What a piece of text is, not how it looks. */
enum ink {
	INK_PLAIN,
	INK_TITLE,
	INK_DIM,   /* there for completeness */
	INK_PLACE, /* a source line */
	INK_ALARM, /* a flagged verdict */
	INK_WATCH, /* growing, or something was lost */
	INK_CALM,  /* nothing to do */
	INK_NOTE,  /* neither good nor bad */
};

#define TEXT_WIDTH_DEFAULT 80
#define TEXT_WIDTH_MIN 40
#define TEXT_WIDTH_MAX 120

struct text_style {
	bool has_colour;
	bool is_utf8;
	int width; /* columns; TEXT_WIDTH_MIN to TEXT_WIDTH_MAX */
};

/* For what is written to descriptor `fd`. Colour: fd is a terminal that is not "dumb" and NO_COLOR
 * (https://no-color.org) is not set to something. Width: the terminal's within the limits above, 80
 * when it is none. UTF-8: the user's locale says so. */
struct text_style text_style_of(int fd);

/* The escape sequence that begins this ink, "" without colours. Ends with text_style_reset. */
const char *text_style_ink(const struct text_style *style, enum ink ink);
const char *text_style_reset(const struct text_style *style);

#endif
