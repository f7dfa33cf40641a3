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

	(void)argv;
	for (int i = 0; i < 1200; i++) {
		struct link *link = calloc(1, sizeof(*link));
		link->next = head;
		head = link;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	while (head && (argc == 1 || head->next)) {
		struct link *next = head->next;
		free(head);
		head = next;
	}
	return 0;
}
