/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opens_converters: libc loads a module for each encoding that a program converts from, and unloads it when
 * it has not been used for a while: by a way that nobody can interpose. Another module takes its place.
 *
 *     opens_converters ROUNDS ENCODINGS
 *
 * The test, which brings the modules, is in test_reload.py.
 */
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((noinline)) static void use_converter(int number)
{
	iconv_t converter;
	char name[32];

	snprintf(name, sizeof(name), "SEEP-%d", number);
	converter = iconv_open("UTF-8", name);
	if (converter == (iconv_t)-1)
		abort();
	if (iconv_close(converter))
		abort();
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[1]) : 0, encodings = argc > 2 ? atoi(argv[2]) : 0;

	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < encodings; i++)
			use_converter(1 + (i * (1 + 2 * (round % (encodings / 2)))) % encodings);
	return 0;
}
