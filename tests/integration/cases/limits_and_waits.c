/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits_and_waits: it may have N descriptors from now on (-: as many as before), and waits for the end of its input.
 *
 *     limits_and_waits N|-
 *
 * The test is in test_limits.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	void *volatile block = malloc(100);
	struct rlimit limits;
	char byte;

	if (argc < 2)
		return 2;
	limits.rlim_cur = limits.rlim_max = strtoul(argv[1], NULL, 10);
	if (argv[1][0] != '-' && setrlimit(RLIMIT_NOFILE, &limits) != 0)
		return 3;
	printf("%d\n", (int)getpid());
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	free(block);
	return 0;
}
