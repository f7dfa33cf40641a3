/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_crowd: threads that begin at the same instant, spread over the processors.
 */
#include "tests/support/lib_crowd.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

/* To the number-th of the processors that we may use. */
static void settle(uint32_t number)
{
	cpu_set_t allowed, one;
	int wanted;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		return;
	wanted = (int)(number % (uint32_t)CPU_COUNT(&allowed));
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || wanted-- > 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

static void *be_a_member(void *context)
{
	struct lib_crowd_member *self = context;

	settle(self->number);
	pthread_barrier_wait(&self->crowd->start);
	self->crowd->run(self->number, self->crowd->context);
	atomic_fetch_sub(&self->crowd->running, 1);
	return NULL;
}

void lib_crowd_start(struct lib_crowd *crowd, uint32_t count,
		     void (*run)(uint32_t number, void *context), void *context)
{
	if (count > LIB_CROWD_MAX)
		abort();
	crowd->run = run;
	crowd->context = context;
	crowd->count = count;
	atomic_store(&crowd->running, count);
	pthread_barrier_init(&crowd->start, NULL, count + 1);
	for (uint32_t i = 0; i < count; i++) {
		crowd->members[i].number = i;
		crowd->members[i].crowd = crowd;
		if (pthread_create(&crowd->members[i].thread, NULL, be_a_member,
				   &crowd->members[i]) != 0)
			abort();
	}
	pthread_barrier_wait(&crowd->start);
}

bool lib_crowd_is_running(const struct lib_crowd *crowd)
{
	return atomic_load(&crowd->running) > 0;
}

void lib_crowd_join(struct lib_crowd *crowd)
{
	for (uint32_t i = 0; i < crowd->count; i++)
		pthread_join(crowd->members[i].thread, NULL);
	pthread_barrier_destroy(&crowd->start);
}
