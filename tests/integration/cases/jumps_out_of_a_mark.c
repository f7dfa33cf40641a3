/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jumps_out_of_a_mark: for each letter that it reads makes a mark. Of 'j' and 't' it does not wait for
 * the end: a timer's signal handler jumps out of it, in the first thread, or in one that ends then. Says
 * "left" or "marked".
 *
 * The test is in test_hazards.py.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#include "seep.h"

static sigjmp_buf before;
static _Thread_local volatile sig_atomic_t is_waiting;

static void jump(int number)
{
	(void)number;
	if (is_waiting)
		siglongjmp(before, 1);
}

/* Again and again, for the first one may find another thread. */
static void *leave_a_mark(void *unused)
{
	const struct itimerval often = {{0, 50000}, {0, 50000}}, never = {0};

	if (sigsetjmp(before, 1) == 0) {
		is_waiting = 1;
		setitimer(ITIMER_REAL, &often, NULL);
		seep_mark("left");
		_exit(4);
	}
	is_waiting = 0;
	setitimer(ITIMER_REAL, &never, NULL);
	return unused;
}

static void leave_a_mark_in_a_thread(void)
{
	sigset_t timer;
	pthread_t thread;

	pthread_create(&thread, NULL, leave_a_mark, NULL);
	sigemptyset(&timer);
	sigaddset(&timer, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &timer, NULL);
	pthread_join(thread, NULL);
	pthread_sigmask(SIG_UNBLOCK, &timer, NULL);
}

int main(void)
{
	char letter;

	if (!seep_is_watching())
		return 3;
	signal(SIGALRM, jump);
	dprintf(1, "ready\n");
	while (read(0, &letter, 1) == 1) {
		if (letter == 'j')
			leave_a_mark(NULL);
		else if (letter == 't')
			leave_a_mark_in_a_thread();
		else
			seep_mark("made");
		dprintf(1, letter == 'm' ? "marked\n" : "left\n");
	}
	return 6;
}
