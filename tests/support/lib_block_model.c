/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_block_model: what a table of live blocks should hold, kept the simple way.
 */
#include "tests/support/lib_block_model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

/* More would only repeat it. */
#define MISTAKES_SHOWN 5

struct model_block {
	uint64_t addr;
	struct live_block block;
	uint32_t walk; /* the last that saw it */
	UT_hash_handle hh;
};

static struct model_block *find(const struct lib_block_model *model, uint64_t addr)
{
	struct model_block *found;

	HASH_FIND(hh, model->blocks, &addr, sizeof(addr), found);
	return found;
}

bool lib_block_equal(const struct live_block *a, const struct live_block *b)
{
	return a->bytes == b->bytes && a->stack == b->stack && a->epoch == b->epoch &&
	       a->kind == b->kind;
}

bool lib_block_model_get(const struct lib_block_model *model, uint64_t addr,
			 struct live_block *block)
{
	const struct model_block *found = find(model, addr);

	if (found)
		*block = found->block;
	return found != NULL;
}

void lib_block_model_put(struct lib_block_model *model, uint64_t addr,
			 const struct live_block *block)
{
	struct model_block *entry = find(model, addr);

	if (!entry) {
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			abort();
		entry->addr = addr;
		HASH_ADD(hh, model->blocks, addr, sizeof(addr), entry);
	}
	entry->block = *block;
}

bool lib_block_model_remove(struct lib_block_model *model, uint64_t addr)
{
	struct model_block *entry = find(model, addr);

	if (!entry)
		return false;
	HASH_DEL(model->blocks, entry);
	free(entry);
	return true;
}

void lib_block_model_free(struct lib_block_model *model)
{
	struct model_block *entry, *next;

	HASH_ITER(hh, model->blocks, entry, next)
	{
		HASH_DEL(model->blocks, entry);
		free(entry);
	}
}

void lib_block_model_begin(struct lib_block_model *model)
{
	model->walk++;
	model->seen = model->wrong = 0;
}

static void show(const char *what, uint64_t addr, const struct live_block *block)
{
	fprintf(stderr, "  %s: 0x%" PRIx64 " bytes %" PRIu64 " stack %u epoch %u kind %d\n", what,
		addr, block->bytes, block->stack, block->epoch, (int)block->kind);
}

void lib_block_model_visit(uint64_t addr, const struct live_block *block, void *context)
{
	struct lib_block_model *model = context;
	struct model_block *entry = find(model, addr);

	model->seen++;
	if (entry && entry->walk != model->walk && lib_block_equal(block, &entry->block)) {
		entry->walk = model->walk;
		return;
	}
	if (model->wrong++ >= MISTAKES_SHOWN)
		return;
	show(!entry			  ? "walked over a block that is not live"
	     : entry->walk == model->walk ? "walked over a block twice"
					  : "walked over a block with other contents",
	     addr, block);
	if (entry)
		show("where there should be", addr, &entry->block);
}

bool lib_block_model_end(const struct lib_block_model *model)
{
	uint64_t count = HASH_COUNT(model->blocks);

	if (model->wrong == 0 && model->seen == count)
		return true;
	fprintf(stderr,
		"  a walk saw %" PRIu64 " blocks, %" PRIu64 " of them wrong; %" PRIu64
		" are live\n",
		model->seen, model->wrong, count);
	return false;
}
