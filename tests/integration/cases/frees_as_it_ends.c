/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frees_as_it_ends: grows all run long and frees everything just before it ends, as a server does
 * that tidies up at SIGTERM. With an argument the last block stays.
 */
#include <stdlib.h>
#include <time.h>

struct link {
	struct link *next;
	char payload[120];
};

int main(int argc, char **argv)
{
	struct link *head = NULL;
	struct timespec next;

	(void)argv;
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (int i = 0; i < 1200; i++) {
		struct link *link = calloc(1, sizeof(*link));
		link->next = head;
		head = link;
		/* At its time, however busy the machine is: what comes ever slower is no leak. */
		next.tv_nsec += 1000000;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
	while (head && (argc == 1 || head->next)) {
		struct link *next = head->next;
		free(head);
		head = next;
	}
	return 0;
}
