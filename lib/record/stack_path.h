/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_path: the hash of a stack's frames from the outermost one inwards, which tells where the call
 * tree keeps the node of the innermost.
 *
 * It does not depend on the ids of nodes, so a capture knows early what memory the call tree will
 * look at, and asks for it.
 */
#ifndef LIB_RECORD_STACK_PATH_H
#define LIB_RECORD_STACK_PATH_H

#include <stdatomic.h>
#include <stdint.h>

#define STACK_PATH_ROOT 0ull

/* The path that goes on with this frame. A mark of the file (say, that the frame was interrupted by a
 * signal) is a frame of its own. What was loaded at one address one after the other has different
 * paths: they would fill one neighbourhood of the table. */
static inline uint64_t stack_path_of(uint64_t outside, uint64_t pc, uint32_t generation)
{
	uint64_t path = (outside ^ pc ^ (uint64_t)generation << 32) * 0x9e3779b97f4a7c15ull;

	return path ^ path >> 32;
}

/* Where the entries are at present, as bits of the path << 4; the call tree keeps it up to date. Of
 * another table only the advance is lost. */
struct stack_path_table {
	_Atomic(const char *) entries;
	_Atomic(uint64_t) mask;
};
extern struct stack_path_table stack_path_table __attribute__((visibility("hidden")));

/* Soon somebody will look for the node behind this path. */
static inline void stack_path_expect(uint64_t path)
{
	uint64_t place = path & atomic_load_explicit(&stack_path_table.mask, memory_order_relaxed);

	__builtin_prefetch(atomic_load_explicit(&stack_path_table.entries, memory_order_relaxed) +
			   place * 16);
}

#endif
