/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cancels_its_threads: in the middle of work that allocates all the time, where they look for it, or
 * anywhere in what they compute; what they hold is freed by their handlers, and nothing else is.
 *
 * links: -pthread
 * expect: lost_blocks=0
 * file: unknown_frees=0
 * function allocate: live_blocks=0
 * function keep: live_blocks=16 live_bytes=512
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS 8 /* of each kind */

void *kept[2 * THREADS];
static _Atomic(int) kept_count, working;

__attribute__((noinline, noclone)) static void *keep(void)
{
	void *volatile block = malloc(32);

	return block;
}

__attribute__((noinline, noclone)) static void *allocate(size_t bytes)
{
	void *volatile block = malloc(bytes);

	return block;
}

static void clean_up(void *block)
{
	free(block);
	kept[kept_count++] = keep();
}

static void *deferred(void *unused)
{
	void *held = allocate(50);

	pthread_cleanup_push(clean_up, held);
	working++;
	for (size_t i = 0;; i++) {
		free(allocate(10 + i % 3000));
		pthread_testcancel();
	}
	pthread_cleanup_pop(1);
	return unused;
}

/* malloc may not be interrupted by it: it is no async-cancel-safe function. */
static void *asynchronous(void *unused)
{
	volatile unsigned long sum = 0;
	void *held = allocate(70);
	int before;

	pthread_cleanup_push(clean_up, held);
	working++;
	for (unsigned long i = 0;; i++) {
		free(allocate(10 + i % 3000));
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
		for (int k = 0; k < 200; k++)
			sum += i * (unsigned long)k;
		pthread_setcanceltype(before, NULL);
	}
	pthread_cleanup_pop(1);
	return unused;
}

int main(void)
{
	pthread_t threads[2 * THREADS];
	void *result;

	for (int i = 0; i < 2 * THREADS; i++)
		if (pthread_create(&threads[i], NULL, i % 2 ? deferred : asynchronous, NULL))
			return 2;
	while (working < 2 * THREADS)
		usleep(1000);
	for (int i = 0; i < 2 * THREADS; i++) {
		if (pthread_cancel(threads[i]) || pthread_join(threads[i], &result) ||
		    result != PTHREAD_CANCELED)
			return 3;
	}
	return kept_count != 2 * THREADS;
}
