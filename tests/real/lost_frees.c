/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lost_frees: forgets one in N frees of the blocks that it was told to follow.
 *
 * Every function ends in a jump to the next one of its name, so that nobody behind it sees a frame of
 * ours. What came of it stands in a file, INJECT_COUNTS.PID, which is mapped and so complete however
 * the process ends; a process that never has a block of the site leaves none.
 *
 *   INJECT_ONE_IN   N; without it nothing is lost
 *   INJECT_SEED     which ones
 *   INJECT_COUNTS   path of the file, without .PID
 */
#include "tests/real/chosen_site.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A block has one place, by its address; one that finds it taken is not followed. */
#define PLACE_BITS 20
static _Atomic(uintptr_t) places[1u << PLACE_BITS];

static _Atomic(uintptr_t) *place_of(const void *ptr)
{
	return &places[((uintptr_t)ptr >> 4) * 0x9e3779b97f4a7c15u >> (64 - PLACE_BITS)];
}

/* As Python reads it. */
struct counts {
	_Atomic(uint64_t) followed, freed, lost;
};
static struct counts uncounted;
static _Atomic(struct counts *) counts = &uncounted;
static _Atomic(pid_t) owner;

static uint64_t one_in, seed;
/* nginx, for one, has no environment later. */
static char counts_path[4096];

__attribute__((constructor)) static void read_settings(void)
{
	const char *text = getenv("INJECT_ONE_IN");
	one_in = text ? strtoull(text, NULL, 10) : 0;
	text = getenv("INJECT_SEED");
	seed = text ? strtoull(text, NULL, 10) : 0;
	text = getenv("INJECT_COUNTS");
	snprintf(counts_path, sizeof(counts_path), "%s", text ? text : "");
}

static void open_counts(void)
{
	char path[sizeof(counts_path) + 16];
	struct counts *mapped = &uncounted;
	int fd = -1;
	snprintf(path, sizeof(path), "%s.%d", counts_path, getpid());
	if (*counts_path)
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd >= 0) {
		if (ftruncate(fd, sizeof(*mapped)) == 0)
			mapped = mmap(NULL, sizeof(*mapped), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
				      0);
		close(fd);
	}
	atomic_store(&counts, mapped == MAP_FAILED ? &uncounted : mapped);
}

/* Each process has its own; two threads that open it at once open the same. */
static struct counts *own_counts(void)
{
	if (atomic_load(&owner) != getpid()) {
		open_counts();
		atomic_store(&owner, getpid());
	}
	return atomic_load(&counts);
}

void lost_frees_follow(void *ptr)
{
	uintptr_t none = 0;
	if (atomic_compare_exchange_strong(place_of(ptr), &none, (uintptr_t)ptr))
		atomic_fetch_add(&own_counts()->followed, 1);
}

void lost_frees_forget(void *ptr)
{
	uintptr_t addr = (uintptr_t)ptr;
	if (addr)
		atomic_compare_exchange_strong(place_of(ptr), &addr, 0);
}

/* splitmix64: as good as drawn, and the same again for the same seed. */
static uint64_t drawn(uint64_t number)
{
	number = (number + seed) * 0x9e3779b97f4a7c15u;
	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9u;
	number = (number ^ number >> 27) * 0x94d049bb133111ebu;
	return number ^ number >> 31;
}

static bool is_lost_slow(void *ptr)
{
	uintptr_t addr = (uintptr_t)ptr;
	int error = errno;
	bool is_lost = false;
	if (atomic_compare_exchange_strong(place_of(ptr), &addr, 0)) {
		struct counts *own = own_counts();
		uint64_t number = atomic_fetch_add(&own->freed, 1);
		is_lost = one_in && drawn(number) % one_in == 0;
		if (is_lost)
			atomic_fetch_add(&own->lost, 1);
	}
	errno = error;
	return is_lost;
}

static inline bool is_lost(void *ptr)
{
	return ptr && atomic_load_explicit(place_of(ptr), memory_order_relaxed) == (uintptr_t)ptr &&
	       is_lost_slow(ptr);
}

/* free and the operators delete, which C++ programs call with more arguments. */
#define DOOR(name, parameters, arguments)                                                          \
	void name parameters;                                                                      \
	void name parameters                                                                       \
	{                                                                                          \
		static void(*_Atomic next) parameters;                                             \
		if (is_lost(ptr))                                                                  \
			return;                                                                    \
		if (!next)                                                                         \
			next = (void(*) parameters)dlsym(RTLD_NEXT, #name);                        \
		next arguments;                                                                    \
	}

DOOR(free, (void *ptr), (ptr))
DOOR(_ZdlPv, (void *ptr), (ptr))
DOOR(_ZdaPv, (void *ptr), (ptr))
DOOR(_ZdlPvm, (void *ptr, size_t bytes), (ptr, bytes))
DOOR(_ZdaPvm, (void *ptr, size_t bytes), (ptr, bytes))
DOOR(_ZdlPvSt11align_val_t, (void *ptr, size_t align), (ptr, align))
DOOR(_ZdaPvSt11align_val_t, (void *ptr, size_t align), (ptr, align))
DOOR(_ZdlPvmSt11align_val_t, (void *ptr, size_t bytes, size_t align), (ptr, bytes, align))
DOOR(_ZdaPvmSt11align_val_t, (void *ptr, size_t bytes, size_t align), (ptr, bytes, align))
DOOR(_ZdlPvRKSt9nothrow_t, (void *ptr, const void *nothrow), (ptr, nothrow))
DOOR(_ZdaPvRKSt9nothrow_t, (void *ptr, const void *nothrow), (ptr, nothrow))
