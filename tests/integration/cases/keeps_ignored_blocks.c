/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_ignored_blocks: the program says that a block is meant to be lost, and so is what hangs on
 * it; and that of others that it allocates meanwhile.
 *
 * reach ignore: reachable=40/1
 * reach hang: reachable=24/1
 * reach make_disabled: reachable=56/1
 * reach lose: definitely_lost=72/1
 * valgrind ignore: definitely_lost=40/1; it knows nothing of what is ignored
 * valgrind hang: indirectly_lost=24/1; likewise
 * valgrind make_disabled: definitely_lost=56/1; likewise
 */
#include "scan_point.h"

void __lsan_ignore_object(const void *block) __attribute__((weak));
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static void **volatile block;

APART static void ignore(void)
{
	block = malloc(40);
	if (__lsan_ignore_object)
		__lsan_ignore_object(block);
}

APART static void hang(void)
{
	block[3] = malloc(24);
}

APART static void make_disabled(void)
{
	block = malloc(56);
}

APART static void lose(void)
{
	block = malloc(72);
}

int main(void)
{
	ignore();
	hang();
	if (__lsan_disable)
		__lsan_disable();
	make_disabled();
	if (__lsan_enable)
		__lsan_enable();
	lose();
	block = NULL;
	scan_point();
}
