/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jumps_out_of_frames: after longjmp out of deep frames the next stacks are the right ones and
 * nothing remembers those that were left, however often.
 *
 * build: -O0; -O2
 * site after_the_jump: live_blocks=100 live_bytes=1000
 * stack after_the_jump: after_the_jump@after < main
 * site deep: live_blocks=100 live_bytes=2000
 */
#include <setjmp.h>
#include <stdlib.h>

static jmp_buf target;
void *blocks[200];

__attribute__((noinline, noclone)) static int deep(int depth, int round)
{
	volatile int result;

	if (depth == 0) {
		blocks[round] = malloc(20);
		longjmp(target, 1);
	}
	result = deep(depth - 1, round) + 1;
	return result;
}

__attribute__((noinline, noclone)) static void after_the_jump(int round)
{
	blocks[100 + round] = malloc(10); /* after */
}

int main(void)
{
	for (volatile int round = 0; round < 100; round++) {
		if (!setjmp(target))
			deep(20, round);
		after_the_jump(round);
	}
	return 0;
}
