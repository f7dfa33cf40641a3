/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counted_work: what a process allocates and frees, so that each one's file can be told from the
 * others', and every number in it is known; for the programs of test_trees.py.
 *
 * A parent that has kept_for_children has 50 blocks at the site `keep`. A process that does work(N)
 * allocates N blocks there, of which 3 are freed, and frees 10 of those that it has inherited.
 */
#ifndef CASES_COUNTED_WORK_H
#define CASES_COUNTED_WORK_H

#include <stdlib.h>

#define INHERITED 50
#define INHERITED_FREED 10
#define OWN_MAX 200
#define OWN_FREED 3

static void *volatile inherited[INHERITED];
static void *volatile own[OWN_MAX];

__attribute__((noinline, noclone)) static void *keep(void)
{
	void *volatile block = malloc(100);

	return block;
}

__attribute__((unused)) static void keep_for_children(void)
{
	for (int i = 0; i < INHERITED; i++)
		inherited[i] = keep();
}

/* Returns its argument, which is to be the process's exit status. */
static int work(int count)
{
	for (int i = 0; i < INHERITED_FREED; i++) {
		free(inherited[i]);
		inherited[i] = NULL;
	}
	for (int i = 0; i < count; i++)
		own[i] = keep();
	for (int i = 0; i < OWN_FREED; i++)
		free(own[i]);
	return count;
}

#endif
