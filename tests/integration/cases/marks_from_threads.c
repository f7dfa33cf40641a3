/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marks_from_threads: four threads make 50 marks each, at the same time, each with a label of its own.
 * Ends with 0 when all were taken.
 *
 * The test is in test_snapshots.py.
 */
#include <pthread.h>
#include <stddef.h>

#include "seep.h"

#define THREADS 4
#define MARKS 50

static void *make_marks(void *label)
{
	for (int i = 0; i < MARKS; i++)
		if (seep_mark(label) != 0)
			return label;
	return NULL;
}

int main(void)
{
	static char labels[THREADS][8] = {"north", "east", "south", "west"};
	pthread_t threads[THREADS];
	int refused = 0;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, make_marks, labels[i]);
	for (int i = 0; i < THREADS; i++) {
		void *result;

		pthread_join(threads[i], &result);
		refused += result != NULL;
	}
	return refused;
}
