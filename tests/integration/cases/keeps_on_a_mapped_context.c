/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_on_a_mapped_context: a coroutine that has made room for main() holds a block on its stack,
 * which is a mapping.
 *
 * reach make: reachable=40/1
 */
#include <sys/mman.h>
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

APART static void start(void)
{
	void *stack =
		mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED || getcontext(&context))
		abort();
	context.uc_stack.ss_sp = stack;
	context.uc_stack.ss_size = STACK_BYTES;
	makecontext(&context, coroutine, 0);
	swapcontext(&main_context, &context);
}

int main(void)
{
	start();
	scan_point();
}
