/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocates_in_destructors_of_threads: in each of the four rounds in which libc calls them, because each
 * sets its key anew; the last value is lost, for there is no fifth round.
 *
 * links: -pthread
 * expect: lost_blocks=0
 * file: unknown_frees=0
 * function set_value: live_blocks=100 live_bytes=4000
 * function in_destructor: live_blocks=0
 */
#include <pthread.h>
#include <stdlib.h>

#define THREADS 100 /* and four rounds each */

static pthread_key_t key;

__attribute__((noinline, noclone)) static void set_value(void)
{
	void *volatile value = malloc(40);

	pthread_setspecific(key, value);
}

__attribute__((noinline, noclone)) static void in_destructor(void *value)
{
	void *volatile scratch = malloc(2000);

	free(value);
	set_value();
	free(scratch);
}

static void *in_thread(void *unused)
{
	set_value();
	return unused;
}

int main(void)
{
	pthread_key_create(&key, in_destructor);
	for (int i = 0; i < THREADS; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, in_thread, NULL) || pthread_join(thread, NULL))
			return 2;
	}
	return 0;
}
