/* SPDX-License-Identifier: Apache-2.0 */
/*
 * library_with_late_choice: a function whose implementation is chosen when it is first called; for
 * allocates_while_a_call_is_bound.
 */
#include <stdlib.h>

void *chosen_with;

static int answer(void)
{
	return 42;
}

static int (*choose_answer(void))(void)
{
	chosen_with = malloc(77); /* the choice */
	return answer;
}

int late_answer(void) __attribute__((ifunc("choose_answer")));
