/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_a_segment_base: emulators and runtimes that have threads of their own let gs say where what belongs
 * to a thread lies.
 *
 * reach make_own: reachable=5000/1
 * valgrind make_own: definitely_lost=5000/1; does not look there
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
	scan_point();
}
