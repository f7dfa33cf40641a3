/* SPDX-License-Identifier: Apache-2.0 */
/*
 * closes_long_names: a test that passes, and only seep knows that it loses memory.
 */
#include <stdio.h>
#include <string.h>

#include "sessions.h"

static const char *const names[] = {
	"a name of more than eight",
	"and one more",
	"and another one",
	"the last one",
};

int main(void)
{
	int is_right = 1;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int number = sessions_open(names[i]);
		is_right &= strcmp(sessions_name(number), names[i]) == 0;
		sessions_close(number);
	}
	printf("1..1\n%sok 1 - closes sessions with long names\n", is_right ? "" : "not ");
	return is_right ? 0 : 1;
}
