/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reloads_plugins: plug-ins of the same layout are loaded, used and closed after each other, so that
 * each lies where another one lay; by one thread or by several at once, while another one allocates.
 *
 *     reloads_plugins THREADS ROUNDS GENERATIONS
 *
 * The test is in test_reload.py.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

typedef void *allocate(void);
typedef void run(void **kept, allocate *callback);

static int rounds, generations;
static _Atomic(int) loads, at_same_address;
static _Atomic(int) has_to_end;
static void **blocks;
static _Atomic(int) block_count;

__attribute__((noinline)) static void *allocate_in_program(void)
{
	void *volatile block = malloc(10); /* no call in tail position: the frame is wanted */

	return block;
}

__attribute__((noinline)) static void use_plugin(int generation, run **last)
{
	char path[64], name[64];
	void *plugin;
	run *function;

	snprintf(path, sizeof(path), "./generation_%d.so", generation);
	snprintf(name, sizeof(name), "run_generation_%d", generation);
	plugin = dlopen(path, RTLD_NOW);
	function = plugin ? (run *)dlsym(plugin, name) : NULL;
	if (!function)
		abort();
	loads++;
	at_same_address += function == *last;
	*last = function;
	function(&blocks[atomic_fetch_add(&block_count, 2)], allocate_in_program);
	if (dlclose(plugin))
		abort();
}

static void *reload(void *context)
{
	run *last = NULL;

	/* Another one each time; with an odd step, all of them in each round. */
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < generations; i++)
			use_plugin(1 + (i * (1 + 2 * (round % (generations / 2)))) % generations,
				   &last);
	return context;
}

__attribute__((noinline)) static void *allocate_meanwhile(void *context)
{
	while (!has_to_end) {
		void *volatile block = malloc(20);

		free(block);
	}
	return context;
}

int main(int argc, char **argv)
{
	pthread_t threads[16], other;
	int count = argc > 3 ? atoi(argv[1]) : 0;

	if (count < 1 || count > 16)
		return 2;
	rounds = atoi(argv[2]);
	generations = atoi(argv[3]);
	blocks = calloc((size_t)(2 * count * rounds * generations), sizeof(blocks[0]));
	pthread_create(&other, NULL, allocate_meanwhile, NULL);
	for (int i = 0; i < count; i++)
		pthread_create(&threads[i], NULL, reload, NULL);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	has_to_end = 1;
	pthread_join(other, NULL);
	printf("%d loads, %d at the address of the last one\n", loads, at_same_address);
	return 0;
}
