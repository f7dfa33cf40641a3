/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocates_through_a_wrapper: sixteen handlers ask sixteen parts each for a copy of something, and
 * all copies are made by one wrapper, copy_of. Every copy is freed, but for
 *
 *   wrapper    one in four of all; each handler asks only one part then, so there are sixteen ways
 *   caller     one in four of part_7's, whoever called that
 *   crowd      one in four of all
 *   (nothing)  none
 *
 * The test is in test_findings.py.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 60
#define COPIES 4

static const char *mode = "";

__attribute__((noinline)) static void *copy_of(const void *data, size_t bytes)
{
	return memcpy(malloc(bytes), data, bytes);
}

/* Each way to get here is one stack with several copies. */
__attribute__((always_inline)) static inline void use_copies(const char *data, bool is_forgetful)
{
	for (volatile int i = 0; i < COPIES; i++) {
		void *copy = copy_of(data, 48);
		if (i > 0 || !is_forgetful)
			free(copy);
	}
}

#define EACH(X)                                                                                    \
	X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

/* The wrapper is not called in tail position, or the frame would be gone. */
#define PART(n)                                                                                    \
	__attribute__((noinline)) static void part_##n(int handler)                                \
	{                                                                                          \
		bool is_wrapper = strcmp(mode, "wrapper") == 0;                                    \
		bool is_caller = strcmp(mode, "caller") == 0 && n == 7;                            \
		if (is_wrapper && handler != n)                                                    \
			return;                                                                    \
		use_copies("a part of some message that has forty-eight characters",               \
			   is_wrapper || is_caller || strcmp(mode, "crowd") == 0);                 \
		__asm__ volatile("");                                                              \
	}
EACH(PART)

#define NAME(n) part_##n,
static void (*const parts[])(int) = {EACH(NAME)};

#define HANDLER(n)                                                                                 \
	__attribute__((noinline)) static void handler_##n(void)                                    \
	{                                                                                          \
		for (volatile size_t i = 0; i < 16; i++)                                           \
			parts[i](n);                                                               \
		__asm__ volatile("");                                                              \
	}
EACH(HANDLER)

#define HANDLER_NAME(n) handler_##n,
static void (*const handlers[])(void) = {EACH(HANDLER_NAME)};

int main(int argc, char **argv)
{
	if (argc > 1)
		mode = argv[1];
	for (int round = 0; round < ROUNDS; round++) {
		for (volatile size_t i = 0; i < 16; i++)
			handlers[i]();
		nanosleep(&(struct timespec){.tv_nsec = 25000000}, NULL);
	}
	return 0;
}
