/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grows_on_command: a server for tests. It reads lines from stdin and answers each with "ok":
 *
 *     leak COUNT BYTES     allocate and keep
 *     fill COUNT BYTES     allocate and keep, from another place
 *     drop                 free what fill allocated
 *     sites COUNT          allocate one block from each of COUNT different stacks
 *     sleep MILLISECONDS
 *
 * Used by test_snapshots.py and others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void **filled;
static size_t filled_count;
static volatile int depth_guard;

__attribute__((noinline)) static void leak(long count, size_t bytes)
{
	for (long i = 0; i < count; i++)
		memset(malloc(bytes), 1, bytes < 64 ? bytes : 64);
}

__attribute__((noinline)) static void fill(long count, size_t bytes)
{
	for (long i = 0; i < count; i++) {
		filled = realloc(filled, (filled_count + 1) * sizeof(void *));
		filled[filled_count++] = malloc(bytes);
	}
}

static void drop(void)
{
	while (filled_count > 0)
		free(filled[--filled_count]);
}

/* Each bit of `number` goes another way, so that each number has its own stack. */
static void descend(unsigned number, int bits);

__attribute__((noinline)) static void left(unsigned number, int bits)
{
	descend(number, bits);
	depth_guard++;
}

__attribute__((noinline)) static void right(unsigned number, int bits)
{
	descend(number, bits);
	depth_guard--;
}

__attribute__((noinline)) static void descend(unsigned number, int bits)
{
	if (bits == 0)
		memset(malloc(24), 1, 24);
	else if (number >> (bits - 1) & 1)
		left(number, bits - 1);
	else
		right(number, bits - 1);
	depth_guard++;
}

int main(void)
{
	char line[256];

	while (fgets(line, sizeof(line), stdin)) {
		long count = 0, bytes = 0;

		if (sscanf(line, "leak %ld %ld", &count, &bytes) == 2)
			leak(count, bytes);
		else if (sscanf(line, "fill %ld %ld", &count, &bytes) == 2)
			fill(count, bytes);
		else if (!strcmp(line, "drop\n"))
			drop();
		else if (sscanf(line, "sites %ld", &count) == 1)
			for (long i = 0; i < count; i++)
				descend((unsigned)i, 16);
		else if (sscanf(line, "sleep %ld", &count) == 1)
			usleep(count * 1000);
		puts("ok");
		fflush(stdout);
	}
	return 0;
}
