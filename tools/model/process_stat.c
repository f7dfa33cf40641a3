/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_stat: what /proc/PID/stat says of a process.
 *
 * Its state is that of its first thread. Where that has ended by pthread_exit and others go on, the
 * kernel calls it a zombie all the same, and only the number of threads tells.
 */
#include "tools/model/process_stat.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool process_stat_read(pid_t pid, struct process_stat *stat)
{
	char path[32], text[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	size_t bytes = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[bytes] = '\0';

	/* Field 2 is the name in parentheses, which may hold any character. */
	const char *fields = strrchr(text, ')');
	*stat = (struct process_stat){0};
	return fields &&
	       sscanf(fields,
		      ") %c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
		      "%*d %u %*d %" SCNu64,
		      &stat->state, &stat->flags, &stat->threads, &stat->start_ticks) == 4;
}

bool process_stat_has_ended(const struct process_stat *stat)
{
	return stat->state == 'X' || (stat->state == 'Z' && stat->threads <= 1);
}

bool process_stat_is_running(pid_t pid, uint64_t start_ticks)
{
	struct process_stat stat;
	return process_stat_read(pid, &stat) && stat.start_ticks == start_ticks &&
	       !process_stat_has_ended(&stat);
}
