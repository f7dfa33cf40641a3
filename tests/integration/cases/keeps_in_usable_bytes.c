/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_usable_bytes: a program that asks how much it was really given may use that, too. It
 * asked for 33 bytes, and glibc gives 40.
 *
 * reach make_holder: reachable=33/1
 * reach make: reachable=40/1
 */
#include <malloc.h>

#include "scan_point.h"

void **holder;

APART static void make_holder(void)
{
	holder = calloc(1, 33);
}

APART static void make(void)
{
	holder[malloc_usable_size(holder) / sizeof(void *) - 1] = malloc(40);
}

int main(void)
{
	make_holder();
	make();
	scan_point();
}
