/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_while_threads_allocate: four threads allocate and free as fast as they can, and may hold
 * what they have in a register at any moment; main() has lost ten blocks and kept ten.
 *
 * links: -pthread
 * reach lose: definitely_lost=400/10
 * reach keep: reachable=240/10
 * reach churn: reachable=any possibly_lost=any
 */
#include <pthread.h>

#include "scan_point.h"

void *kept[10];
static volatile int begun;

APART static void lose(void)
{
	kept[0] = malloc(40);
}

APART static void keep(int index)
{
	kept[index] = malloc(24);
}

APART static void churn(void *volatile *slots, unsigned random)
{
	unsigned index = random / 65536 % 16;

	free(slots[index]);
	slots[index] = NULL;
	slots[index] = malloc(random / 256 % 2000);
}

static void *churn_for_ever(void *unused)
{
	void *volatile slots[16] = {unused};

	for (unsigned random = 1;; random = random * 1103515245 + 12345) {
		churn(slots, random);
		if (random == 1)
			__atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);
	}
	return unused;
}

APART static void start(void)
{
	pthread_t thread;

	for (int i = 0; i < 4; i++)
		if (pthread_create(&thread, NULL, churn_for_ever, NULL))
			abort();
	while (begun < 4)
		poll(NULL, 0, 1);
}

int main(void)
{
	start();
	for (int i = 0; i < 10; i++)
		lose();
	for (int i = 0; i < 10; i++)
		keep(i);
	scan_point();
}
