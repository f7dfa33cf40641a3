/* SPDX-License-Identifier: Apache-2.0 */
/*
 * side_table: the live blocks that have no word in the live table: large ones, those that share a
 * granule with another, and odd addresses.
 */
#ifndef LIB_RECORD_SIDE_TABLE_H
#define LIB_RECORD_SIDE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/record/live_block.h"
#include "lib/record/thread_state.h"

enum side_table_added { SIDE_TABLE_ADDED, SIDE_TABLE_REPLACED, SIDE_TABLE_LOST };

enum side_table_added side_table_add(const struct guard *guard, uint64_t addr,
				     const struct live_block *block, struct live_block *old);
bool side_table_remove(const struct guard *guard, uint64_t addr, struct live_block *block);

/* Makes the block at or around the address BLOCK_IGNORED. False when there is none. Looks at every block unless
 * one begins there. */
bool side_table_ignore(const struct guard *guard, uint64_t addr);

/* Visits every block without a lock, while threads may go on. One walk at a time. */
void side_table_walk(live_block_visitor *visit, void *context);

/* Of a debug build, while nobody adds or removes anything: each block lies where it is looked for,
 * once, and the counts are right. */
void side_table_verify(void);

/* The thread has left what it was doing to the table, see recorder_leave. */
void side_table_leave(uint32_t tid);

void side_table_postfork_child(void);

#endif
