/* SPDX-License-Identifier: Apache-2.0 */
/*
 * makes_many_stacks: malloc and free from very many different stacks.
 *
 * A recursion through two functions takes the bits of a number as its way, so each number is a stack
 * of its own, and the numbers come in an order in which neighbours share next to nothing. The first
 * visit of a stack is one that the tracker has never seen; the later ones find it among all
 * others. Small caches of recent stacks are of no use here.
 *
 *     makes_many_stacks STACKS VISITS
 *
 * Prints nanoseconds per pair at the first visit and at the later ones, the recursion included, and
 * how many bytes each stack has cost.
 */
#include "tests/bench/programs/footprint.h"
#include "tests/bench/programs/stopwatch.h"

enum { BYTES = 40 };

static void go_left(unsigned long way, int steps);
static void go_right(unsigned long way, int steps);

static inline __attribute__((always_inline)) void go_on(unsigned long way, int steps)
{
	if (steps == 0) {
		void *ptr = malloc(BYTES);

		KEEP(ptr);
		free(ptr);
	} else if (way >> (steps - 1) & 1) {
		go_right(way, steps - 1);
	} else {
		go_left(way, steps - 1);
	}
	KEEP_FRAME();
}

static __attribute__((noinline)) void go_left(unsigned long way, int steps)
{
	go_on(way, steps);
}

/* Another frame than on the left, which also keeps gcc from making one function of both. */
static __attribute__((noinline)) void go_right(unsigned long way, int steps)
{
	char room[48];

	KEEP(room);
	go_on(way, steps);
}

/* Each of the first `stacks` numbers times an odd one: a permutation of all numbers of so many bits. */
static __attribute__((noinline)) double visit_all(unsigned long stacks, int bits)
{
	double started = WALL_NS();

	for (unsigned long i = 0; i < stacks; i++)
		go_left(i * 0x9e3779b1u & ((1ul << bits) - 1), bits);
	return (WALL_NS() - started) / (double)stacks;
}

int main(int argc, char **argv)
{
	static const char usage[] = "STACKS VISITS";
	unsigned long stacks = (unsigned long)number_at(argc, argv, 1, usage);
	long visits = number_at(argc, argv, 2, usage);
	double before, first_ns = 0, later_ns = 0, bytes = 0;
	int bits = 0;

	if (stacks < 1 || visits < 2) {
		fprintf(stderr, "%s: STACKS is 1 or more, VISITS 2 or more\n", argv[0]);
		return 2;
	}
	while (1ul << bits < stacks)
		bits++;
	before = footprint_bytes();
	/* One call, or the later visits would come from another place: new stacks again. */
	for (long i = 0; i < visits; i++) {
		double ns = visit_all(stacks, bits);

		if (i == 0) {
			first_ns = ns;
			bytes = footprint_bytes() - before;
		} else {
			later_ns += ns / (double)(visits - 1);
		}
	}
	printf("{\"first_ns_per_pair\":%.3f,\"later_ns_per_pair\":%.3f,\"bytes_per_stack\":%.2f,"
	       "\"allocations\":%ld}\n",
	       first_ns, later_ns, bytes / (double)stacks, (long)stacks * visits);
	return 0;
}
