/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text: building and reading short texts without libc's stdio and locale.
 *
 *   Runs in   the target's start-up, cold paths, the helper
 *   Locks     none
 *   Memory    the caller's buffers
 *   Calls     nothing
 *   Failure   what does not fit is cut and marked
 */
#include "lib/base/text.h"

#include "lib/base/poison.h"

void text_add_bytes(struct text *text, const char *part, size_t bytes)
{
	size_t room = text->capacity - 1 - text->bytes;

	if (bytes > room) {
		bytes = room;
		text->is_cut = true;
	}
	for (size_t i = 0; i < bytes; i++)
		text->start[text->bytes + i] = part[i];
	text->bytes += bytes;
	text->start[text->bytes] = 0;
}

void text_add(struct text *text, const char *part)
{
	text_add_bytes(text, part, text_bytes(part));
}

void text_add_number(struct text *text, uint64_t number)
{
	char digits[20];
	size_t count = 0;

	do {
		digits[sizeof(digits) - ++count] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	text_add_bytes(text, digits + sizeof(digits) - count, count);
}

size_t text_bytes(const char *text)
{
	size_t bytes = 0;

	while (text[bytes] != 0)
		bytes++;
	return bytes;
}

bool text_equal(const char *a, const char *b)
{
	while (*a != 0 && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

const char *text_file_name(const char *path)
{
	const char *name = path;

	for (; *path != 0; path++)
		if (*path == '/')
			name = path + 1;
	return name;
}

bool text_begins_with(const char *text, const char *beginning)
{
	while (*beginning != 0 && *text == *beginning) {
		text++;
		beginning++;
	}
	return *beginning == 0;
}

bool text_read_number(const char **text, uint64_t *number)
{
	const char *next = *text;
	uint64_t value = 0;

	if (*next < '0' || *next > '9')
		return false;
	for (; *next >= '0' && *next <= '9'; next++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*next - '0'), &value))
			return false;
	}
	*text = next;
	*number = value;
	return true;
}

const char *text_find_line(const char *lines, const char *key)
{
	size_t key_bytes = text_bytes(key);

	while (*lines != 0) {
		size_t i = 0;

		while (i < key_bytes && lines[i] == key[i])
			i++;
		if (i == key_bytes)
			return lines + i;
		while (*lines != 0 && *lines++ != '\n')
			;
	}
	return NULL;
}
