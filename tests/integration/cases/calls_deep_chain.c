/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls_deep_chain: every frame with its function and line, optimised or not, with frame pointers
 * or without, with alloca and variable frames on the way.
 *
 * build: -O0; -O2; -O2 -fno-omit-frame-pointer; -O3 -fno-pie -no-pie; -Os
 * site seventh: live_blocks=1 live_bytes=777
 * stack seventh: seventh@7 < sixth@6 < fifth@5 < fourth@4 < third@3 < second@2 < first@1 < main@0
 */
#include <alloca.h>
#include <stdlib.h>
#include <string.h>

#define LEVEL __attribute__((noinline, noclone)) static int

void *block;

LEVEL seventh(int depth)
{
	block = malloc(770 + depth); /* 7 */
	return depth;
}

LEVEL sixth(int depth)
{
	char text[depth * 10];

	memset(text, depth, sizeof(text));
	return seventh(depth + 1) + text[depth]; /* 6 */
}

LEVEL fifth(int depth)
{
	volatile char big[9000];

	big[depth] = 1;
	return sixth(depth + 1) + big[depth]; /* 5 */
}

LEVEL fourth(int depth)
{
	char *text = alloca(depth * 100);

	memset(text, depth, depth * 100);
	return fifth(depth + 1) + text[depth]; /* 4 */
}

LEVEL third(int depth)
{
	long aligned[8] __attribute__((aligned(64)));

	for (int i = 0; i < 8; i++)
		((volatile long *)aligned)[i] = depth;
	return fourth(depth + 1) + (int)aligned[depth]; /* 3 */
}

LEVEL second(int depth)
{
	return third(depth + 1) + 1; /* 2 */
}

LEVEL first(int depth)
{
	return second(depth + 1) + 1; /* 1 */
}

int main(void)
{
	return first(1) == 0; /* 0 */
}
