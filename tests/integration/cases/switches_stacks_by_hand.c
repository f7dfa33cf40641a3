/* SPDX-License-Identifier: Apache-2.0 */
/*
 * switches_stacks_by_hand: fibers as boost's or a language's: six instructions that libc knows nothing of,
 * on small stacks from malloc that are freed and used again for the next ones, in two threads.
 *
 * build: -O1; -O2 -fno-omit-frame-pointer
 * links: -pthread
 * expect: lost_blocks=0 lost_stacks=0
 * function in_fiber: live_blocks=2000 live_bytes=80000 allocations=2000
 * function deeper: live_blocks=0
 * function new_stack: live_blocks=0
 * stack in_fiber: in_fiber@here < fiber
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#define STACK_BYTES 8192
#define FIBERS 10 /* at a time */
#define GENERATIONS 10
#define TURNS 10

struct fiber {
	void *stack_pointer;
	char *stack;
};

static __thread void *main_stack_pointer;
static __thread struct fiber *running;
static __thread void **next_block;
void *blocks[2][FIBERS * GENERATIONS * TURNS];

void switch_stacks(void **from, void *to);
void enter_fiber(void);
__asm__(".text\n"
	".globl switch_stacks\n"
	".type switch_stacks, @function\n"
	"switch_stacks:\n"
	".cfi_startproc\n"
	"	push %rbp\n"
	"	push %rbx\n"
	"	push %r12\n"
	"	push %r13\n"
	"	push %r14\n"
	"	push %r15\n"
	".cfi_adjust_cfa_offset 48\n"
	"	mov %rsp, (%rdi)\n"
	"	mov %rsi, %rsp\n"
	"	pop %r15\n"
	"	pop %r14\n"
	"	pop %r13\n"
	"	pop %r12\n"
	"	pop %rbx\n"
	"	pop %rbp\n"
	".cfi_adjust_cfa_offset -48\n"
	"	ret\n"
	".cfi_endproc\n"
	".size switch_stacks, .-switch_stacks\n");

static void yield(void)
{
	switch_stacks(&running->stack_pointer, main_stack_pointer);
}

__attribute__((noinline, noclone)) static void *deeper(int by)
{
	void *volatile block;

	if (by > 0)
		return deeper(by - 1);
	block = malloc(3000);
	return block;
}

__attribute__((noinline, noclone)) static void in_fiber(int turn)
{
	void *volatile block = malloc(40); /* here */

	*next_block++ = block;
	free(deeper(turn));
	yield();
	*(next_block - 1) = *(next_block - 1);
}

__attribute__((noinline, noclone)) static void fiber(void)
{
	for (int turn = 0;; turn = (turn + 1) % TURNS)
		in_fiber(turn);
}

__attribute__((noinline, noclone)) static char *new_stack(void)
{
	char *volatile stack = malloc(STACK_BYTES);

	return stack;
}

static void make(struct fiber *made)
{
	void **top;

	made->stack = new_stack();
	top = (void **)(((uintptr_t)made->stack + STACK_BYTES) & ~(uintptr_t)15);
	*--top = NULL; /* nobody called it */
	*--top = (void *)fiber;
	for (int i = 0; i < 6; i++)
		*--top = NULL;
	made->stack_pointer = top;
}

static void *schedule(void *own_blocks)
{
	struct fiber fibers[FIBERS];

	next_block = own_blocks;
	for (int generation = 0; generation < GENERATIONS; generation++) {
		for (int i = 0; i < FIBERS; i++)
			make(&fibers[i]);
		for (int turn = 0; turn < TURNS; turn++) {
			for (int i = 0; i < FIBERS; i++) {
				running = &fibers[i];
				switch_stacks(&main_stack_pointer, running->stack_pointer);
			}
		}
		for (int i = 0; i < FIBERS; i++)
			free(fibers[i].stack);
	}
	return NULL;
}

int main(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, schedule, blocks[1]))
		return 2;
	schedule(blocks[0]);
	return pthread_join(thread, NULL) != 0;
}
