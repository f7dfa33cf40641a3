/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int twice(int x)
{
	return x * 2;
}

int main(int count, char **words)
{
	char *text = malloc(9);
	int unset;
	strcpy(text, "text");
	printf("%d %s %d\n", count, text, twice(21));
	free(text);
	text = malloc(8);
	return words[0] ? 4 : unset;
}
