/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_block_model: what a table of live blocks should hold, kept the simple way.
 *
 * A hash from address to block. A walk over the table under test is compared with it: each block
 * exactly once, with the right contents, and no other.
 */
#ifndef TESTS_SUPPORT_LIB_BLOCK_MODEL_H
#define TESTS_SUPPORT_LIB_BLOCK_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/record/live_block.h"

struct lib_block_model {
	struct model_block *blocks; /* hash */
	uint32_t walk;		    /* number of the walk that is being compared */
	uint64_t seen, wrong;	    /* in this walk */
};

/* Stores what the address held; false where it held nothing. */
bool lib_block_model_get(const struct lib_block_model *model, uint64_t addr,
			 struct live_block *block);
void lib_block_model_put(struct lib_block_model *model, uint64_t addr,
			 const struct live_block *block);
bool lib_block_model_remove(struct lib_block_model *model, uint64_t addr);
void lib_block_model_free(struct lib_block_model *model);

/* Before a walk; then give lib_block_model_visit to it; then ask whether all was as it should. */
void lib_block_model_begin(struct lib_block_model *model);
void lib_block_model_visit(uint64_t addr, const struct live_block *block, void *model);
bool lib_block_model_end(const struct lib_block_model *model);

bool lib_block_equal(const struct live_block *a, const struct live_block *b);

#endif
