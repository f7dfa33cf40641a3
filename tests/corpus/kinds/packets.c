/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packets: one thread receives packets, another works on them and frees them.
 *
 * Sick: the worker drops those with a wrong checksum without freeing them.
 *
 *   leak packet_receive
 */
#include "tests/corpus/part.h"

#include <pthread.h>
#include <stdlib.h>

struct packet {
	struct packet *next;
	bool is_damaged;
	char bytes[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrival = PTHREAD_COND_INITIALIZER;
static struct packet *first, **last = &first;
static bool is_sick;
static double damaged;

static SITE struct packet *packet_receive(struct part *part)
{
	return part_check(malloc(sizeof(struct packet) + part_bytes(part)));
}

static void put(struct packet *packet)
{
	packet->next = NULL;
	pthread_mutex_lock(&lock);
	*last = packet;
	last = &packet->next;
	pthread_cond_signal(&arrival);
	pthread_mutex_unlock(&lock);
}

static struct packet *take(void)
{
	struct packet *packet;

	pthread_mutex_lock(&lock);
	while (!first)
		pthread_cond_wait(&arrival, &lock);
	packet = first;
	first = packet->next;
	if (!first)
		last = &first;
	pthread_mutex_unlock(&lock);
	return packet;
}

static void *work(void *unused)
{
	(void)unused;
	for (;;) {
		struct packet *packet = take();

		if (!(packet->is_damaged && is_sick))
			free(packet);
	}
	return NULL;
}

static void start(struct part *part)
{
	pthread_t worker;

	damaged = part_draw_scale(part, "damaged", 0.01, 0.1);
	is_sick = part->is_sick;
	part_require(!pthread_create(&worker, NULL, work, NULL), "thread");
	pthread_detach(worker);
}

static void step(struct part *part)
{
	for (unsigned i = part_requests(part); i; i--) {
		struct packet *packet = packet_receive(part);

		packet->is_damaged = part_chance(part, damaged);
		put(packet);
	}
}

KIND(packets);
