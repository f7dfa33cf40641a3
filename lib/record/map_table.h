/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_table: the mappings that the program made itself with mmap, mremap, brk and sbrk.
 *
 * Unlike blocks, mappings can be unmapped in part, by pages. So they are ranges; removing the
 * middle of one leaves two. Only used with --track=mmap.
 */
#ifndef LIB_RECORD_MAP_TABLE_H
#define LIB_RECORD_MAP_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/record/live_block.h"
#include "lib/record/thread_state.h"

/* Adds [start, start + block->bytes), first removing what it replaces (MAP_FIXED). False when it
 * could not be recorded. */
bool map_table_add(const struct guard *guard, uint64_t start, const struct live_block *block);

/* Removes what lies in [start, start + bytes). */
void map_table_remove(const struct guard *guard, uint64_t start, uint64_t bytes);

/* Visits every range, as one block each. `is_quiet`: no thread of the program runs any more. While
 * they do the walk waits for the lock, and gives up after a while. */
void map_table_walk(live_block_visitor *visit, void *context, bool is_quiet);

/* Of a debug build, while nobody adds or removes anything: sorted, without overlaps. */
void map_table_verify(void);

/* The thread has left what it was doing to the table, see recorder_leave. */
void map_table_leave(uint32_t tid);

void map_table_postfork_child(void);

#endif
