/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_stat: what /proc/PID/stat says of a process.
 *
 * When it started is told by the reader's clock, which another time namespace sets forward or back; what a
 * file and a socket's name say is by its own.
 *
 * Its state is that of its first thread. Where that has ended by pthread_exit and others go on, the
 * kernel calls it a zombie all the same, and only the number of threads tells.
 */
#include "tools/model/process_stat.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TICK_NS 10000000 /* USER_HZ is 100 wherever there are files of ours */

/* By how much its time since boot is ahead of the first namespace's; 0 before Linux 5.5. */
static int64_t boot_ahead_ns(const char *pid)
{
	char path[48], line[128];
	int64_t seconds = 0, ns = 0;
	snprintf(path, sizeof(path), "/proc/%s/timens_offsets", pid);
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "boottime %" SCNd64 " %" SCNd64, &seconds, &ns) == 2)
			break;
	if (file)
		fclose(file);
	return seconds > INT32_MAX || seconds < INT32_MIN ? 0 : seconds * 1000000000 + ns;
}

static uint64_t in_its_own_time(uint64_t ticks, pid_t pid)
{
	char number[16];
	snprintf(number, sizeof(number), "%d", (int)pid);
	return ticks + (uint64_t)((boot_ahead_ns(number) - boot_ahead_ns("self")) / TICK_NS);
}

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
	if (!fields || sscanf(fields,
			      ") %c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
			      "%*d %u %*d %" SCNu64,
			      &stat->state, &stat->flags, &stat->threads, &stat->start_ticks) != 4)
		return false;
	stat->start_ticks = in_its_own_time(stat->start_ticks, pid);
	return true;
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
