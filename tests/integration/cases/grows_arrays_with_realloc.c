/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grows_arrays_with_realloc: a realloc is one allocation and one free, moved or not; the block
 * belongs to the stack that asked last.
 *
 * expect: allocations=107 frees=105 live_blocks=2 live_bytes=104800
 * site grow: live_blocks=1 live_bytes=100000 allocations=100 frees=99
 * site shrink: live_blocks=1 live_bytes=4800 allocations=1 frees=0
 * valgrind: equal
 */
#include <stdlib.h>

int *array, *other, *third;

__attribute__((noinline)) static void grow(size_t count)
{
	array = reallocarray(array, count, 10);
}

__attribute__((noinline)) static void shrink(void)
{
	third = realloc(third, 4800);
}

int main(void)
{
	for (size_t i = 1; i <= 100; i++)
		grow(i * 100);
	other = calloc(7, 11);
	other = realloc(other, 77); /* as large as before is counted too */
	other = realloc(other, 78);
	other = reallocarray(other, 1, 5000000);
	free(other);
	third = realloc(NULL, 9000);
	third = realloc(third, 9001);
	shrink();
	return 0;
}
