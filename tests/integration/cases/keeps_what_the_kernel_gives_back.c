/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_what_the_kernel_gives_back: servers have the pointer to a connection with its event in an
 * epoll, and nowhere else.
 *
 * reach make: reachable=400/10
 * valgrind make: definitely_lost=400/10; only the kernel knows
 */
#include <sys/epoll.h>

#include "scan_point.h"

APART static void *make(void)
{
	return malloc(40);
}

APART static void keep(void)
{
	int poll = epoll_create1(0);

	for (int i = 0; i < 10; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = make()};
		int ends[2];

		if (pipe(ends) || epoll_ctl(poll, EPOLL_CTL_ADD, ends[0], &event))
			abort();
	}
}

int main(void)
{
	keep();
	scan_point();
}
