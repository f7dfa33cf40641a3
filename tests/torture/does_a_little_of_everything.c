/* SPDX-License-Identifier: Apache-2.0 */
/*
 * does_a_little_of_everything: what makes the library ask the kernel for something: threads, a
 * child that writes a file of its own and one that only execs, snapshots that the program asks for, and
 * a block so large that it is kept elsewhere. 150 blocks are kept, 100 by main and 50 by a thread;
 * the child keeps 20 more. Whatever seep answers, what the program prints is the same.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seep.h"

static void *volatile kept[200];
static int kept_count;

static __attribute__((noinline)) void keep(int count, size_t bytes)
{
	for (int i = 0; i < count; i++) {
		void *other = malloc(bytes + 1);

		kept[kept_count] = malloc(bytes);
		memset((void *)kept[kept_count++], 'k', bytes);
		free(other);
	}
}

static __attribute__((noinline)) void keep_in_child(void)
{
	for (int i = 0; i < 20; i++)
		kept[kept_count++] = malloc(32);
}

static void *keep_in_thread(void *unused)
{
	keep(50, 48);
	errno = ENOTTY;
	free(malloc(1 << 16));
	return errno == ENOTTY ? unused : NULL;
}

int main(void)
{
	pthread_t thread;
	void *same = NULL;
	int status = 0, word = 7;
	pid_t child;

	setvbuf(stdout, NULL, _IOLBF, 0);
	keep(99, 32);
	keep(1, 5 << 20);
	if (pthread_create(&thread, NULL, keep_in_thread, &word) != 0 ||
	    pthread_join(thread, &same) != 0)
		return 2;
	printf("errno of the thread: %s\n", same == &word ? "kept" : "lost");
	seep_snapshot("middle");
	child = fork();
	if (child == 0) {
		keep_in_child();
		exit(7);
	}
	if (waitpid(child, &status, 0) != child)
		perror("waitpid");
	printf("child: %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	child = fork();
	if (child == 0) {
		execl("/bin/echo", "echo", "other program", (char *)NULL);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child)
		perror("waitpid");
	errno = 0;
	printf("other: %d, more children: %d\n", status, (int)wait(NULL));
	fprintf(stderr, "on stderr\n");
	return 3;
}
