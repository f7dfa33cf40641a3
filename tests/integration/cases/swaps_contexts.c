/* SPDX-License-Identifier: Apache-2.0 */
/*
 * swaps_contexts: coroutines made with makecontext, on stacks taken from malloc, that take turns
 * inside their frames.
 *
 * site in_coroutine: live_blocks=80 live_bytes=3200
 * site scheduler: live_blocks=40 live_bytes=400
 * stack in_coroutine: in_coroutine@here < coroutine
 */
#include <stdlib.h>
#include <ucontext.h>

#define STACK_BYTES 65536

static ucontext_t main_context, contexts[2];
void *blocks[200];
int block_count;

__attribute__((noinline)) static void in_coroutine(int which)
{
	blocks[block_count++] = malloc(40); /* here */
	swapcontext(&contexts[which], &main_context);
	blocks[block_count - 1] = blocks[block_count - 1];
}

static void coroutine(int which)
{
	for (;;)
		in_coroutine(which);
}

__attribute__((noinline)) static void scheduler(int which)
{
	if (which)
		blocks[block_count++] = malloc(10);
	swapcontext(&main_context, &contexts[which]);
}

int main(void)
{
	for (int i = 0; i < 2; i++) {
		getcontext(&contexts[i]);
		contexts[i].uc_stack.ss_sp = malloc(STACK_BYTES);
		contexts[i].uc_stack.ss_size = STACK_BYTES;
		makecontext(&contexts[i], (void (*)(void))coroutine, 1, i);
	}
	for (int round = 0; round < 80; round++)
		scheduler(round % 2);
	return 0;
}
