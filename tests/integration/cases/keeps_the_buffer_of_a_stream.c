/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_the_buffer_of_a_stream: libc knows all streams that are open, and their buffers. exit()
 * takes those away from them; this program ends without it.
 *
 * reach make: reachable=1000/1
 */
#include <stdio.h>

#include "scan_point.h"

APART static char *make(void)
{
	return malloc(1000);
}

APART static void keep(void)
{
	FILE *stream = fopen("/dev/null", "w");

	if (!stream || setvbuf(stream, make(), _IOFBF, 1000))
		abort();
	fputs("never written", stream);
}

int main(void)
{
	keep();
	wait_for_scan();
	_exit(0);
}
