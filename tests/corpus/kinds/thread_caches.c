/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread_caches: threads come for a task and go; each makes itself a cache on its first use.
 *
 * Sick: nothing frees the cache of a thread that ends.
 *
 *   leak cache_of_thread
 */
#include "tests/corpus/part.h"

#include <pthread.h>
#include <stdlib.h>

static pthread_key_t key;
static double tasks;

static SITE void *cache_of_thread(size_t bytes)
{
	void *cache = pthread_getspecific(key);

	if (!cache) {
		cache = part_check(malloc(bytes));
		pthread_setspecific(key, cache);
	}
	return cache;
}

static void *task(void *bytes)
{
	for (unsigned i = 0; i < 20; i++)
		*(volatile char *)cache_of_thread((size_t)bytes) += 1;
	return NULL;
}

static void start(struct part *part)
{
	tasks = part_draw_scale(part, "tasks", 1.5, 8);
	part_require(!pthread_key_create(&key, part->is_sick ? NULL : free), "key");
}

static void step(struct part *part)
{
	for (unsigned i = part_events(part, tasks); i; i--) {
		pthread_t thread;
		void *bytes = (void *)(8 * part_bytes(part));

		part_require(!pthread_create(&thread, NULL, task, bytes), "thread");
		pthread_join(thread, NULL);
	}
}

KIND(thread_caches);
