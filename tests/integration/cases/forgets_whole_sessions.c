/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forgets_whole_sessions: requests that open a session of five blocks and mostly close it.
 *
 *   sessions   one session in twenty, now this one, now that, is never closed: its structure, name, two
 *              buffers and the text of the error for which it was not
 *   apart      every session is closed; one reply in twenty and one line of the log in twenty are
 *              forgotten, each by itself
 *   (nothing)  everything is freed
 *
 * The test is in test_findings.py.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 75
#define REQUESTS 20 /* of a round */

struct session {
	char *name, *input, *output, *error;
};

static const char *mode = "";
struct session *forgotten[ROUNDS * REQUESTS]; /* somebody still holds them, as a table would */

/* The same draws in each run; two that are drawn in turns have nothing to do with each other. */
static bool is_one_in_twenty(void)
{
	static unsigned long long state = 20261122;
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % 20 == 0;
}

__attribute__((noinline)) static char *name_of(int number)
{
	char name[32];
	snprintf(name, sizeof(name), "session %d of the day", number);
	return strdup(name);
}

/* The first two attempts are given back at once. */
__attribute__((noinline)) static char *buffer_of(size_t bytes)
{
	char *buffer = NULL;
	for (volatile int i = 0; i < 3; i++) {
		free(buffer);
		buffer = malloc(bytes);
		memset(buffer, i, bytes);
	}
	return buffer;
}

__attribute__((noinline)) static struct session *session_open(int number, bool has_failed)
{
	struct session *session = calloc(1, sizeof(*session));
	session->name = name_of(number);
	session->input = buffer_of(300);
	session->output = buffer_of(500);
	session->error = has_failed ? strdup("the other side has gone away") : NULL;
	return session;
}

__attribute__((noinline)) static void session_close(struct session *session)
{
	free(session->name);
	free(session->input);
	free(session->output);
	free(session->error);
	free(session);
}

/* The compiler leaves out no allocation of what somebody may look at. */
static void show(const char *text)
{
	__asm__ volatile("" : : "r"(text) : "memory");
}

__attribute__((noinline)) static void reply(bool is_forgetful)
{
	char *text = malloc(400);
	memset(text, 'r', 400);
	show(text);
	if (!is_forgetful)
		free(text);
}

__attribute__((noinline)) static void write_log(bool is_forgetful)
{
	char *line = malloc(120);
	memset(line, 'l', 120);
	show(line);
	if (!is_forgetful)
		free(line);
}

__attribute__((noinline)) static void serve(int number)
{
	bool is_apart = strcmp(mode, "apart") == 0;
	bool is_forgotten = strcmp(mode, "sessions") == 0 && is_one_in_twenty();
	struct session *session = session_open(number, is_forgotten);
	reply(is_apart && is_one_in_twenty());
	write_log(is_apart && is_one_in_twenty());
	if (is_forgotten)
		forgotten[number] = session;
	else
		session_close(session);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		mode = argv[1];
	for (volatile int round = 0; round < ROUNDS; round++) {
		for (volatile int i = 0; i < REQUESTS; i++)
			serve(round * REQUESTS + i);
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
	return 0;
}
