/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forks_with_allocating_handlers: threads fork while others allocate, and a library's fork handlers
 * allocate before and after each fork.
 *
 * The test is in test_hazards.py.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 3
#define FORKS 20

static void *fork_and_allocate(void *unused)
{
	for (int i = 0; i < FORKS; i++) {
		int status;
		pid_t pid;

		for (int block = 0; block < 50; block++)
			free(malloc(100 + 100 * block));
		pid = fork();
		if (pid == 0) {
			void *volatile block = malloc(3000);

			free(block);
			_exit(7);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7)
			abort();
	}
	return unused;
}

int main(void)
{
	pthread_t threads[THREADS];
	void *volatile block;

	for (int i = 0; i < 100; i++)
		block = malloc(4000);
	(void)block;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, fork_and_allocate, NULL))
			abort();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	puts("done");
	return 0;
}
