/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocates_in_fork_handlers: a library for forks_with_allocating_handlers; no case of its own. The
 * blocks are large enough to leave seep's fast path, and some stay.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static _Atomic(void *) kept[3]; /* several threads may fork at a time */

static void replace(int index)
{
	free(malloc(5000));
	free(atomic_exchange(&kept[index], malloc(4000)));
}

static void before(void)
{
	replace(0);
}

static void after_in_parent(void)
{
	replace(1);
}

static void after_in_child(void)
{
	replace(2);
}

__attribute__((constructor)) static void start(void)
{
	pthread_atfork(before, after_in_parent, after_in_child);
}
