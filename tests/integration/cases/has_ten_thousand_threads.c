/* SPDX-License-Identifier: Apache-2.0 */
/*
 * has_ten_thousand_threads: as many threads as the argument says are alive together; each keeps a block,
 * allocates and frees others, and waits for all. Then they end. Where the kernel does not allow so many the
 * program ends with 77.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "seep.h"

static pthread_barrier_t all_there, may_go;
static void **kept;

static __attribute__((noinline)) void *keep(void)
{
	return malloc(40);
}

static void *work(void *place)
{
	*(void **)place = keep();
	for (int i = 0; i < 10; i++) {
		void *volatile block = malloc(100);

		free(block);
	}
	pthread_barrier_wait(&all_there);
	pthread_barrier_wait(&may_go);
	return NULL;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 10000;
	pthread_t *threads = calloc((size_t)count, sizeof(*threads));
	pthread_attr_t attributes;

	kept = calloc((size_t)count, sizeof(*kept));
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 16384);
	pthread_barrier_init(&all_there, NULL, (unsigned)count + 1);
	pthread_barrier_init(&may_go, NULL, (unsigned)count + 1);
	for (int i = 0; i < count; i++)
		if (pthread_create(&threads[i], &attributes, work, &kept[i]) != 0)
			exit(77);
	pthread_barrier_wait(&all_there);
	if (seep_is_watching())
		printf("%d\n", seep_snapshot("all are there"));
	else
		printf("0\n");
	fflush(stdout);
	pthread_barrier_wait(&may_go);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	return 3;
}
