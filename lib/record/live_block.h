/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_block: what is remembered of a block that has not been freed.
 */
#ifndef LIB_RECORD_LIVE_BLOCK_H
#define LIB_RECORD_LIVE_BLOCK_H

#include <stdint.h>

enum block_kind {
	BLOCK_IGNORED = 0, /* any of those below, but the program has said that it is no leak */
	BLOCK_MALLOC = 1, /* malloc, calloc, realloc and what reaches them */
	BLOCK_ALIGNED = 2,
	BLOCK_NEW = 3, /* an operator new that does not end in malloc */
	/* Beside one of these: who frees it is asked in any case, see free_turn. */
	BLOCK_IS_ASKED = 4,
	BLOCK_KIND_LIMIT = 8,
	BLOCK_KIND_MASK = 3, /* all but BLOCK_IS_ASKED */
};

struct live_block {
	uint64_t bytes; /* as requested */
	uint32_t stack; /* id in the call tree, < 2^30 */
	uint32_t epoch; /* of its birth, < 2^18 */
	enum block_kind kind;
};

#define LIVE_BLOCK_EPOCH_MAX ((1u << 18) - 1)

/* Called for each block by the tables' walks. */
typedef void live_block_visitor(uint64_t addr, const struct live_block *block, void *context);

#endif
