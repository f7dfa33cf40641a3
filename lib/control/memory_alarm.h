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
void memory_alarm_start(void);

/* True when a snapshot should be taken now, with this much live. Looks at the limits only when enough
 * has happened since it looked last. */
bool memory_alarm_is_due(uint64_t now_ns, uint64_t live_bytes);

/* What it makes of the limit that will be met first, at the time `now_ns` with this much live. */
bool memory_alarm_judge(const struct memory_limit *limit, uint64_t now_ns, uint64_t live_bytes);

/* Tasks wait for memory: see memory_pressure. */
void memory_alarm_note_pressure(void);

#endif
