/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_deep_frames: two thousand frames, each with a block in a variable.
 *
 * reach make: reachable=80000/2000
 */
#include "scan_point.h"

APART static void *make(void)
{
	return malloc(40);
}

APART static int descend(int depth)
{
	void *volatile held = make();

	if (depth == 1)
		scan_point();
	return descend(depth - 1) + (held != NULL);
}

int main(void)
{
	return descend(2000);
}
