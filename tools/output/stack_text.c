/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_text: a stack as lines of text.
 */
#include "tools/output/stack_text.h"

#include <stdlib.h>

#include "tools/model/report.h"
#include "tools/output/frame_text.h"
#include "tools/output/function_name.h"
#include "tools/output/number_text.h"
#include "tools/output/stack_shape.h"
#include "tools/output/text_line.h"

/* A name is never shortened below this to make room for a place. */
#define NAME_COLUMNS_MIN 16
#define GAP_COLUMNS 2

static enum ink ink_of(const struct frame *frame)
{
	return frame->is_pseudo || frame->is_wrapper ? INK_DIM : INK_PLAIN;
}

static int put_name(struct text_line *line, enum ink ink, const struct frame *frame, int columns)
{
	char buffer[FRAME_NAME_BYTES];
	char *name = function_name_fit(line->style, frame_name(frame, buffer), columns);
	int before = line->columns;

	text_line_put(line, ink, name ? name : "?");
	free(name);
	return line->columns - before;
}

static bool is_shown(const struct stack_shape *shape, size_t index)
{
	return index < shape->gap_begin || index >= shape->gap_end;
}

static int name_columns(const struct text_style *style, const struct frame *frame, int columns)
{
	char buffer[FRAME_NAME_BYTES];
	char *name = function_name_fit(style, frame_name(frame, buffer), columns);
	int result = name ? text_columns(style, name) : 1;

	free(name);
	return result;
}

/* The column at which places begin: behind the longest name, unless names are so long that places
 * would not fit any more. */
static int place_column(const struct text_style *style, const struct report_site *site,
			const struct stack_shape *shape, size_t first, int indent)
{
	int widest_place = 0, widest_name = 0;
	char place[FRAME_PLACE_BYTES];

	for (size_t i = first; i < shape->end; i++) {
		int columns =
			text_columns(style, frame_place_in_stack(site, &site->frames[i], place));
		if (is_shown(shape, i) && columns > widest_place)
			widest_place = columns;
	}
	int room = style->width - indent - GAP_COLUMNS - widest_place;
	if (room < NAME_COLUMNS_MIN)
		room = NAME_COLUMNS_MIN;
	for (size_t i = first; i < shape->end; i++) {
		/* A frame without a place can use the whole line and need not push the others. */
		if (!is_shown(shape, i) || !frame_place_in_stack(site, &site->frames[i], place)[0])
			continue;
		int columns = name_columns(style, &site->frames[i], room);
		widest_name = columns > widest_name ? columns : widest_name;
	}
	return indent + widest_name + GAP_COLUMNS;
}

static void write_frame(struct text_line *line, const struct report_site *site,
			const struct frame *frame, int indent, int column)
{
	char place[FRAME_PLACE_BYTES];

	frame_place_in_stack(site, frame, place);
	text_line_pad(line, indent);
	put_name(line, ink_of(frame), frame,
		 place[0] ? column - indent - GAP_COLUMNS : text_line_room(line));
	if (place[0]) {
		text_line_pad(line, column);
		text_line_put(line, frame->is_wrapper ? INK_DIM : INK_PLACE, place);
	}
	text_line_end(line);
}

/* The wrappers between malloc and the program's own frame, in the order of the calls back. */
static void write_wrappers(struct text_line *line, const struct report_site *site, size_t own,
			   int indent)
{
	text_line_pad(line, indent);
	text_line_put(line, INK_DIM, "via ");
	for (size_t i = 0; i < own; i++) {
		if (i)
			text_line_put(line, INK_DIM, " ← ");
		put_name(line, INK_DIM, &site->frames[i], line->style->width / 2);
	}
	text_line_end(line);
}

void stack_text_write(FILE *stream, const struct text_style *style, const struct report_site *site,
		      int indent, bool is_full)
{
	struct stack_shape shape = stack_shape_of(site, is_full);
	size_t first = is_full ? 0 : shape.own;
	int column = place_column(style, site, &shape, first, indent);
	struct text_line line;

	text_line_begin(&line, stream, style);
	if (site->frame_count == 0) {
		text_line_pad(&line, indent);
		text_line_put(&line, INK_DIM, "(no stack was recorded)");
		text_line_end(&line);
		return;
	}
	if (first > 0)
		write_wrappers(&line, site, first, indent);
	for (size_t i = first; i < shape.end; i++) {
		if (is_shown(&shape, i)) {
			write_frame(&line, site, &site->frames[i], indent, column);
		} else if (i == shape.gap_begin) {
			text_line_pad(&line, indent);
			text_line_print(&line, INK_DIM, "… %s frames …",
					number_count(shape.gap_end - shape.gap_begin).text);
			text_line_end(&line);
		}
	}
}

static void put_frame(struct text_line *line, const struct report_site *site,
		      const struct frame *frame)
{
	char place[FRAME_PLACE_BYTES];

	frame_place(site, frame, place);
	int room = text_line_room(line) - (place[0] ? text_columns(line->style, place) + 1 : 0);
	put_name(line, INK_PLAIN, frame, room > NAME_COLUMNS_MIN ? room : NAME_COLUMNS_MIN);
	if (place[0]) {
		text_line_put(line, INK_PLAIN, " ");
		text_line_put(line, INK_PLACE, place);
	}
}

void stack_text_put_own(struct text_line *line, const struct report_site *site)
{
	const struct frame *frame = stack_own_frame(site);

	if (frame)
		put_frame(line, site, frame);
	else
		text_line_put(line, INK_DIM, "(no stack was recorded)");
}

void stack_text_put_caller(struct text_line *line, const struct report_site *site, int indent)
{
	const struct frame *frame = stack_caller_frame(site);

	if (!frame)
		return;
	text_line_end(line);
	text_line_pad(line, indent);
	text_line_put(line, INK_PLAIN, "called from ");
	put_frame(line, site, frame);
}

void stack_text_put_chain(struct text_line *line, const struct report_site *site)
{
	struct stack_shape shape = stack_shape_of(site, false);

	stack_text_put_own(line, site);
	for (size_t i = shape.own + 1; i < shape.end; i++) {
		char buffer[FRAME_NAME_BYTES];
		if (site->frames[i].is_pseudo)
			break;
		char *name = function_name_fit(line->style, frame_name(&site->frames[i], buffer),
					       line->style->width / 3);
		bool fits = name && text_columns(line->style, name) +
						    text_columns(line->style, " ←  ← …") <=
					    text_line_room(line);
		if (fits) {
			text_line_put(line, INK_DIM, " ← ");
			text_line_put(line, INK_DIM, name);
		} else if (text_columns(line->style, " ← …") <= text_line_room(line)) {
			text_line_put(line, INK_DIM, " ← …");
		}
		free(name);
		if (!fits)
			break;
	}
}
