/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fails_to_allocate: failures are passed on with their errno, leave the old block alone and are
 * no allocations; successes leave errno alone.
 *
 * build: -Wno-alloc-size-larger-than
 * expect: allocations=4 frees=3 live_blocks=1 live_bytes=10
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			_Exit(__LINE__);                                                           \
		errno = 7;                                                                         \
	} while (0)

int main(void)
{
	volatile size_t huge = PTRDIFF_MAX;
	void *block = NULL, *kept;

	errno = 7;
	kept = malloc(10);
	MUST(kept && errno == 7);
	MUST(!malloc(huge) && errno == ENOMEM);
	MUST(!calloc(huge, 4) && errno == ENOMEM);
	MUST(!realloc(kept, huge) && errno == ENOMEM);
	MUST(!reallocarray(kept, huge, 16) && errno == ENOMEM);
	MUST(!memalign(64, huge) && errno == ENOMEM);
	MUST(!aligned_alloc(64, huge) && errno == ENOMEM);
	MUST(!valloc(huge) && errno == ENOMEM);
	MUST(!pvalloc(huge) && errno == ENOMEM);
	MUST(posix_memalign(&block, 64, huge) == ENOMEM && !block);
	MUST(posix_memalign(&block, 3, 8) == EINVAL && !block && errno == 7);
	free(NULL);
	MUST(errno == 7);
	free(malloc(1 << 22));
	MUST(errno == 7);
	block = calloc(1, 1 << 20);
	MUST(block && errno == 7);
	block = realloc(block, 1 << 24);
	MUST(block && errno == 7);
	free(block);
	MUST(errno == 7);
	return 0;
}
