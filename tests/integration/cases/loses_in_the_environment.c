/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loses_in_the_environment: the twin of keeps_in_the_environment takes the string out again.
 *
 * reach make: definitely_lost=40/1
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
	if (unsetenv("COLOUR"))
		abort();
	scan_point();
}
