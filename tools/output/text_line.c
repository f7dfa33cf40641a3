/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_line: one line of text output, never wider than the style's width.
 */
#include "tools/output/text_line.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/output/utf8.h"

void text_line_begin(struct text_line *line, FILE *stream, const struct text_style *style)
{
	line->style = style;
	line->stream = stream;
	line->columns = 0;
	line->cell_count = 0;
	line->is_full = false;
}

/* What a terminal without UTF-8 shows for the few characters that we write ourselves. */
static const char *ascii_for(uint32_t character)
{
	switch (character) {
	case 0x2026: /* … */
		return "...";
	case 0x2190: /* ← */
		return "<-";
	case 0x2192: /* → */
		return "->";
	case 0x00b7: /* · */
		return "-";
	case 0x00b1: /* ± */
		return "+-";
	case 0x00d7: /* × */
		return "x";
	default:
		return "?";
	}
}

/* The characters to show for `character`, at most three; returns how many. */
static int shown_as(const struct text_style *style, uint32_t character, uint32_t *shown)
{
	int count = 0;

	shown[0] = character == '\t'	       ? ' '
		   : utf8_is_unsafe(character) ? UTF8_REPLACEMENT
					       : character;
	if (style->is_utf8 || shown[0] < 0x80)
		return 1;
	for (const char *ascii = ascii_for(shown[0]); *ascii; ascii++)
		shown[count++] = (uint32_t)*ascii;
	return count;
}

static void drop_until(struct text_line *line, int columns)
{
	while (line->cell_count > 0 && line->columns > columns)
		line->columns -= line->cells[--line->cell_count].columns;
}

static void append_cell(struct text_line *line, enum ink ink, uint32_t character)
{
	int columns = utf8_columns(character);

	/* Accents and joiners would need a cell that holds several characters; the names in
	 * reports can be recognised without them. */
	if (columns == 0)
		return;
	line->cells[line->cell_count++] = (struct text_cell){
		.character = character, .columns = (uint8_t)columns, .ink = (uint8_t)ink};
	line->columns += columns;
}

static void cut(struct text_line *line, enum ink ink)
{
	uint32_t shown[3];
	int count = shown_as(line->style, 0x2026, shown);

	line->is_full = true;
	drop_until(line, line->style->width - count);
	for (int i = 0; i < count; i++)
		append_cell(line, ink, shown[i]);
}

void text_line_put(struct text_line *line, enum ink ink, const char *text)
{
	uint32_t character;

	while (!line->is_full && (character = utf8_next(&text)) != 0) {
		uint32_t shown[3];
		int count = shown_as(line->style, character, shown);
		for (int i = 0; i < count; i++) {
			if (line->columns + utf8_columns(shown[i]) > line->style->width) {
				cut(line, ink);
				return;
			}
			append_cell(line, ink, shown[i]);
		}
	}
}

void text_line_print(struct text_line *line, enum ink ink, const char *format, ...)
{
	char *text;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	text_line_put(line, ink, text ? text : "?");
	free(text);
}

void text_line_pad(struct text_line *line, int column)
{
	while (!line->is_full && line->columns < column && line->columns < line->style->width)
		append_cell(line, INK_PLAIN, ' ');
}

int text_line_room(const struct text_line *line)
{
	return line->is_full ? 0 : line->style->width - line->columns;
}

void text_line_make_room(struct text_line *line, int columns, int indent)
{
	if (text_line_room(line) >= columns)
		return;
	text_line_end(line);
	text_line_pad(line, indent);
}

bool text_line_put_right(struct text_line *line, enum ink ink, const char *text)
{
	int columns = text_columns(line->style, text);

	if (columns + 1 > text_line_room(line))
		return false;
	text_line_pad(line, line->style->width - columns);
	text_line_put(line, ink, text);
	return true;
}

void text_line_end(struct text_line *line)
{
	enum ink ink = INK_PLAIN;

	while (line->cell_count > 0 && line->cells[line->cell_count - 1].character == ' ')
		line->cell_count--;
	for (int i = 0; i < line->cell_count; i++) {
		const struct text_cell *cell = &line->cells[i];
		char bytes[UTF8_MAX_BYTES];
		/* A blank has no ink: fewer escape sequences. */
		if (cell->character != ' ' && cell->ink != ink) {
			if (ink != INK_PLAIN)
				fputs(text_style_reset(line->style), line->stream);
			ink = cell->ink;
			fputs(text_style_ink(line->style, ink), line->stream);
		}
		fwrite(bytes, 1, utf8_put(cell->character, bytes), line->stream);
	}
	if (ink != INK_PLAIN)
		fputs(text_style_reset(line->style), line->stream);
	fputc('\n', line->stream);
	text_line_begin(line, line->stream, line->style);
}

int text_columns(const struct text_style *style, const char *text)
{
	int columns = 0;

	for (uint32_t character; (character = utf8_next(&text)) != 0;) {
		uint32_t shown[3];
		int count = shown_as(style, character, shown);
		for (int i = 0; i < count; i++)
			columns += utf8_columns(shown[i]);
	}
	return columns;
}

void text_paragraph(FILE *stream, const struct text_style *style, enum ink ink, const char *lead,
		    int indent, const char *text)
{
	struct text_line line;
	char *copy = strdup(text);
	char *rest = NULL;
	bool is_first_word = true;

	if (!copy)
		return;
	text_line_begin(&line, stream, style);
	text_line_put(&line, INK_TITLE, lead);
	text_line_pad(&line, indent);
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (!is_first_word && text_columns(style, word) + 1 > text_line_room(&line)) {
			text_line_end(&line);
			text_line_pad(&line, indent);
			is_first_word = true;
		}
		if (!is_first_word)
			text_line_put(&line, ink, " ");
		text_line_put(&line, ink, word);
		is_first_word = false;
	}
	text_line_end(&line);
	free(copy);
}

void text_command(FILE *stream, const struct text_style *style, enum ink ink, const char *lead,
		  int indent, const char *text, const char *command)
{
	struct text_style wide = *style;
	struct text_line line;
	char *whole;

	if (asprintf(&whole, "%s %s", text, command) < 0)
		return;
	if (indent + text_columns(style, whole) <= style->width) {
		text_line_begin(&line, stream, style);
		text_line_put(&line, INK_TITLE, lead);
		text_line_pad(&line, indent);
		text_line_put(&line, ink, whole);
		text_line_end(&line);
	} else {
		wide.width = TEXT_WIDTH_MAX;
		text_paragraph(stream, style, ink, lead, indent, text);
		text_line_begin(&line, stream, &wide);
		text_line_pad(&line, indent);
		text_line_put(&line, ink, command);
		text_line_end(&line);
	}
	free(whole);
}
