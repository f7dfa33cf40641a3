/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frees_in_two_ways: of the blocks of each kind nine of ten are freed by one function, the others by
 * another. Prints where its functions begin.
 *
 *     frees_in_two_ways alone|threads|fork ROUNDS
 *
 * The test is in test_frees.py.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

/* So that calls at the end of a function are no jumps. */
#define GO_ON __asm__ volatile("")

#define KIND(name, make, give_back)                                                                \
	extern "C" __attribute__((noinline)) void *make_##name()                                   \
	{                                                                                          \
		void *block = make;                                                                \
		GO_ON;                                                                             \
		return block;                                                                      \
	}                                                                                          \
	extern "C" __attribute__((noinline)) void often_##name(void *block)                        \
	{                                                                                          \
		give_back;                                                                         \
		GO_ON;                                                                             \
	}                                                                                          \
	extern "C" __attribute__((noinline)) void rarely_##name(void *block)                       \
	{                                                                                          \
		give_back;                                                                         \
		GO_ON;                                                                             \
	}

static void *volatile last;

KIND(small, malloc(40), free(block))
KIND(large, malloc(3000), free(block))
KIND(aligned, aligned_alloc(64, 64), free(block))
KIND(new, operator new(40), operator delete(block))
KIND(array, operator new[](40), operator delete[](block))
KIND(sized, operator new(40), operator delete(block, std::size_t(40)))
KIND(reallocated, malloc(40), last = realloc(block, 0))
KIND(moved, malloc(40), free(block))

/* No free, wherever the block is then. */
extern "C" __attribute__((noinline)) void *grow_moved(void *block)
{
	block = realloc(block, 5000);
	GO_ON;
	return block;
}

static const struct kind {
	const char *name;
	void *(*make)();
	void (*often)(void *block), (*rarely)(void *block);
} kinds[] = {
#define LINE(name)                                                                                 \
	{                                                                                          \
#name, make_##name, often_##name, rarely_##name                                    \
	}
	LINE(small), LINE(large), LINE(aligned),     LINE(new),
	LINE(array), LINE(sized), LINE(reallocated), LINE(moved),
};

static void give_back(const struct kind *kind, void *block, long round)
{
	if (round % 10 == 9)
		kind->rarely(block);
	else
		kind->often(block);
}

static void alone(long rounds)
{
	for (long round = 0; round < rounds; round++)
		for (const struct kind &kind : kinds) {
			void *block = kind.make();

			if (strcmp(kind.name, "moved") == 0)
				block = grow_moved(block);
			give_back(&kind, block, round);
		}
}

#define THREADS 4

static void **blocks;
static long block_count;

static void *free_a_part(void *number)
{
	for (long i = (long)number; i < block_count; i += THREADS)
		give_back(&kinds[0], blocks[i], i / THREADS);
	return nullptr;
}

/* All blocks are of this thread, and freed by others. */
static void threads(long rounds)
{
	pthread_t all[THREADS];

	blocks = new void *[rounds];
	for (long i = 0; i < rounds; i++)
		blocks[i] = make_small();
	block_count = rounds;
	for (long i = 0; i < THREADS; i++)
		pthread_create(&all[i], nullptr, free_a_part, (void *)i);
	for (pthread_t thread : all)
		pthread_join(thread, nullptr);
	delete[] blocks;
}

/* The parent frees small blocks in the one way, the child in the other, and besides what it has
 * inherited. */
static void fork_in_between(long rounds)
{
	blocks = new void *[rounds];
	for (long i = 0; i < rounds; i++) {
		often_small(make_small());
		blocks[i] = make_large();
	}
	pid_t child = fork();
	for (long i = 0; i < rounds; i++) {
		if (child == 0)
			rarely_small(make_small());
		else
			often_small(make_small());
		if (child == 0)
			rarely_large(blocks[i]);
	}
	if (child != 0)
		waitpid(child, nullptr, 0);
}

int main(int argc, char **argv)
{
	const char *mode = argc == 3 ? argv[1] : "";
	long rounds = argc == 3 ? atol(argv[2]) : 0;

	for (const struct kind &kind : kinds)
		printf("make_%s %p\noften_%s %p\nrarely_%s %p\n", kind.name, (void *)kind.make,
		       kind.name, (void *)kind.often, kind.name, (void *)kind.rarely);
	printf("grow_moved %p\n", (void *)grow_moved);
	fflush(stdout);
	if (strcmp(mode, "alone") == 0)
		alone(rounds);
	else if (strcmp(mode, "threads") == 0)
		threads(rounds);
	else if (strcmp(mode, "fork") == 0)
		fork_in_between(rounds);
	else
		return 1;
	return 0;
}
