/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeps_in_the_environment: putenv keeps the program's own string.
 *
 * reach make: reachable=40/1
 */
#include <string.h>

#include "scan_point.h"

APART static char *make(void)
{
	char *text = malloc(40);

	strcpy(text, "COLOUR=blue");
	return text;
}

APART static void keep(void)
{
	if (putenv(make()))
		abort();
}

int main(void)
{
	keep();
	scan_point();
}
