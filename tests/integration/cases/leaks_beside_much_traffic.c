/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaks_beside_much_traffic: requests hold up to some 5 MB, in waves, and each gives back all that it
 * took. Of five sessions of 48 bytes, one is never closed. It ends on top of a wave, when the requests
 * hold 100 times more than has leaked. Time is counted in rounds, not in seconds: a snapshot every 25
 * rounds.
 *
 * Used by test_diff.py.
 */
#include <seep.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 1100
#define WAVE 200
#define LONGEST 60 /* rounds that a request may take */
#define SESSIONS 5
#define MOST 40 /* requests that begin in a round */

static void *open_requests[LONGEST][MOST];
static void *sessions[SESSIONS];

/* The same numbers in each run. */
static unsigned chance(unsigned limit)
{
	static unsigned state = 4711;
	state = state * 1103515245 + 12345;
	return (state >> 16) % limit;
}

__attribute__((noinline)) static void *begin_request(size_t bytes)
{
	char *buffer = malloc(bytes);
	buffer[0] = 1;
	return buffer;
}

__attribute__((noinline)) static void *open_session(void)
{
	char *session = malloc(48);
	session[0] = 1;
	return session;
}

static void play_round(int number)
{
	int phase = number % WAVE, from_top = abs(phase - WAVE / 2);
	int begun = MOST - MOST * from_top / (WAVE / 2);

	for (int i = 0; i < MOST; i++) {
		free(open_requests[number % LONGEST][i]);
		open_requests[number % LONGEST][i] = NULL;
	}
	for (int i = 0; i < begun; i++) {
		int life = 1 + (int)chance(LONGEST - 1);
		void **place = &open_requests[(number + life) % LONGEST][i];
		if (!*place)
			*place = begin_request(1000 + chance(12000));
	}
	for (int i = 0; i < SESSIONS; i++) {
		free(sessions[i]);
		sessions[i] = open_session();
	}
	sessions[0] = NULL;
}

int main(void)
{
	for (int number = 1; number <= ROUNDS; number++) {
		play_round(number);
		if (number % 25 == 0)
			seep_snapshot(number == 500 ? "noon" : NULL);
	}
	return 0;
}
