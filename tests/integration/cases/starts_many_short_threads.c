/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starts_many_short_threads: COUNT of them, eight at a time; each keeps a block and frees ten.
 *
 *     starts_many_short_threads COUNT
 *
 * The test is in test_threads.py.
 */
#include <pthread.h>
#include <stdlib.h>

#define AT_ONCE 8

static void **blocks;

__attribute__((noinline, noclone)) static void *keep(void)
{
	void *volatile block = malloc(24);

	return block;
}

static void *in_thread(void *slot)
{
	void *volatile scratch[10];

	*(void **)slot = keep();
	for (int i = 0; i < 10; i++)
		scratch[i] = malloc(100 << i);
	for (int i = 0; i < 10; i++)
		free(scratch[i]);
	return NULL;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 1000;
	pthread_t threads[AT_ONCE];

	blocks = calloc((size_t)count, sizeof(*blocks));
	for (int i = 0; i < count; i += AT_ONCE) {
		int some = count - i < AT_ONCE ? count - i : AT_ONCE;

		for (int k = 0; k < some; k++)
			if (pthread_create(&threads[k], NULL, in_thread, &blocks[i + k]))
				return 2;
		for (int k = 0; k < some; k++)
			pthread_join(threads[k], NULL);
	}
	return 0;
}
