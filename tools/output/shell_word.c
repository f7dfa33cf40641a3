/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shell_word: quotes for the shell, only where they are needed.
 */
#include "tools/output/shell_word.h"

#include <string.h>

static const char harmless[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
			       "_./@%+:,-";

const char *shell_word(const char *text, char word[SHELL_WORD_BYTES])
{
	char *out = word;

	if (*text && text[strspn(text, harmless)] == 0) {
		*word = 0;
		strncat(word, text, SHELL_WORD_BYTES - 1);
		return word;
	}
	*out++ = '\'';
	for (; *text && out - word < SHELL_WORD_BYTES - 6; text++) {
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
