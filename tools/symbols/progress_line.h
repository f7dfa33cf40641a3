/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress_line: one line on a terminal that says what takes so long.
 *
 * Appears on stderr only when that is a terminal and the work has gone on for more than a second;
 * is redrawn at most ten times a second and erased at the end.
 */
#ifndef SEEP_SYMBOLS_PROGRESS_LINE_H
#define SEEP_SYMBOLS_PROGRESS_LINE_H

#include <stdbool.h>
#include <stdint.h>

struct progress_line {
	bool is_wanted;
	bool is_drawn;
	uint64_t begin_ns, drawn_ns;
	unsigned percent; /* of the whole work; the caller keeps it up to date */
};

void progress_line_begin(struct progress_line *line, bool is_wanted);

/* Draws the line when it is time to. `format` says what is being done now, without newline. */
void progress_line_tick(struct progress_line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void progress_line_end(struct progress_line *line);

#endif
