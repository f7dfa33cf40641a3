/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocates_while_dlsym_fails: the loader allocates the error text inside dlsym, in many threads
 * at once; nothing hangs and nothing is lost.
 *
 * links: -pthread -ldl
 * site keep: live_blocks=400 live_bytes=12800
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

void *blocks[400];

__attribute__((noinline)) static void keep(long index)
{
	blocks[index] = malloc(32);
}

static void *run(void *number)
{
	for (long i = 0; i < 100; i++) {
		if (dlsym(RTLD_DEFAULT, "no_such_name") || dlsym(RTLD_NEXT, "nor_this"))
			abort();
		if (!dlerror())
			abort();
		keep((long)number * 100 + i);
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[4];

	for (long i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, run, (void *)i);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
