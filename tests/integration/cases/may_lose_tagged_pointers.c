/* SPDX-License-Identifier: Apache-2.0 */
/*
 * may_lose_tagged_pointers: the low bits say something else; they lead into the block. With a tag
 * in the high bits it is no address any more.
 *
 * reach make: possibly_lost=80/2 definitely_lost=40/1
 */
#include "scan_point.h"

uintptr_t tagged[3];

APART static void *make(void)
{
	return malloc(40);
}

APART static void tag(void)
{
	tagged[0] = (uintptr_t)make() | 1;
	tagged[1] = (uintptr_t)make() | 7;
	tagged[2] = (uintptr_t)make() | (uintptr_t)0xfff1 << 48;
}

int main(void)
{
	tag();
	scan_point();
}
