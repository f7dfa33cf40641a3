/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_crowd: threads that begin at the same instant, spread over the processors.
 *
 * Left to itself the scheduler keeps short-lived threads on one processor, and a race never shows.
 */
#ifndef TESTS_SUPPORT_LIB_CROWD_H
#define TESTS_SUPPORT_LIB_CROWD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define LIB_CROWD_MAX 16u

struct lib_crowd_member {
	pthread_t thread;
	uint32_t number;
	struct lib_crowd *crowd;
};

struct lib_crowd {
	void (*run)(uint32_t number, void *context);
	void *context;
	uint32_t count;
	pthread_barrier_t start;
	_Atomic(uint32_t) running;
	struct lib_crowd_member members[LIB_CROWD_MAX];
};

/* Calls run(0 … count - 1, context), each in a thread of its own. */
void lib_crowd_start(struct lib_crowd *crowd, uint32_t count,
		     void (*run)(uint32_t number, void *context), void *context);
bool lib_crowd_is_running(const struct lib_crowd *crowd);
void lib_crowd_join(struct lib_crowd *crowd);

#endif
