/* SPDX-License-Identifier: Apache-2.0 */
/*
 * has_suppressions_of_its_own: a program that tells LeakSanitizer which of its leaks are known. With an
 * argument it loses in another function, too.
 */
#include <sys/wait.h>

#include "scan_point.h"

const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "# not ours\nleak:lose_knowingly\nleak:lose_elsewhere\n";
}

static void *volatile kept;

APART static void lose_knowingly(void)
{
	kept = malloc(40);
	kept = NULL;
}

APART static void lose_unknowingly(void)
{
	kept = malloc(72);
	kept = NULL;
}

int main(int count, char **arguments)
{
	(void)arguments;
	lose_knowingly();
	if (count > 1)
		lose_unknowingly();
	/* A child says so, too. */
	if (fork() == 0) {
		lose_knowingly();
		wipe_traces();
		exit(0);
	}
	wait(NULL);
	wipe_traces();
	return 0;
}
