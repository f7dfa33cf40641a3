/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copies_strings: functions of the C library that allocate for their caller. The stack begins in
 * the program, whatever lies between.
 *
 * build: -O0
 * site keeps_strdup: live_blocks=1 live_bytes=28
 * site keeps_strndup: live_blocks=1 live_bytes=25
 * site keeps_asprintf: live_blocks=1 live_bytes=33
 * site keeps_getline: live_blocks=1 live_bytes=120
 * valgrind: equal
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEPER __attribute__((noinline)) static void

char *kept[5];

KEEPER keeps_strdup(void)
{
	kept[0] = strdup("a text that is copied whole");
}

KEEPER keeps_strndup(void)
{
	kept[1] = strndup("only the first half of this text is copied", 24);
}

KEEPER keeps_asprintf(void)
{
	if (asprintf(&kept[2], "a value that is written out: %d", 123) < 0)
		abort();
}

KEEPER keeps_getline(void)
{
	size_t bytes = 0;
	FILE *file = fmemopen((char[]){"one line\n"}, 9, "r");

	if (getline(&kept[3], &bytes, file) != 9)
		abort();
	fclose(file);
}

KEEPER frees_memstream(void)
{
	size_t bytes;
	FILE *file = open_memstream(&kept[4], &bytes);

	for (int i = 0; i < 1000; i++)
		fprintf(file, "line %d\n", i);
	fclose(file);
	free(kept[4]);
	kept[4] = NULL;
}

int main(void)
{
	keeps_strdup();
	keeps_strndup();
	keeps_asprintf();
	keeps_getline();
	frees_memstream();
	return 0;
}
