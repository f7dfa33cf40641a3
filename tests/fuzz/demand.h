/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demand: what must hold whatever the input is; the fuzzer keeps the input for which it does not.
 */
#ifndef TESTS_FUZZ_DEMAND_H
#define TESTS_FUZZ_DEMAND_H

#include <stdio.h>
#include <stdlib.h>

#define DEMAND(condition, ...)                                                                     \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			dprintf(2, "DEMAND %s:%d: %s: ", __FILE__, __LINE__, #condition);          \
			dprintf(2, __VA_ARGS__);                                                   \
			dprintf(2, "\n");                                                          \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
