/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_by_the_second_base: an object of two bases, and the one pointer to it is to the second.
 *
 * reach make: reachable=40/1
 */
#include "scan_point.h"

struct reader {
	long read_bytes = 1;
	virtual ~reader() = default;
};

struct writer {
	long written_bytes = 2;
	virtual ~writer() = default;
};

struct channel : reader, writer {
	long more = 3;
};

writer *output;

APART static void make()
{
	output = new channel;
}

int main()
{
	make();
	scan_point();
}
