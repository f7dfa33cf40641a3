/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ignores_signals: threads wait in epoll_wait and are sent signals that nobody wants, one by its default and
 * one by SIG_IGN, until stdin ends. Then it says how many calls were interrupted.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#define THREADS 24
#define PAUSE_US 50

static int epoll_fd, pipe_ends[2];
static _Atomic int is_over;
static _Atomic long interrupted;

static void *wait_on(void *unused)
{
	struct epoll_event event;

	while (!is_over) {
		if (epoll_wait(epoll_fd, &event, 1, -1) == -1 && errno == EINTR)
			interrupted++;
	}
	return unused;
}

static void *watch_stdin(void *unused)
{
	char byte;

	while (read(0, &byte, 1) > 0)
		;
	is_over = 1;
	return unused;
}

int main(void)
{
	struct epoll_event wanted = {.events = EPOLLIN};
	pthread_t threads[THREADS], watcher;

	signal(SIGUSR1, SIG_IGN);
	epoll_fd = epoll_create1(0);
	if (pipe(pipe_ends) != 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, pipe_ends[0], &wanted) != 0)
		return 2;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, wait_on, NULL);
	pthread_create(&watcher, NULL, watch_stdin, NULL);
	for (long i = 0; !is_over; i++) {
		pthread_kill(threads[i % THREADS], i / THREADS % 2 ? SIGUSR1 : SIGWINCH);
		usleep(PAUSE_US);
	}
	close(pipe_ends[1]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%ld calls were interrupted\n", interrupted);
	return 0;
}
