/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fills_a_cache_between_marks: does ROUNDS rounds of the same work and marks the end of each. In each
 * round it fetches 400 of 1000 pages at random, and keeps what it has fetched: the cache is nearly full
 * after ten rounds, and flat from then on. What is in use between the marks becomes more with every
 * round, and is given back.
 *
 *     fills_a_cache_between_marks ROUNDS
 *
 * Its twin is leaks_a_block_a_round. The test is in test_marks.py.
 */
#include <stdlib.h>

#include "seep.h"

#define PAGES 1000
#define FETCHES 400
#define MORE_IN_USE 10 /* blocks, with each round */

static void *pages[PAGES];
static void *in_use[MORE_IN_USE * 1000];

__attribute__((noinline)) static void fetch(unsigned page)
{
	if (!pages[page])
		pages[page] = malloc(128);
}

__attribute__((noinline)) static void *use(void)
{
	void *volatile block = malloc(48);
	return block;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 6;
	unsigned random = 12345;

	for (int round = 0; round < rounds && round < 1000; round++) {
		for (int i = 0; i < FETCHES; i++) {
			random = random * 1103515245 + 12345; /* that of the C standard */
			fetch(random / 65536 % PAGES);
		}
		for (int i = 0; i < round * MORE_IN_USE; i++)
			in_use[i] = use();
		if (seep_mark("busy") != 0)
			return 1;
		for (int i = 0; i < round * MORE_IN_USE; i++)
			free(in_use[i]);
		if (seep_mark("idle") != 0)
			return 1;
	}
	return 0;
}
