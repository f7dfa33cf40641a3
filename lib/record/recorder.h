/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recorder: what happens at each allocation and each free.
 *
 * The order of operations, once and for all: record after the real malloc, for before it there is
 * no address; forget before the real free, because once free returns another thread may own the
 * address and have recorded it. realloc takes the block out first and puts the old or the new one
 * in.
 */
#ifndef LIB_RECORD_RECORDER_H
#define LIB_RECORD_RECORDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/record/live_block.h"
#include "lib/record/stack_capture.h"

struct stray_free;

/* Makes the tables. False: the library cannot work. */
bool recorder_start(void);

void recorder_add_from(const void *ptr, uint64_t bytes, enum block_kind kind, uint64_t pc,
		       uint64_t sp, uint64_t bp);

/* The program got `bytes` bytes at `ptr` (not null) in the frame `caller`. */
static inline void recorder_add(const void *ptr, uint64_t bytes, enum block_kind kind,
				struct caller caller)
{
	/* Three words of a struct would not be passed in registers. */
	recorder_add_from(ptr, bytes, kind, caller.pc, caller.sp, caller.bp);
}

/*
 * The program is about to give `ptr` back. RECORDER_UNKNOWN when no such block was recorded; the caller
 * then finds out why and may count it with recorder_count_unknown_free. Anything but that and
 * RECORDER_REMOVED is the stack that allocated the block, and this free is a sample: the caller passes
 * the stack on to recorder_ask_free, with the program's frame that frees. Only for a sample
 * it has to be known.
 */
enum { RECORDER_REMOVED = 0, RECORDER_UNKNOWN = UINT32_MAX };
uint32_t recorder_remove(const void *ptr);
void recorder_ask_free(uint32_t allocated_by, struct caller caller);
void recorder_count_unknown_free(void);
/* The same for a free, which may end the program: stray_free_end is to be called with the result where that
 * is not null, and the real free has come back. */
struct stray_free *recorder_begin_unknown_free(const void *ptr, struct caller caller);

/* Blocks whose address has been given to another since: somebody has freed them past our doors. */
extern _Atomic(uint64_t) recorder_unseen_frees;

/* For realloc: as recorder_remove, but nothing is counted before it is known how realloc ends. */
bool recorder_take(const void *ptr, struct live_block *block);
void recorder_put_back(const void *ptr, const struct live_block *block);
void recorder_taken_is_moved(const struct live_block *block);
/* It was given back, by `caller`, and nothing is in its place. */
void recorder_taken_is_freed(const struct live_block *block, struct caller caller);

/*
 * The same in a process that samples, see sampler: only of blocks that are samples, and of frees that
 * the filter lets through. For a realloc, recorder_take and recorder_put_back as above.
 */
void recorder_add_sample(const void *ptr, uint64_t bytes, enum block_kind kind,
			 struct caller caller);
bool recorder_remove_sample(const void *ptr, struct caller caller);
void recorder_taken_sample_is_moved(const void *ptr, const struct live_block *block);
void recorder_taken_sample_is_freed(const void *ptr, const struct live_block *block,
				    struct caller caller);
/* The block is none; inside an operator new, which asks recorder_has_just_added. */
void recorder_pass_block(const void *ptr, uint64_t bytes);

/* An operator new may put a header of up to this many bytes before what it gives out. */
#define OPERATOR_HEADER_BYTES 64u

/* For operators new and delete, which may or may not end in malloc and free. */
void recorder_expect_add(void); /* forgets what was added last */
bool recorder_has_just_added(const void *ptr, uint64_t bytes);
const void *recorder_expect_free(const void *ptr); /* removed already; a free of it may follow */
bool recorder_was_expected(const void *ptr);	   /* and this is it */

/* The program says that the block at or around `ptr` is no leak, nor what it leads to. False when no such block
 * is recorded. */
bool recorder_ignore(const void *ptr);

/* A block has been recorded, some time, as BLOCK_IGNORED. */
extern _Atomic(bool) recorder_has_ignored;

/* Mappings; `pc` is SEEP_PC_MMAP or SEEP_PC_BRK. */
void recorder_add_mapping(const void *start, uint64_t bytes, uint64_t pc, struct caller caller);
void recorder_remove_mapping(const void *start, uint64_t bytes);

/* Blocks born up to this epoch were inherited over a fork; 0: none. */
extern uint32_t recorder_inherited_epoch;

/* The calling thread is about to go on at this address of its stack, by longjmp or the like: where a
 * signal handler has interrupted the library it may never come back to that. */
void recorder_leave(uint64_t sp);

void recorder_postfork_child(void);

#endif
