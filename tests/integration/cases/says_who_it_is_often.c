/* SPDX-License-Identifier: Apache-2.0 */
/*
 * says_who_it_is_often: it sets its user and a limit to what they are, a thousand times, and prints how many reads
 * that took.
 *
 * The test is in test_limits.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Read calls of this process, as the kernel counts them; 0: it does not. */
static unsigned long reads(void)
{
	FILE *file = fopen("/proc/self/io", "r");
	unsigned long count = 0;
	char line[100];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "syscr:", 6) == 0)
			count = strtoul(line + 6, NULL, 10);
	if (file != NULL)
		fclose(file);
	return count;
}

int main(void)
{
	unsigned long before = reads();
	struct rlimit limit;

	if (before == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 2;
	for (int i = 0; i < 1000; i++)
		if (seteuid(geteuid()) != 0 || setrlimit(RLIMIT_NOFILE, &limit) != 0)
			return 3;
	printf("%lu\n", reads() - before);
	return 0;
}
