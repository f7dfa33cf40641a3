/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_a_root_region: nothing points to the holder, which is lost; but the program has said
 * that what lies in it counts.
 *
 * reach make_holder: definitely_lost=400/1
 * reach make: reachable=40/1
 * valgrind make: indirectly_lost=40/1; it knows nothing of such regions
 */
#include "scan_point.h"

void __lsan_register_root_region(const void *start, size_t bytes) __attribute__((weak));

static void **holder;

APART static void make_holder(void)
{
	holder = calloc(1, 400);
}

APART static void make(void)
{
	holder[30] = malloc(40);
}

APART static void declare(void)
{
	if (__lsan_register_root_region)
		__lsan_register_root_region(holder + 20, 160);
}

int main(void)
{
	make_holder();
	make();
	declare();
	holder = NULL;
	scan_point();
}
