/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reallocs_in_all_threads: blocks that are held by nothing but arrays which realloc moves to and fro,
 * until the first thread ends the process.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define THREADS 3
#define HELD 1000
#define SMALL (HELD * sizeof(void *))

static void ***arrays;

static __attribute__((noinline)) void fill(void **array)
{
	for (int i = 0; i < HELD; i++)
		array[i] = malloc(40);
}

static void *move(void *context)
{
	void ***array = context;

	for (size_t bytes = SMALL;; bytes = bytes == SMALL ? 20 * SMALL : SMALL)
		*array = realloc(*array, bytes);
	return NULL;
}

int main(void)
{
	struct timespec while_it_works = {.tv_nsec = 30000000};
	pthread_t thread;

	arrays = malloc(THREADS * sizeof(*arrays));
	for (int i = 0; i < THREADS; i++) {
		arrays[i] = malloc(SMALL);
		fill(arrays[i]);
		pthread_create(&thread, NULL, move, &arrays[i]);
	}
	nanosleep(&while_it_works, NULL);
	exit(0);
}
