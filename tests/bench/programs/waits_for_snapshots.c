/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waits_for_snapshots: how long a thread waits for malloc or free while snapshots are taken.
 *
 * One thread allocates and frees and looks at the clock after each; another asks for snapshots of
 * many live blocks, with pauses of the same length between them. The longest wait of either phase
 * is what a request of a server would have met.
 *
 *     waits_for_snapshots BLOCKS SNAPSHOTS
 *
 * See waits.h for what counts as a wait.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

#include "seep.h"
#include "tests/bench/programs/stopwatch.h"
#include "tests/bench/programs/waits.h"

enum { BYTES = 40, STACK_BITS = 10, SNAPSHOTS_MAX = 1000 };

enum { QUIET, SNAPSHOT, PHASES };

static _Atomic(int) phase;
static _Atomic(bool) is_over;
static pthread_barrier_t start_line;
static struct waits waits[PHASES]; /* written by the waiting thread */

static void *allocate_and_watch(void *unused)
{
	struct waits_watch watch;
	void *ptr = NULL;

	pthread_barrier_wait(&start_line);
	waits_start(&watch);
	do {
		int began_in = atomic_load_explicit(&phase, memory_order_relaxed);

		if (ptr == NULL) {
			ptr = malloc(BYTES);
		} else {
			free(ptr);
			ptr = NULL;
		}
		waits_lap(&watch,
			  &waits[began_in | atomic_load_explicit(&phase, memory_order_relaxed)]);
	} while (!atomic_load_explicit(&is_over, memory_order_relaxed));
	free(ptr);
	return unused;
}

/* ---- blocks from a thousand stacks ---------------------------------------------------------- */

static void *allocate_left(unsigned long way, int steps);
static void *allocate_right(unsigned long way, int steps);

static inline __attribute__((always_inline)) void *allocate_on(unsigned long way, int steps)
{
	void *result = steps == 0 ? malloc(BYTES)
		       : way & 1  ? allocate_right(way >> 1, steps - 1)
				  : allocate_left(way >> 1, steps - 1);
	KEEP_FRAME();
	return result;
}

static __attribute__((noinline)) void *allocate_left(unsigned long way, int steps)
{
	return allocate_on(way, steps);
}

static __attribute__((noinline)) void *allocate_right(unsigned long way, int steps)
{
	char room[48];

	KEEP(room);
	return allocate_on(way, steps);
}

/* ---- snapshots ------------------------------------------------------------------------------ */

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return a < b ? -1 : a > b;
}

/* Each takes as long as the pause before it, or, unwatched, no time at all. */
static void take_snapshots(double *took_ns, long snapshots)
{
	double pause_ns = 50e6;

	for (long i = 0; i < snapshots; i++) {
		usleep((useconds_t)(pause_ns / 1000));
		if (!seep_is_watching())
			continue;
		atomic_store(&phase, SNAPSHOT);
		took_ns[i] = WALL_NS();
		if (seep_snapshot("bench") != 0) {
			fprintf(stderr, "the snapshot failed\n");
			exit(2);
		}
		took_ns[i] = WALL_NS() - took_ns[i];
		atomic_store(&phase, QUIET);
		pause_ns = took_ns[i] > 10e6 ? took_ns[i] : 10e6;
	}
	qsort(took_ns, (size_t)snapshots, sizeof(*took_ns), compare);
}

int main(int argc, char **argv)
{
	static const char usage[] = "BLOCKS SNAPSHOTS";
	static double took_ns[SNAPSHOTS_MAX];
	long blocks = number_at(argc, argv, 1, usage), snapshots = number_at(argc, argv, 2, usage);
	void **kept = malloc((size_t)(blocks > 0 ? blocks : 1) * sizeof(*kept));
	pthread_t watcher;

	if (snapshots < 1 || snapshots > SNAPSHOTS_MAX) {
		fprintf(stderr, "%s: SNAPSHOTS is 1 to %d\n", argv[0], SNAPSHOTS_MAX);
		return 2;
	}
	for (long i = 0; i < blocks; i++)
		kept[i] = allocate_left((unsigned long)i * 0x9e3779b1u >> 12, STACK_BITS);
	pthread_barrier_init(&start_line, NULL, 2);
	pthread_create(&watcher, NULL, allocate_and_watch, NULL);
	pthread_barrier_wait(&start_line);
	take_snapshots(took_ns, snapshots);
	atomic_store(&is_over, true);
	pthread_join(watcher, NULL);

	printf("{");
	waits_print("quiet", &waits[QUIET]);
	if (seep_is_watching()) {
		waits_print("snapshot", &waits[SNAPSHOT]);
		printf("\"takes_ms\":%.3f,\"takes_most_ms\":%.3f,", took_ns[snapshots / 2] / 1e6,
		       took_ns[snapshots - 1] / 1e6);
	}
	printf("\"kept\":%ld}\n", blocks);
	return 0;
}
