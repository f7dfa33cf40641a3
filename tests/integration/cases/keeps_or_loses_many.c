/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_or_loses_many: blocks that only an epoll gives back, or with the argument "lose" nobody. It waits
 * until it is killed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BLOCKS 300

static int epoll_fd, ends[2];

static __attribute__((noinline)) void keep_one(void)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = malloc(40)};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, dup(ends[0]), &event) != 0)
		abort();
	event.data.ptr = NULL;
	__asm__ volatile("" : : "r"(&event) : "memory");
}

static __attribute__((noinline)) void lose_one(void)
{
	void *volatile block = malloc(40);

	block = NULL;
	(void)block;
}

static __attribute__((noinline)) void clear_stack(void)
{
	char left[4096];

	memset(left, 0, sizeof(left));
	__asm__ volatile("" : : "r"(left) : "memory");
}

int main(int argc, char **argv)
{
	if (pipe(ends) != 0)
		return 2;
	if (argc == 1)
		epoll_fd = epoll_create1(0);
	for (int i = 0; i < BLOCKS; i++)
		(argc > 1 && strcmp(argv[1], "lose") == 0 ? lose_one : keep_one)();
	clear_stack();
	printf("ready\n");
	fflush(stdout);
	for (;;)
		pause();
}
