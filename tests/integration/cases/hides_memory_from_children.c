/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hides_memory_from_children: blocks that are held only by memory that is not copied to children, as
 * node's is. At the end a child says whether it is still so. With an argument it has another thread.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PARTS 100
#define PART_BYTES 65536

static char *parts[PARTS];

static __attribute__((noinline)) void fill(void **part)
{
	for (int i = 0; i < 10; i++)
		part[i] = malloc(40);
}

static void *sleep_on(void *unused)
{
	for (;;)
		pause();
	return unused;
}

int main(int argc, char **argv)
{
	char *memory = mmap(NULL, 2 * PARTS * PART_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status, wrong = 0;
	pthread_t thread;
	char byte;

	for (int i = 0; i < PARTS; i++) {
		parts[i] = memory + 2 * i * PART_BYTES;
		madvise(parts[i], PART_BYTES, MADV_DONTFORK);
		fill((void **)parts[i]);
	}
	(void)argv;
	if (argc > 1)
		pthread_create(&thread, NULL, sleep_on, NULL);
	if (write(STDOUT_FILENO, "ready\n", 6) != 6)
		return 2;
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	for (int i = 0; i < PARTS; i++) {
		pid_t child = fork();

		if (child == 0) {
			volatile char *neighbour = parts[i] + PART_BYTES, *part = parts[i];

			*neighbour = 1;
			*part = 1; /* ends it with SIGSEGV */
			_exit(0);
		}
		waitpid(child, &status, 0);
		wrong += !WIFSIGNALED(status);
	}
	printf("%d are copied\n", wrong);
	return 0;
}
