/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_in_a_former_root_region: the twin of keeps_in_a_root_region takes back what it has said,
 * and has said it of other parts only.
 *
 * reach make_holder: definitely_lost=400/1
 * reach make: indirectly_lost=120/3
 */
#include "scan_point.h"

void __lsan_register_root_region(const void *start, size_t bytes) __attribute__((weak));
void __lsan_unregister_root_region(const void *start, size_t bytes) __attribute__((weak));

static void **holder;

APART static void make_holder(void)
{
	holder = calloc(1, 400);
}

APART static void make(int index)
{
	holder[index] = malloc(40);
}

APART static void declare(void)
{
	if (!__lsan_register_root_region)
		return;
	__lsan_register_root_region(holder + 20, 160);
	__lsan_unregister_root_region(holder + 20, 160);
	__lsan_register_root_region(holder + 11, 8);
}

int main(void)
{
	make_holder();
	make(10);
	make(12);
	make(30);
	declare();
	holder = NULL;
	scan_point();
}
