/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_pressure: do tasks wait for memory?
 *
 * The kernel's own word for it, pressure stall information, comes without looking. For the helper alone.
 */
#ifndef LIB_CONTROL_MEMORY_PRESSURE_H
#define LIB_CONTROL_MEMORY_PRESSURE_H

#include <stdint.h>

/* Call when the process starts. */
void memory_pressure_start(uint64_t now_ns);

/* A descriptor on which the kernel raises POLLPRI while tasks of the program's cgroup wait for memory; where
 * only the machine as a whole may be asked, tasks of that. -1 in the first second, and where the kernel
 * does not tell (before Linux 5.2; who has no rights before 6.5). It may be another one after a while,
 * so ask before each wait. */
int memory_pressure_watch(uint64_t now_ns);

/* For a descriptor that has an error: its cgroup is gone. */
void memory_pressure_lose(void);

#endif
