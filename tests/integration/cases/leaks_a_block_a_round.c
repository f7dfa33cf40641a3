/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaks_a_block_a_round: does ROUNDS rounds of the same work and marks the end of each. A round forgets
 * one block, opens and closes a few sessions, looks up names that it has met before, and reads lines into
 * a buffer that has become long enough. With --clean it forgets nothing.
 *
 *     leaks_a_block_a_round ROUNDS [--clean]
 *
 * Its twin is fills_a_cache_between_marks. The test is in test_marks.py.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "seep.h"

#define SESSIONS 20

static void *volatile last;

__attribute__((noinline)) static void *forget(void)
{
	void *block = malloc(64);
	last = block;
	return block;
}

__attribute__((noinline)) static void *open_session(void)
{
	void *block = malloc(200);
	last = block;
	return block;
}

__attribute__((noinline)) static void close_session(void *session)
{
	last = NULL;
	free(session);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 6;
	bool is_clean = argc > 2 && strcmp(argv[2], "--clean") == 0;
	void *sessions[SESSIONS];

	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < SESSIONS; i++)
			sessions[i] = open_session();
		if (!is_clean)
			forget();
		if (seep_mark("busy") != 0)
			return 1;
		for (int i = 0; i < SESSIONS; i++)
			close_session(sessions[i]);
		if (seep_mark("idle") != 0)
			return 1;
	}
	return 0;
}
