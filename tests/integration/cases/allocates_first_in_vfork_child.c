/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocates_first_in_vfork_child: a thread's first malloc happens in a child that shares its memory
 * and its thread-local storage, while the parent's other thread allocates.
 *
 * build: -O0
 * links: -pthread
 * expect: lost_stacks=0
 * function in_thread: live_blocks=10 allocations=10
 * function in_main: live_blocks=1000 allocations=1000
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char stack[65536] __attribute__((aligned(4096)));
static volatile int has_ended;
void *blocks[1010];

__attribute__((noinline)) static void *in_child(void)
{
	return malloc(40);
}

__attribute__((noinline)) static void *in_thread(void)
{
	return malloc(50);
}

__attribute__((noinline)) static void *in_main(void)
{
	return malloc(70);
}

static void *vfork_first(void *unused)
{
	pid_t pid = vfork();

	if (pid == 0) {
		for (int i = 0; i < 20000; i++)
			free(in_child());
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 10; i++)
		blocks[1000 + i] = in_thread();
	has_ended = 1;
	return unused;
}

int main(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	/* With a stack of its own the thread is made without malloc in it. */
	pthread_attr_init(&attributes);
	pthread_attr_setstack(&attributes, stack, sizeof(stack));
	if (pthread_create(&thread, &attributes, vfork_first, NULL))
		abort();
	while (!has_ended) {
		void *volatile block = malloc(60);

		free(block);
	}
	pthread_join(thread, NULL);
	for (int i = 0; i < 1000; i++)
		blocks[i] = in_main();
	return 0;
}
