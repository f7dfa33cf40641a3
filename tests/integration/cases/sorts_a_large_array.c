/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sorts_a_large_array: qsort takes a temporary array from malloc when it does not fit the stack.
 *
 * expect: live_blocks=1 live_bytes=800000
 * valgrind: equal
 */
#include <stdlib.h>

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

double *numbers;

int main(void)
{
	numbers = malloc(100000 * sizeof(double));
	for (int i = 0; i < 100000; i++)
		numbers[i] = (i * 7919L) % 100003;
	qsort(numbers, 100000, sizeof(double), compare);
	return numbers[0] > numbers[99999];
}
