/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_the_kernel: blocks that nothing names but what an epoll and a timer give back.
 *
 * reach watch: reachable=120/3
 * reach arm: reachable=24/1
 * valgrind watch: definitely_lost=120/3; does not ask the kernel
 * valgrind arm: definitely_lost=24/1; does not ask the kernel
 */
#include <signal.h>
#include <sys/epoll.h>
#include <time.h>

#include "scan_point.h"

APART static void watch(int epoll)
{
	int ends[2];

	for (int i = 0; i < 3; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = malloc(40)};

		if (event.data.ptr == NULL || pipe(ends) != 0 ||
		    epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) != 0)
			abort();
	}
}

APART static void arm(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	timer_t timer;

	event.sigev_value.sival_ptr = malloc(24);
	if (event.sigev_value.sival_ptr == NULL ||
	    timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
		abort();
}

int main(void)
{
	watch(epoll_create1(EPOLL_CLOEXEC));
	arm();
	scan_point();
}
