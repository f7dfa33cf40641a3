/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_alarm: is memory about to run out?
 *
 * A process that the kernel's OOM killer ends has no last word, and where it shares its memory cgroup
 * with the helper, nor has that. So a snapshot is taken shortly before.
 */
#ifndef LIB_CONTROL_MEMORY_ALARM_H
#define LIB_CONTROL_MEMORY_ALARM_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/snapshot/memory_limit.h"

/* Forgets what was seen; call when the process starts. */
void memory_alarm_start(uint64_t now_ns);

/* True when a snapshot should be taken now, with this much live. Looks at the limits only when enough has happened
 * since it looked last. */
bool memory_alarm_is_due(uint64_t now_ns, uint64_t live_bytes);

/* What it makes of the limit that will be met first, at the time `now_ns` with this much live. */
bool memory_alarm_judge(const struct memory_limit *limit, uint64_t now_ns, uint64_t live_bytes);

/* For the helper: a descriptor on which the kernel raises POLLPRI while tasks wait for memory. -1 in the first
 * second, and where it cannot (before Linux 5.2; without rights before 6.5). Whenever it does, call the second one; when it
 * has an error, the third. */
int memory_alarm_pressure(uint64_t now_ns);
void memory_alarm_note_pressure(void);
void memory_alarm_lose_pressure(void);

#endif
