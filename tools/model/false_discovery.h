/* SPDX-License-Identifier: Apache-2.0 */
/*
 * false_discovery: which of thousands of sites stand out, when each has its chance to do so by luck.
 *
 * Y. Benjamini, Y. Hochberg, "Controlling the False Discovery Rate", Journal of the Royal Statistical
 * Society B 57 (1995). It holds for sites that go up and down together with the load, too: Y.
 * Benjamini, D. Yekutieli, "The Control of the False Discovery Rate in Multiple Testing under
 * Dependency", Annals of Statistics 29 (2001), theorem 1.2.
 */
#ifndef SEEP_MODEL_FALSE_DISCOVERY_H
#define SEEP_MODEL_FALSE_DISCOVERY_H

#include <stddef.h>

/* At most this part of what is flagged may be there by luck. */
#define FALSE_DISCOVERY_RATE 0.05

/* The largest of the `count` p-values that still counts; less than 0 when none does. Sorts them.
 * Those that could not have been discoveries, whatever they did, should be left out before: R.
 * Bourgon, R. Gentleman, W. Huber, "Independent Filtering", PNAS 107 (2010). */
double false_discovery_limit(double *p_values, size_t count, double rate);

#endif
