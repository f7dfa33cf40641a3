/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_in_the_kernel: the twin of keeps_in_the_kernel takes events and timer back, and closes
 * an epoll with events in it.
 *
 * reach watch: definitely_lost=160/4
 * reach arm: definitely_lost=24/1
 */
#include <signal.h>
#include <sys/epoll.h>
#include <time.h>

#include "scan_point.h"

APART static int watch(int epoll)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = malloc(40)};
	int ends[2];

	if (pipe(ends) || epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event))
		abort();
	return ends[0];
}

APART static timer_t arm(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	timer_t timer;

	event.sigev_value.sival_ptr = malloc(24);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer))
		abort();
	return timer;
}

int main(void)
{
	int open = epoll_create1(0), closed = epoll_create1(0);

	for (int i = 0; i < 2; i++) {
		if (epoll_ctl(open, EPOLL_CTL_DEL, watch(open), NULL))
			abort();
		watch(closed);
	}
	close(closed);
	timer_delete(arm());
	scan_point();
}
