/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress_line: one line on a terminal that says what takes so long.
 */
#include "tools/symbols/progress_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_NS 1000000000ull
#define REDRAW_NS 100000000ull

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* A line that wraps could not be erased. */
static size_t columns_of_terminal(void)
{
	struct winsize size;
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

void progress_line_begin(struct progress_line *line, bool is_wanted)
{
	*line = (struct progress_line){
		.is_wanted = is_wanted && isatty(STDERR_FILENO),
		.begin_ns = now_ns(),
	};
}

void progress_line_tick(struct progress_line *line, const char *format, ...)
{
	if (!line->is_wanted)
		return;
	uint64_t now = now_ns();
	if (now - line->begin_ns < PATIENCE_NS || now < line->drawn_ns + REDRAW_NS)
		return;
	line->drawn_ns = now;
	line->is_drawn = true;

	char text[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);

	char drawn[600];
	snprintf(drawn, sizeof(drawn), "seep: reading symbols %3u %%: %s", line->percent, text);
	size_t columns = columns_of_terminal();
	if (strlen(drawn) >= columns)
		drawn[columns - 1] = '\0';
	fprintf(stderr, "\r%s\033[K", drawn);
	fflush(stderr);
}

void progress_line_end(struct progress_line *line)
{
	if (line->is_drawn) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
	}
	line->is_drawn = false;
	line->is_wanted = false;
}
