/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ends_main_before_its_threads: main leaves by pthread_exit, and they work on without it.
 *
 * links: -pthread
 * expect: lost_blocks=0
 * function in_thread: live_blocks=400 live_bytes=20000 allocations=400
 * function main: live_blocks=1 live_bytes=77
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 4

void *blocks[THREADS][100], *of_main;
static pthread_t main_thread;

__attribute__((noinline)) static void *in_thread(void *number)
{
	void **mine = number;

	if (mine == blocks[0])
		pthread_join(main_thread, NULL);
	else
		usleep(100000);
	for (int i = 0; i < 100; i++)
		mine[i] = malloc(50);
	free(malloc(60));
	return NULL;
}

int main(void)
{
	pthread_t thread;

	main_thread = pthread_self();
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread, NULL, in_thread, blocks[i]);
	of_main = malloc(77);
	pthread_exit(NULL);
}
