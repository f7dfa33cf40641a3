/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_result_of_an_ended_thread: somebody may still ask for it with pthread_join.
 *
 * links: -pthread
 * reach make: reachable=40/1
 */
#include <pthread.h>
#include <signal.h>

#include "scan_point.h"

pthread_t thread;
static volatile pid_t number;

APART static void *make(void)
{
	return malloc(40);
}

APART static void *end_with_a_result(void *unused)
{
	number = gettid();
	return unused ? unused : make();
}

APART static void run(void)
{
	if (pthread_create(&thread, NULL, end_with_a_result, NULL))
		abort();
	while (!number || !tgkill(getpid(), number, 0))
		poll(NULL, 0, 1);
}

int main(void)
{
	run();
	scan_point();
}
