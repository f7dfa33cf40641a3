/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asks_for_odd_locks: mlockall with flags that mean nothing, and what it says to each.
 *
 * The test is in test_limits.py.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

int main(void)
{
	static const int flags[] = {0, MCL_ONFAULT, 8, 8 | MCL_CURRENT, 99, -1};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		errno = 0;
		printf("%d: %d", flags[i], mlockall(flags[i]));
		printf(", errno %d\n", errno);
	}
	return 0;
}
