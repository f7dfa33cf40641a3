/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_on_a_context_in_a_block: a coroutine that has made room for main() holds a block on its
 * stack, which is a block, too.
 *
 * reach make: reachable=40/1
 * reach make_stack: reachable=196608/1
 */
#include <ucontext.h>

#include "scan_point.h"

enum { STACK_BYTES = 4 * WIPED_BYTES };

static ucontext_t main_context, context;

APART static void *make(void)
{
	return malloc(40);
}

static void coroutine(void)
{
	void *volatile held = make();

	swapcontext(&context, &main_context);
	free(held);
}

APART static void make_stack(void)
{
	context.uc_stack.ss_sp = malloc(STACK_BYTES);
}

APART static void start(void)
{
	if (getcontext(&context))
		abort();
	make_stack();
	context.uc_stack.ss_size = STACK_BYTES;
	makecontext(&context, coroutine, 0);
	swapcontext(&main_context, &context);
}

int main(void)
{
	start();
	scan_point();
}
