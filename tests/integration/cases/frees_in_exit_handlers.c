/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frees_in_exit_handlers: what atexit handlers free is not live at exit; what they allocate is.
 *
 * expect: allocations=4 frees=3 live_blocks=1 live_bytes=33
 * site last_words: live_blocks=1 live_bytes=33
 * valgrind: equal
 */
#include <stdlib.h>

void *first, *second, *third, *fourth;

__attribute__((noinline)) static void last_words(void)
{
	free(first);
	fourth = malloc(33);
}

static void on_leaving(int status, void *block)
{
	(void)status;
	free(block);
}

__attribute__((destructor)) static void at_the_very_end(void)
{
	free(third);
}

int main(void)
{
	first = malloc(10);
	second = malloc(20);
	third = malloc(30);
	atexit(last_words);
	on_exit(on_leaving, second);
	exit(0);
}
