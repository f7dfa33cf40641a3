/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_thread_locals_of_a_plugin: such variables lie in blocks that the dynamic linker has
 * made, for main() and each of three sleeping threads.
 *
 * plugin: plugin_with_thread_locals.c
 * links: -pthread -ldl
 * held make: thread_local slots[…] (plugin_with_thread_locals.c, plugin_with_thread_locals.so) → this
 * bare make: thread_local slots (plugin_with_thread_locals.so) → this
 * reach make: reachable=160/4
 * valgrind make: reachable=40/1 possibly_lost=120/3; the dynamic linker points into its own blocks
 */
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>

#include "scan_point.h"

static sem_t is_open, asleep;
static void **(*plugin_slots)(void);

APART static void *make(void)
{
	return malloc(40);
}

APART static void open_plugin(void)
{
	void *plugin = dlopen("./plugin_with_thread_locals.so", RTLD_NOW);

	plugin_slots = plugin ? (void **(*)(void))dlsym(plugin, "plugin_slots") : NULL;
	if (!plugin_slots)
		abort();
}

APART static void keep(void)
{
	plugin_slots()[500] = make();
}

APART static void *sleep_with_a_block(void *unused)
{
	sem_wait(&is_open);
	keep();
	wipe_traces();
	sem_post(&asleep);
	sleep_for_ever();
	return unused;
}

APART static void start(void)
{
	pthread_t thread;

	sem_init(&is_open, 0, 0);
	sem_init(&asleep, 0, 0);
	for (int i = 0; i < 3; i++)
		if (pthread_create(&thread, NULL, sleep_with_a_block, NULL))
			abort();
	open_plugin();
	for (int i = 0; i < 3; i++)
		sem_post(&is_open);
	for (int i = 0; i < 3; i++)
		sem_wait(&asleep);
}

int main(void)
{
	start();
	keep();
	scan_point();
}
