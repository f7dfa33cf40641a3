/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waits_for_its_signals: it blocks every signal that it may, sends each of them to its process, and later fetches them;
 * prints those that did not come.
 *
 * The test is in test_transparency.py.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	const struct timespec pause = {.tv_nsec = 200000000}, at_once = {.tv_nsec = 0};
	sigset_t all;

	free(malloc(100));
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (int i = 1; i <= SIGRTMAX; i++)
		if (sigismember(&all, i) == 1 && i != SIGKILL && i != SIGSTOP && i != SIGCONT)
			kill(getpid(), i);
	/* For whoever else may fetch them. */
	nanosleep(&pause, NULL);
	for (int i = 1; i <= SIGRTMAX; i++) {
		sigset_t one;

		sigemptyset(&one);
		if (sigismember(&all, i) != 1 || i == SIGKILL || i == SIGSTOP || i == SIGCONT)
			continue;
		sigaddset(&one, i);
		if (sigtimedwait(&one, NULL, &at_once) != i)
			printf("%d is missing\n", i);
	}
	printf("done\n");
	return 0;
}
