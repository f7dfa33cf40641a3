/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sessions: has a leak on one path, as early returns have it.
 */
#include "sessions.h"

#include <stdlib.h>
#include <string.h>

static char *sessions[SESSIONS_MAX];

int sessions_open(const char *name)
{
	for (int number = 0; number < SESSIONS_MAX; number++) {
		if (sessions[number])
			continue;
		sessions[number] = strdup(name);
		return number;
	}
	return -1;
}

const char *sessions_name(int number)
{
	return sessions[number];
}

void sessions_close(int number)
{
	char *session = sessions[number];

	sessions[number] = NULL;
	if (strlen(session) > 8)
		return; /* the leak */
	free(session);
}
