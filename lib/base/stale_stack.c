/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stale_stack: what calls that have returned have left on the stack.
 *
 * A program asks for a check right after the function that is to be checked has returned. Our own frames
 * come to lie over that function's, and where they have not written to yet its variables would still be
 * there, and hold what it has lost.
 *
 *   Runs in   the target, in the thread that asks for a check
 *   Locks     none
 *   Memory    4 KiB of stack
 *   Calls     none
 *   Failure   none
 */
#include "lib/base/stale_stack.h"

#include <stddef.h>
#include <stdint.h>

#include "lib/base/poison.h"

#define WIPED_WORDS 512u

__attribute__((noinline)) void stale_stack_wipe(void)
{
	uint64_t words[WIPED_WORDS];
	volatile uint64_t *word = words;

	for (size_t i = 0; i < WIPED_WORDS; i++)
		word[i] = 0;
}
