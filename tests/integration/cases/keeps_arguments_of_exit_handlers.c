/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_arguments_of_exit_handlers: libc scrambles the addresses of the functions to be called, but
 * not what they are called with.
 *
 * reach make: reachable=400/10
 */
#include "scan_point.h"

static int sum;

APART static void *make(void)
{
	return calloc(1, 40);
}

static void end(int status, void *block)
{
	sum += status + *(int *)block;
}

APART static void keep(void)
{
	for (int i = 0; i < 10; i++)
		if (on_exit(end, make()))
			abort();
}

int main(void)
{
	keep();
	scan_point();
}
