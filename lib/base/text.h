/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text: building and reading short texts without libc's stdio and locale.
 *
 * A struct text is a bounded buffer: what does not fit is cut, the text always ends with a zero
 * byte, and `is_cut` tells.
 */
#ifndef LIB_BASE_TEXT_H
#define LIB_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *start;
	size_t bytes; /* without the zero byte */
	size_t capacity;
	bool is_cut;
};

/* An empty text in `buffer`, an array. */
#define TEXT_IN(buffer)                                                                            \
	(struct text)                                                                              \
	{                                                                                          \
		.start = ((buffer)[0] = 0, (buffer)), .capacity = sizeof(buffer)                   \
	}

void text_add(struct text *text, const char *part);
void text_add_bytes(struct text *text, const char *part, size_t bytes);
void text_add_number(struct text *text, uint64_t number);

bool text_equal(const char *a, const char *b);
bool text_begins_with(const char *text, const char *beginning);
size_t text_bytes(const char *text);
/* What stands behind the last slash of a path. */
const char *text_file_name(const char *path);

/* Reads a decimal number at *text and moves *text behind it; false where there is none or it
 * does not fit. */
bool text_read_number(const char **text, uint64_t *number);

/* Finds `key` (with its colon, e.g. "VmRSS:") at the start of a line, returns what follows it, or
 * null. For files such as /proc/PID/status. */
const char *text_find_line(const char *lines, const char *key);

#endif
