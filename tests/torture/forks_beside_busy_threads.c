/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forks_beside_busy_threads: eight threads allocate and free all the time, two others fork children.
 *
 *     forks_beside_busy_threads SHARED_FILE FORKS SEED
 *
 * Every child allocates so many blocks, frees some of them and some that it has inherited, and ends in one of
 * three ways. What each did stands in SHARED_FILE (struct shared), as does what the parent did in all. Nothing
 * else allocates after main has begun. The runner is forks.py.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define APART __attribute__((noinline))
#define WORKERS 8
#define FORKERS 2
#define RING 300
#define STABLE 500
#define CHILD_BLOCKS_MAX 64

enum how { BY_EXIT, BY_QUICK_EXIT, BY_SIGKILL, WAYS };

/* As forks.py reads it. */
struct child {
	_Atomic(uint32_t) is_over; /* and waited for */
	int32_t pid, status;
	uint32_t how, allocations, frees, inherited_frees;
};
struct work {
	uint64_t allocations, frees;
};
struct shared {
	_Atomic(uint64_t) begun; /* children */
	struct work workers[WORKERS];
	struct child children[];
};

static struct shared *shared;
static uint64_t fork_count;
static void *stable[STABLE];
static atomic_bool is_over;

#define EIGHT(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define ALLOCATE_IN_WORKER(n)                                                                      \
	APART static void *allocate_in_worker_##n(size_t bytes)                                    \
	{                                                                                          \
		void *volatile block = malloc(bytes);                                              \
		return block;                                                                      \
	}
EIGHT(ALLOCATE_IN_WORKER)
#define NAME_OF_WORKER(n) allocate_in_worker_##n,
static void *(*const allocate_in_worker[WORKERS])(size_t) = {EIGHT(NAME_OF_WORKER)};

APART static void *allocate_for_children(void)
{
	void *volatile block = malloc(56);

	return block;
}

APART static void *allocate_in_child(size_t bytes)
{
	void *volatile block = malloc(bytes);

	return block;
}

static uint32_t next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

/* Small blocks and some that have no place in an arena's caches. */
static size_t some_bytes(uint64_t *state)
{
	uint32_t drawn = next(state);

	return drawn % 64 == 0 ? 2000 + drawn % 3000 : 16 + drawn % 400;
}

static void *work(void *number_in_pointer)
{
	int number = (int)(intptr_t)number_in_pointer;
	void *ring[RING] = {NULL};
	struct work done = {0};
	uint64_t state = 1000u + (unsigned)number;

	while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
		uint32_t at = next(&state) % RING;

		if (ring[at] != NULL) {
			free(ring[at]);
			done.frees++;
		}
		ring[at] = allocate_in_worker[number](some_bytes(&state));
		done.allocations++;
	}
	shared->workers[number] = done;
	return NULL;
}

/* The numbers are drawn before: the child does nothing but what it says. */
static void live_in_child(const struct child *plan, uint64_t state)
{
	void *blocks[CHILD_BLOCKS_MAX];

	for (uint32_t i = 0; i < plan->allocations; i++)
		blocks[i] = allocate_in_child(some_bytes(&state));
	for (uint32_t i = 0; i < plan->frees; i++)
		free(blocks[i]);
	for (uint32_t i = 0; i < plan->inherited_frees; i++)
		free(stable[i]);
	if (plan->how == BY_EXIT)
		exit(7);
	if (plan->how == BY_QUICK_EXIT)
		_exit(8);
	raise(SIGKILL);
}

static void *fork_children(void *seed_in_pointer)
{
	uint64_t state = (uint64_t)(intptr_t)seed_in_pointer, number;
	/* At least eight, so that each child has a file. */
	const uint32_t least = 8;

	while ((number = atomic_fetch_add(&shared->begun, 1)) < fork_count) {
		struct child *child = &shared->children[number];
		pid_t pid;
		int status;

		child->how = next(&state) % WAYS;
		child->allocations = least + next(&state) % (CHILD_BLOCKS_MAX - least);
		child->frees = next(&state) % (child->allocations + 1);
		child->inherited_frees = next(&state) % STABLE;
		pid = fork();
		if (pid == 0)
			live_in_child(child, state);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			abort();
		child->pid = pid;
		child->status = status;
		atomic_store(&child->is_over, 1);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t workers[WORKERS], forkers[FORKERS];
	uint64_t seed;
	int file;

	if (argc != 4)
		return 2;
	fork_count = strtoull(argv[2], NULL, 10);
	seed = strtoull(argv[3], NULL, 10) * FORKERS;
	file = open(argv[1], O_RDWR);
	shared = mmap(NULL, sizeof(*shared) + fork_count * sizeof(shared->children[0]),
		      PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (shared == MAP_FAILED)
		return 3;
	for (int i = 0; i < STABLE; i++)
		stable[i] = allocate_for_children();
	for (intptr_t i = 0; i < WORKERS; i++)
		pthread_create(&workers[i], NULL, work, (void *)i);
	for (uint64_t i = 0; i < FORKERS; i++)
		pthread_create(&forkers[i], NULL, fork_children, (void *)(seed + i));
	for (int i = 0; i < FORKERS; i++)
		pthread_join(forkers[i], NULL);
	atomic_store(&is_over, true);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	return 0;
}
