/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prints_with_stdio: buffers that belong to the C library are blocks like others, those still
 * held at exit too.
 *
 * valgrind: equal
 */
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

int main(void)
{
	FILE *file = tmpfile();
	char word[32];

	for (int i = 0; i < 3000; i++)
		fprintf(file, "%d %s\n", i, "some words to fill more than one buffer");
	rewind(file);
	for (int i = 0; i < 10; i++)
		if (fscanf(file, "%31s", word) != 1)
			abort();
	fclose(file);
	file = fopen("/proc/self/stat", "r");
	setvbuf(file, NULL, _IOFBF, 12345);
	if (fgetc(file) == EOF)
		abort();
	printf("%s %.300f\n", word, 1.0 / 3.0);
	fprintf(stderr, "%ls\n", L"wide");
	return 0;
}
