/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw_task: a thread or process made by the system call alone, on a stack of its own.
 */
#ifndef LIB_BASE_RAW_TASK_H
#define LIB_BASE_RAW_TASK_H

/* Runs `entry` in a task made with these flags of clone, and ends that when it returns. The result is its
 * id, or a negative errno value. */
long raw_task_start(unsigned long flags, void *stack_end, void (*entry)(void));

#endif
