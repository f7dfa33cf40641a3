/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_the_former_segment_base: the twin of keeps_in_a_segment_base sets it to nothing again.
 *
 * reach make_own: definitely_lost=5000/1
 */
#include <asm/prctl.h>
#include <sys/syscall.h>

#include "scan_point.h"

APART static void make_own(void)
{
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, malloc(5000)) != 0)
		abort();
}

int main(void)
{
	make_own();
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, 0) != 0)
		abort();
	scan_point();
}
