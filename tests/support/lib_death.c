/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_death: a forked child that is expected to end because something of the library is not sound.
 */
#include "tests/support/lib_death.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/invariant.h"

struct lib_death lib_death_of(void (*run)(void *context), void *context)
{
	struct lib_death death = {0};
	const struct rlimit no_core = {0, 0};
	size_t bytes = 0;
	int ends[2];
	ssize_t got;
	pid_t child;

	if (pipe(ends) != 0 || (child = fork()) < 0)
		abort();
	if (child == 0) {
		dup2(ends[1], 2);
		close(ends[0]);
		close(ends[1]);
		setrlimit(RLIMIT_CORE, &no_core);
		invariant_log = NULL;
		run(context);
		_exit(0);
	}
	close(ends[1]);
	while (bytes < sizeof(death.said) - 1 &&
	       (got = read(ends[0], death.said + bytes, sizeof(death.said) - 1 - bytes)) > 0)
		bytes += (size_t)got;
	close(ends[0]);
	waitpid(child, &death.status, 0);
	return death;
}

bool lib_death_is_by(const struct lib_death *death, const char *file)
{
	char place[256];
	const char *said = death->said;

	snprintf(place, sizeof(place), "%s:", file);
	if (strncmp(said, "seep: ", 6) != 0)
		return false;
	said += 6;
	if (strncmp(said, "./", 2) == 0)
		said += 2; /* a header, found in -I. */
	return WIFSIGNALED(death->status) && WTERMSIG(death->status) == SIGABRT &&
	       strncmp(said, place, strlen(place)) == 0 &&
	       strstr(death->said, ": does not hold: ") != NULL;
}
