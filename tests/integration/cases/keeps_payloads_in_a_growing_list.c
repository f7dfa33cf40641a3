/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_payloads_in_a_growing_list: a list that nobody shortens, and payloads that only hang on it.
 *
 * links: -pthread
 * held push: g_log.newest (FILE) → … → this
 * held make_payload: g_log.newest (FILE) → node of push FILE:* (*×*) → this
 * bare make_payload: g_log → node of push (*×*) → this
 */
#include <pthread.h>
#include <time.h>

#include "scan_point.h"

struct record {
	struct record *older;
	void *payload;
};

static struct {
	long count;
	struct record *newest;
} g_log;

APART static void *make_payload(void)
{
	return calloc(1, 96);
}

/* Payloads on their way from the thread that makes them. */
static int ends[2];

static void *produce(void *unused)
{
	const struct timespec pause = {.tv_nsec = 500000};

	for (int i = 0; i < 2400; i++) {
		void *payload = make_payload();
		if (write(ends[1], &payload, sizeof(payload)) != sizeof(payload))
			abort();
		nanosleep(&pause, NULL);
	}
	close(ends[1]);
	return unused;
}

APART static void push(void *payload)
{
	struct record *record = malloc(sizeof(struct record));

	record->payload = payload;
	record->older = g_log.newest;
	g_log.newest = record;
	g_log.count++;
}

APART static void collect(void)
{
	pthread_t producer;
	void *payload;

	if (pipe(ends) != 0 || pthread_create(&producer, NULL, produce, NULL) != 0)
		abort();
	while (read(ends[0], &payload, sizeof(payload)) == sizeof(payload))
		push(payload);
	pthread_join(producer, NULL);
}

int main(void)
{
	collect();
	scan_point();
}
