/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shell_word: quotes for the shell, only where they are needed.
 */
#include "tools/output/shell_word.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tools/output/utf8.h"

/* What one more byte may become, a quote and the end. */
#define ROOM_FOR_BYTE 6

static const char harmless[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
			       "_./@%+:,-=";

/* The bytes of the next character, which cannot be shown as it is; 0 where it can. */
static size_t unshowable(const char *text)
{
	const char *end = text;
	uint32_t character = utf8_next(&end);
	size_t bytes = (size_t)(end - text);

	/* One byte that is not UTF-8 counts as the character for such. */
	return utf8_is_unsafe(character) || (character == UTF8_REPLACEMENT && bytes == 1) ? bytes
											  : 0;
}

static bool has_unshowable(const char *text)
{
	for (; *text; utf8_next(&text))
		if (unshowable(text))
			return true;
	return false;
}

static const char *escape(const char *text, char word[SHELL_WORD_BYTES])
{
	char *out = stpcpy(word, "$'");

	while (*text && out - word < SHELL_WORD_BYTES - ROOM_FOR_BYTE) {
		size_t bytes = unshowable(text);
		if (!bytes) {
			const char *from = text;
			if (*text == '\'' || *text == '\\')
				*out++ = '\\';
			utf8_next(&text);
			out = mempcpy(out, from, (size_t)(text - from));
			continue;
		}
		for (; bytes && out - word < SHELL_WORD_BYTES - ROOM_FOR_BYTE; bytes--)
			out += sprintf(out, "\\x%02x", (unsigned char)*text++);
	}
	strcpy(out, "'");
	return word;
}

const char *shell_word(const char *text, char word[SHELL_WORD_BYTES])
{
	char *out = word;

	/* zsh takes =ls for where ls is. */
	if (*text && *text != '=' && text[strspn(text, harmless)] == 0) {
		*word = 0;
		strncat(word, text, SHELL_WORD_BYTES - 1);
		return word;
	}
	if (has_unshowable(text))
		return escape(text, word);
	*out++ = '\'';
	for (; *text && out - word < SHELL_WORD_BYTES - ROOM_FOR_BYTE; text++) {
		if (*text == '\'') {
			memcpy(out, "'\\''", 4);
			out += 4;
		} else {
			*out++ = *text;
		}
	}
	strcpy(out, "'");
	return word;
}
