/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_table: every block that has not been freed yet, found by its address.
 */
#ifndef LIB_RECORD_LIVE_TABLE_H
#define LIB_RECORD_LIVE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/record/live_block.h"
#include "lib/record/thread_state.h"

bool live_table_start(void);

/* False when the allocator never puts two blocks into the same 32 bytes, as glibc's does not. */
extern bool live_table_has_neighbours;

enum live_table_added {
	LIVE_TABLE_ADDED,
	LIVE_TABLE_REPLACED, /* a block of this address was still there: its free was not seen */
	LIVE_TABLE_LOST,     /* no memory, or a lock that this signal handler interrupted */
};

/* The caller owns the block at `addr`: the allocator has just given it to this thread.
 * On LIVE_TABLE_REPLACED *old is what was there. A large block whose free was not seen is not
 * noticed when a small one follows it; it stays in the table. */
enum live_table_added live_table_add(const struct guard *guard, uint64_t addr,
				     const struct live_block *block, struct live_block *old);

/* Forgets the block, before the real free: once free returns, another thread may own the address.
 * False when no block begins at `addr`. */
bool live_table_remove(const struct guard *guard, uint64_t addr, struct live_block *block);

/* True when a block without an entry in the side table begins at `addr`; for one that this thread owns. */
bool live_table_has(uint64_t addr);

/* Visits every block. Threads may go on meanwhile: what is added or removed during the walk may be
 * seen or not. One walk at a time. */
void live_table_walk(live_block_visitor *visit, void *context);

#endif
