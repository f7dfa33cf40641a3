/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocates_in_a_timer_handler: every 50 us, so that most signals come in the middle of a malloc or free
 * that is under way; with an allocator for which that is no mistake. It prints
 *
 *     allocations frees signals
 *
 * The test is in test_threads.py.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SIGNALS 2000
#define KEPT 64

extern long allocator_allocations(void), allocator_frees(void);

static volatile sig_atomic_t signals;
static void *kept_by_handler[KEPT], *kept[KEPT];

static void turn_over(void **slot, unsigned number)
{
	if (number % 3 == 0) {
		*slot = realloc(*slot, 24 + number % 2000);
		return;
	}
	free(*slot);
	*slot = number % 7 == 0 ? calloc(1, 1500) : malloc(16 + number % 200);
}

static void handle(int signal)
{
	unsigned number = (unsigned)signals;

	(void)signal;
	turn_over(&kept_by_handler[number % KEPT], number);
	signals = signals + 1;
}

int main(void)
{
	struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
	struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
	char line[100];
	int length;
	time_t deadline = time(NULL) + 60;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (unsigned i = 0; signals < SIGNALS; i++) {
		turn_over(&kept[i % KEPT], i);
		if (i % 1000 == 0 && time(NULL) > deadline)
			return 1;
	}
	setitimer(ITIMER_REAL, &never, NULL);
	length = snprintf(line, sizeof(line), "%ld %ld %d\n", allocator_allocations(),
			  allocator_frees(), (int)signals);
	return write(1, line, (size_t)length) != length;
}
