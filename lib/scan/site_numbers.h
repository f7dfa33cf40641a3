/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_numbers: the sites that have live blocks, numbered from 0 as they are met.
 *
 * Most stacks of the call tree are no site: what is kept for each site lies densely under its number.
 */
#ifndef LIB_SCAN_SITE_NUMBERS_H
#define LIB_SCAN_SITE_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/scan/scan_memory.h"

struct site_numbers {
	uint32_t *of_stack; /* by stack id: number + 1; 0: no live block */
	uint32_t stack_count;
	uint32_t count;
};

static inline bool site_numbers_start(struct site_numbers *numbers, struct scan_memory *memory,
				      uint32_t stack_count)
{
	*numbers = (struct site_numbers){.stack_count = stack_count};
	numbers->of_stack = scan_memory_map(memory, stack_count * sizeof(*numbers->of_stack));
	return numbers->of_stack != NULL;
}

static inline void site_numbers_release(struct site_numbers *numbers, struct scan_memory *memory)
{
	scan_memory_unmap(memory, numbers->of_stack,
			  numbers->stack_count * sizeof(*numbers->of_stack));
	*numbers = (struct site_numbers){0};
}

/* A stack that the tree did not have yet when it was counted is put to its root. */
static inline uint32_t site_numbers_stack(const struct site_numbers *numbers, uint32_t stack)
{
	return stack < numbers->stack_count ? stack : 0;
}

static inline void site_numbers_note(struct site_numbers *numbers, uint32_t stack)
{
	uint32_t *number = &numbers->of_stack[site_numbers_stack(numbers, stack)];

	if (*number == 0)
		*number = ++numbers->count;
}

/* Of a stack that was noted. */
static inline uint32_t site_numbers_get(const struct site_numbers *numbers, uint32_t stack)
{
	return numbers->of_stack[site_numbers_stack(numbers, stack)] - 1;
}

#endif
