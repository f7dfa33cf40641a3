/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ends_while_it_ends: calls exit, and as soon as that waits for anything another thread ends the process by
 * the system call alone.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic int is_ending;
static void *kept;

static void note_end(void)
{
	is_ending = 1;
}

static void *end_it(void *unused)
{
	char path[64], line[256] = "";
	FILE *file;

	while (!is_ending)
		usleep(100);
	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)getpid());
	while (atoi(line) != SYS_futex) {
		file = fopen(path, "r");
		if (file == NULL || fgets(line, sizeof(line), file) == NULL)
			return unused;
		fclose(file);
	}
	syscall(SYS_exit_group, 0);
	return unused;
}

int main(void)
{
	pthread_t thread;

	kept = malloc(40);
	pthread_create(&thread, NULL, end_it, NULL);
	atexit(note_end);
	return kept == NULL;
}
