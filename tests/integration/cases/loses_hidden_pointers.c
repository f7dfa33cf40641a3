/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_hidden_pointers: inverted, combined with another by exclusive or, and stored without its
 * low bits. The program could get them back; nobody else can know that.
 *
 * reach make: definitely_lost=120/3
 */
#include "scan_point.h"

uintptr_t inverted, combined, shifted;

APART static void *make(void)
{
	return malloc(40);
}

APART static void hide(void)
{
	inverted = ~(uintptr_t)make();
	combined = (uintptr_t)make() ^ 0x5555555555555555;
	shifted = (uintptr_t)make() >> 4;
}

int main(void)
{
	hide();
	scan_point();
}
