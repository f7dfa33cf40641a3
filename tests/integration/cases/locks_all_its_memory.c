/* SPDX-License-Identifier: Apache-2.0 */
/*
 * locks_all_its_memory: what there is, and what comes; then it allocates 20,000 blocks.
 *
 *     locks_all_its_memory FILE    writes there how many KiB are locked in the end
 *
 * The test is in test_limits.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BLOCKS 20000

void *blocks[BLOCKS];

__attribute__((noinline)) static void keep(void)
{
	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = malloc(100);
}

static int write_locked(const char *path)
{
	char line[256];
	FILE *status = fopen("/proc/self/status", "r"), *file = fopen(path, "w");

	while (status && file && fgets(line, sizeof(line), status))
		if (strncmp(line, "VmLck:", 6) == 0)
			fprintf(file, "%ld\n", strtol(line + 6, NULL, 10));
	return !status || !file || fclose(status) || fclose(file);
}

int main(int argc, char **argv)
{
	if (argc < 2 || mlockall(MCL_CURRENT | MCL_FUTURE))
		return 2;
	keep();
	return write_locked(argv[1]);
}
