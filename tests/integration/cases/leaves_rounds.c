/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaves_rounds: bodies of seep_require_no_growth that never come back: they jump out of it, or end their thread, as
 * tests do that fail in C. Says how much address space that has taken, and what rounds find afterwards.
 */
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "seep.h"

#define TIMES 300
#define ROUNDS 8

static jmp_buf before;
static char *volatile kept;

static void jump_in_third_round(void *round)
{
	if (++*(int *)round == 3)
		longjmp(before, 1);
}

static void exit_in_third_round(void *round)
{
	if (++*(int *)round == 3)
		pthread_exit(NULL);
}

static void keep_more(void *unused)
{
	(void)unused;
	kept = malloc(48);
}

static void keep_nothing(void *unused)
{
	(void)unused;
	free(malloc(48));
}

static void leave_by_jump(void)
{
	volatile int round = 0;

	if (setjmp(before) == 0)
		seep_require_no_growth(ROUNDS, jump_in_third_round, (void *)&round);
}

/* Of which one is left while the outer ones go on. */
static void leave_inside(void *unused)
{
	leave_by_jump();
	if (seep_require_no_growth(ROUNDS, keep_nothing, NULL) == 0)
		keep_more(unused);
}

static void *leave_with_thread(void *unused)
{
	int round = 0;

	(void)unused;
	seep_require_no_growth(ROUNDS, exit_in_third_round, &round);
	return NULL;
}

static void leave_by_end(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, leave_with_thread, NULL);
	pthread_join(thread, NULL);
}

static long address_space_kb(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = -1;

	if (file == NULL || fscanf(file, "%ld", &pages) != 1)
		perror("statm");
	if (file != NULL)
		fclose(file);
	return pages * 4;
}

static void repeat(const char *what, void (*leave)(void))
{
	long first = 0;

	for (int i = 0; i < TIMES; i++) {
		leave();
		if (i == 9)
			first = address_space_kb();
	}
	first = address_space_kb() - first;
	printf("%s %s\n", what, first < 1024 ? "nothing left" : "memory left");
	if (first >= 1024)
		printf("%ld KiB\n", first);
}

int main(void)
{
	/* A thread is not to get 64 MiB of its own now and then. */
	mallopt(M_ARENA_MAX, 1);
	repeat("jumps", leave_by_jump);
	repeat("threads", leave_by_end);
	printf("inside %lld\n", seep_require_no_growth(ROUNDS, leave_inside, NULL));
	printf("grows %lld\n", seep_require_no_growth(ROUNDS, keep_more, NULL));
	printf("stays %lld\n", seep_require_no_growth(ROUNDS, keep_nothing, NULL));
	return 0;
}
