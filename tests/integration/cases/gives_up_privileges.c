/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gives_up_privileges: a program that nobody may look into any more works on for two seconds.
 *
 *     gives_up_privileges dumpable|setuid
 *
 * The test is in test_hazards.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

void *blocks[20];

__attribute__((noinline)) static void *keep(void)
{
	return malloc(100);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (strcmp(argv[1], "setuid") == 0) {
		if (setgid(65534) || setuid(65534))
			return 2;
	} else if (prctl(PR_SET_DUMPABLE, 0)) {
		return 2;
	}
	for (int i = 0; i < 20; i++) {
		blocks[i] = keep();
		usleep(100000);
	}
	puts("done");
	return 3;
}
