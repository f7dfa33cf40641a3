/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runs_on_small_thread_stack: every entry point within a 16 KiB thread stack, of which the thread
 * uses half itself.
 *
 * links: -pthread
 * expect: lost_blocks=0
 * function in_small_thread: live_blocks=3 live_bytes=600
 */
#include <pthread.h>
#include <stdlib.h>

void *blocks[3];

__attribute__((noinline)) static void *in_small_thread(void *unused)
{
	volatile char used[8192];

	used[0] = used[8191] = 1;
	blocks[0] = malloc(100 * used[0]);
	blocks[1] = calloc(2, 100);
	if (posix_memalign(&blocks[2], 64, 300))
		abort();
	free(realloc(malloc(10), 100000));
	return unused;
}

int main(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	if (pthread_attr_setstacksize(&attributes, 16384))
		abort();
	if (pthread_create(&thread, &attributes, in_small_thread, NULL))
		abort();
	pthread_join(thread, NULL);
	return 0;
}
