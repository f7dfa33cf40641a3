/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waits_for_scans: how long a program stands still while it is looked at what it can still reach.
 *
 * A tree of blocks fills the heap, of small or of huge pages. One thread does nothing but look at the
 * clock; another asks for scans, with pauses between them. The longest gap that the first one sees is
 * what a request of a server would have met.
 *
 *     waits_for_scans MIB BLOCK_BYTES HUGE SCANS
 *
 * See waits.h for what counts as a gap. HUGE is 1 for huge pages where the kernel has them, and 0 for
 * none; `huge_bytes` says what it came to.
 */
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "seep.h"
#include "tests/bench/programs/stopwatch.h"
#include "tests/bench/programs/waits.h"

enum { SCANS_MAX = 100, PAUSE_US = 50000, HEADER_BYTES = 16, FIRST_HEAP_BYTES = 1 << 20 };

struct node {
	struct node *left, *right;
};

enum { QUIET, SCAN, PHASES };

static struct node *tree;
static _Atomic(int) phase;
static _Atomic(bool) is_over;
static pthread_barrier_t start_line;
static struct waits waits[PHASES]; /* written by the waiting thread */

static void *watch_the_clock(void *unused)
{
	struct waits_watch watch;

	pthread_barrier_wait(&start_line);
	waits_start(&watch);
	do {
		int began_in = atomic_load_explicit(&phase, memory_order_relaxed);

		waits_lap(&watch,
			  &waits[began_in | atomic_load_explicit(&phase, memory_order_relaxed)]);
	} while (!atomic_load_explicit(&is_over, memory_order_relaxed));
	return unused;
}

/* All of it at once, so that the kernel knows how its pages are to be before any of them is touched. */
static void make_heap(size_t bytes, bool is_huge)
{
	char *start, *end, *first;

	mallopt(M_MMAP_THRESHOLD, 2 * FIRST_HEAP_BYTES);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	mallopt(M_TOP_PAD, (int)bytes);
	start = sbrk(0);
	/* More than what is there already. */
	first = malloc(FIRST_HEAP_BYTES);
	KEEP(first);
	free(first);
	end = sbrk(0);
	if ((size_t)(end - start) < bytes ||
	    madvise(start, (size_t)(end - start), is_huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) != 0) {
		fprintf(stderr, "there is no heap of such pages\n");
		exit(2);
	}
}

/* The array of all nodes is gone when it is done: only the tree leads to them. */
static void grow_tree(size_t count, size_t block_bytes)
{
	size_t bytes = count * sizeof(struct node *);
	struct node **nodes =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (nodes == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	for (size_t i = 0; i < count; i++) {
		nodes[i] = malloc(block_bytes);
		memset(nodes[i], 0, block_bytes);
		if (i == 0)
			continue;
		if (i % 2 == 1)
			nodes[(i - 1) / 2]->left = nodes[i];
		else
			nodes[(i - 1) / 2]->right = nodes[i];
	}
	tree = nodes[0];
	munmap(nodes, bytes);
}

/* Of the heap: a library that is preloaded may have some of its own. */
static long huge_bytes(void)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	bool is_heap = false;
	char line[512];
	long kib = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strstr(line, "[heap]") != NULL)
			is_heap = true;
		else if (is_heap && sscanf(line, "AnonHugePages: %ld kB", &kib) == 1)
			break;
	}
	if (file != NULL)
		fclose(file);
	return kib * 1024;
}

static double take_scans(long scans)
{
	double took_ns = 0;

	for (long i = 0; i < scans; i++) {
		double started_ns;

		usleep(PAUSE_US);
		if (!seep_is_watching())
			continue;
		atomic_store(&phase, SCAN);
		started_ns = WALL_NS();
		if (seep_scan("bench") != 0) {
			fprintf(stderr, "the scan failed\n");
			exit(2);
		}
		took_ns += WALL_NS() - started_ns;
		atomic_store(&phase, QUIET);
	}
	return took_ns / (double)scans;
}

int main(int argc, char **argv)
{
	static const char usage[] = "MIB BLOCK_BYTES HUGE SCANS";
	size_t bytes = (size_t)number_at(argc, argv, 1, usage) << 20;
	size_t block_bytes = (size_t)number_at(argc, argv, 2, usage);
	bool is_huge = number_at(argc, argv, 3, usage) != 0;
	long scans = number_at(argc, argv, 4, usage);
	size_t count;
	double took_ns;
	pthread_t watcher;

	if (scans < 1 || scans > SCANS_MAX || bytes == 0 || bytes > INT_MAX ||
	    block_bytes < sizeof(struct node)) {
		fprintf(stderr,
			"%s: MIB is 1 to 2047, blocks have at least %zu bytes, SCANS is 1 "
			"to %d\n",
			argv[0], sizeof(struct node), SCANS_MAX);
		return 2;
	}
	count = bytes / (block_bytes + HEADER_BYTES);
	make_heap(bytes, is_huge);
	grow_tree(count, block_bytes);
	pthread_barrier_init(&start_line, NULL, 2);
	pthread_create(&watcher, NULL, watch_the_clock, NULL);
	pthread_barrier_wait(&start_line);
	took_ns = take_scans(scans);
	atomic_store(&is_over, true);
	pthread_join(watcher, NULL);
	KEEP(tree);

	printf("{");
	waits_print("quiet", &waits[QUIET]);
	if (seep_is_watching()) {
		waits_print("scan", &waits[SCAN]);
		printf("\"scan_s\":%.4f,", took_ns / 1e9);
	}
	printf("\"huge_bytes\":%ld,\"kept\":%zu}\n", huge_bytes(), count);
	return 0;
}
