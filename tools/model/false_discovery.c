/* SPDX-License-Identifier: Apache-2.0 */
/*
 * false_discovery: which of thousands of sites stand out, when each has its chance to do so by luck.
 */
#include "tools/model/false_discovery.h"

#include <stdlib.h>

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

double false_discovery_limit(double *p_values, size_t count, double rate)
{
	if (count)
		qsort(p_values, count, sizeof(*p_values), compare_doubles);
	for (size_t i = count; i-- > 0;)
		if (p_values[i] <= rate * (double)(i + 1) / (double)count)
			return p_values[i];
	return -1;
}
