/* SPDX-License-Identifier: Apache-2.0 */
/*
 * near_word: which of the words that there are somebody may have meant.
 */
#include "tools/commands/near_word.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Damerau's distance between two words: letters added, left out, changed, or swapped with their
 * neighbour. Words longer than the table are as far apart as can be. */
static unsigned slips_between(const char *a, const char *b)
{
	enum { LONGEST = 32 };
	unsigned table[LONGEST + 1][LONGEST + 1];
	size_t a_length = strlen(a), b_length = strlen(b);

	if (a_length > LONGEST || b_length > LONGEST)
		return UINT32_MAX;
	for (size_t i = 0; i <= a_length; i++) {
		for (size_t j = 0; j <= b_length; j++) {
			if (!i || !j) {
				table[i][j] = (unsigned)(i + j);
				continue;
			}
			unsigned best = table[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (table[i - 1][j] + 1 < best)
				best = table[i - 1][j] + 1;
			if (table[i][j - 1] + 1 < best)
				best = table[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    table[i - 2][j - 2] + 1 < best)
				best = table[i - 2][j - 2] + 1;
			table[i][j] = best;
		}
	}
	return table[a_length][b_length];
}

unsigned near_word_distance(const char *typed, const char *word)
{
	/* A beginning of at least two letters is as good as one slip. */
	if (strlen(typed) >= 2 && strcmp(typed, word) != 0 &&
	    strncmp(typed, word, strlen(typed)) == 0)
		return 1;
	return slips_between(typed, word);
}

bool near_word_is_near(const char *typed, unsigned distance)
{
	return distance <= 1 + strlen(typed) / 4;
}
