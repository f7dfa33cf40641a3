/* SPDX-License-Identifier: Apache-2.0 */
/*
 * closes_short_names: a test that passes, and loses nothing. With an argument that is its exit status, such
 * as 77, by which Automake and Meson know that a test was skipped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sessions.h"

int main(int argc, char **argv)
{
	int number = sessions_open("short");
	int is_right = strcmp(sessions_name(number), "short") == 0;

	sessions_close(number);
	printf("1..1\n%sok 1 - closes a session with a short name\n", is_right ? "" : "not ");
	if (argc > 1)
		return atoi(argv[1]);
	return is_right ? 0 : 1;
}
