/* SPDX-License-Identifier: Apache-2.0 */
/*
 * may_lose_by_what_is_no_base: the twin of keeps_by_the_second_base points into an object where no
 * base begins.
 *
 * reach make: possibly_lost=40/1
 */
#include "scan_point.h"

struct reader {
	long read_bytes = 1;
	virtual ~reader() = default;
};

struct channel : reader {
	long values[3] = {1, 2, 3};
};

long *inside;

APART static void make()
{
	inside = (new channel)->values + 1;
}

int main()
{
	make();
	scan_point();
}
