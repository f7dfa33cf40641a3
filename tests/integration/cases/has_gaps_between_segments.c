/* SPDX-License-Identifier: Apache-2.0 */
/*
 * has_gaps_between_segments: a program whose code lies far from its unwind data, as some linkers and
 * layouts have it (node is built so). Its stacks are whole.
 *
 * build: -O2 -no-pie -Wl,--section-start=.text=0x800000
 * expect: lost_blocks=0 lost_stacks=0 lost_cut_stacks=0
 * site keep: live_blocks=3 live_bytes=96 allocations=3 frees=0
 * stack keep: keep < go_deeper < main
 */
#include <stdlib.h>

void *volatile kept[3];

static __attribute__((noinline)) void keep(int which)
{
	kept[which] = malloc(32);
}

static __attribute__((noinline)) void go_deeper(int which)
{
	keep(which);
	__asm__ volatile("");
}

int main(void)
{
	for (volatile int i = 0; i < 3; i++)
		go_deeper(i);
	return 0;
}
