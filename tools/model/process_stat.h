/* SPDX-License-Identifier: Apache-2.0 */
/* process_stat: what /proc/PID/stat says of a process. */
#ifndef SEEP_MODEL_PROCESS_STAT_H
#define SEEP_MODEL_PROCESS_STAT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process_stat {
	char state;	      /* of its first thread: R, S, T, Z … */
	unsigned flags;	      /* the kernel's PF_… */
	unsigned threads;     /* those that have not been waited for, with the first one */
	uint64_t start_ticks; /* since boot, by its own clock; together with its PID it names a
			      * process, also over exec */
};

/* False where there is no such process, or it may not be seen. */
bool process_stat_read(pid_t pid, struct process_stat *stat);

/* Nothing of it runs any more, it is only waited for. */
bool process_stat_has_ended(const struct process_stat *stat);

/* Is there still the process with this PID that started then? */
bool process_stat_is_running(pid_t pid, uint64_t start_ticks);

#endif
