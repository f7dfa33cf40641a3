/* SPDX-License-Identifier: Apache-2.0 */
/*
 * footprint: how much memory this process has, as the kernel counts it.
 *
 * Resident pages of all mappings, and the page tables over them, which a table that is thinly spread
 * over the address space costs too. Allocates nothing.
 */
#ifndef TESTS_BENCH_FOOTPRINT_H
#define TESTS_BENCH_FOOTPRINT_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The number of KiB on the line of a /proc file that begins with `name`. */
static inline long kib_in(const char *path, const char *name)
{
	static char text[16384];
	size_t length = 0;
	ssize_t got;
	char *line;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && length < sizeof(text) - 1 &&
	       (got = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)got;
	if (fd >= 0)
		close(fd);
	text[length] = 0;
	line = strstr(text, name);
	if (line == NULL) {
		fprintf(stderr, "%s has no line %s\n", path, name);
		exit(2);
	}
	return strtol(line + strlen(name), NULL, 10);
}

static inline double footprint_bytes(void)
{
	return 1024.0 * (double)kib_in("/proc/self/smaps_rollup", "\nRss:");
}

static inline double footprint_table_bytes(void)
{
	return 1024.0 * (double)kib_in("/proc/self/status", "\nVmPTE:");
}

static inline double footprint_dirty_bytes(void)
{
	return 1024.0 * (double)kib_in("/proc/self/smaps_rollup", "\nPrivate_Dirty:");
}

#endif
