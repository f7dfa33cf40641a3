/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocates_before_and_after_main: in .preinit_array, in the earliest constructor, in atexit, in
 * the latest destructor, and in the destructor of a thread's key.
 *
 * links: -pthread
 * site in_preinit: live_blocks=1 live_bytes=11
 * site in_constructor: live_blocks=1 live_bytes=22
 * site in_key_destructor: live_blocks=1 live_bytes=33
 * site in_atexit: live_blocks=1 live_bytes=44
 * site in_destructor: live_blocks=1 live_bytes=55
 */
#include <pthread.h>
#include <stdlib.h>

void *blocks[5];

static void in_preinit(int argc, char **argv, char **environment)
{
	(void)argc, (void)argv, (void)environment;
	blocks[0] = malloc(11);
}
__attribute__((section(".preinit_array"), used)) static void (*preinit)(int, char **,
									char **) = in_preinit;

__attribute__((constructor(101))) static void in_constructor(void)
{
	blocks[1] = malloc(22);
}

static void in_key_destructor(void *value)
{
	(void)value;
	blocks[2] = malloc(33);
}

static void in_atexit(void)
{
	blocks[3] = malloc(44);
}

__attribute__((destructor(101))) static void in_destructor(void)
{
	blocks[4] = malloc(55);
}

static void *run(void *key)
{
	pthread_setspecific(*(pthread_key_t *)key, key);
	return NULL;
}

int main(void)
{
	pthread_key_t key;
	pthread_t thread;

	atexit(in_atexit);
	pthread_key_create(&key, in_key_destructor);
	pthread_create(&thread, NULL, run, &key);
	pthread_join(thread, NULL);
	return 0;
}
