/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counts_interruptions: threads that take a signal only while they wait in epoll_pwait, so each handler ends
 * exactly one call with EINTR. Signals come all the time until stdin ends; then it says how many handlers
 * have ended no call, and how many calls ended without a handler.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#define THREADS 24
#define PAUSE_US 100

static int epoll_fd;
static _Atomic int is_over;
static __thread long handled;
static _Atomic long deaf, needless; /* handlers that ended no call, calls that no handler ended */

static void handle(int signal)
{
	(void)signal;
	handled++;
}

static void *wait_on(void *unused)
{
	struct epoll_event event;
	sigset_t none;
	long before;

	sigemptyset(&none);
	while (!is_over) {
		before = handled;
		if (epoll_pwait(epoll_fd, &event, 1, -1, &none) != -1 || errno != EINTR)
			return NULL;
		deaf += handled - before > 1 ? handled - before - 1 : 0;
		needless += handled == before;
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
	struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
	pthread_t threads[THREADS], watcher;
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGUSR1);
	sigprocmask(SIG_BLOCK, &ours, NULL);
	sigaction(SIGUSR1, &action, NULL);
	epoll_fd = epoll_create1(0);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, wait_on, NULL);
	pthread_create(&watcher, NULL, watch_stdin, NULL);
	for (long i = 0; !is_over; i++) {
		pthread_kill(threads[i % THREADS], SIGUSR1);
		usleep(PAUSE_US);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_kill(threads[i], SIGUSR1);
		pthread_join(threads[i], NULL);
	}
	printf("%ld handlers ended no call, %ld calls ended without\n", deaf, needless);
	return 0;
}
