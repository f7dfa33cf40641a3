/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uses_c11_threads: with destructors of thread-specific storage, once and thrd_exit.
 *
 * links: -pthread
 * expect: lost_blocks=0
 * function in_thread: allocations=80 frees=0 live_blocks=80 live_bytes=3200
 * function only_once: live_blocks=1 live_bytes=99
 * function make_value: live_blocks=0
 */
#include <stdlib.h>
#include <threads.h>

#define THREADS 8

void *blocks[THREADS][10], *once_block;
static once_flag flag = ONCE_FLAG_INIT;
static tss_t key;

__attribute__((noinline)) static void only_once(void)
{
	once_block = malloc(99);
}

__attribute__((noinline, noclone)) static void *make_value(void)
{
	void *volatile block = malloc(30);

	return block;
}

__attribute__((noinline)) static int in_thread(void *number)
{
	void **mine = number;

	call_once(&flag, only_once);
	tss_set(key, make_value());
	for (int i = 0; i < 10; i++)
		mine[i] = malloc(40);
	thrd_exit(7);
}

int main(void)
{
	thrd_t threads[THREADS];
	int result;

	if (tss_create(&key, free) != thrd_success)
		return 2;
	for (int i = 0; i < THREADS; i++)
		if (thrd_create(&threads[i], in_thread, blocks[i]) != thrd_success)
			return 3;
	for (int i = 0; i < THREADS; i++)
		if (thrd_join(threads[i], &result) != thrd_success || result != 7)
			return 4;
	return 0;
}
