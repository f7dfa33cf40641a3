/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_scan_heap: blocks on real memory, in the real live table, and what a scan says of them.
 *
 * Every block has a stack of its own unless it is told one, so what a scan says of the site is what it
 * says of the block.
 */
#ifndef TESTS_SUPPORT_LIB_SCAN_HEAP_H
#define TESTS_SUPPORT_LIB_SCAN_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/scan/scan_answer.h"

#define LIB_SCAN_ROOTS 64u
#define LIB_SCAN_EPOCH 5u

/* All zeros in `bytes` bytes of address space, of which blocks lie side by side. */
void lib_scan_heap_start(uint64_t bytes);
void lib_scan_heap_end(void);

/* The next block, on a multiple of 16 as with glibc. Its words are 0. */
uint64_t *lib_scan_block(uint64_t bytes);
uint64_t *lib_scan_block_of(uint64_t bytes, uint32_t stack, uint32_t epoch);
/* One at this place in the heap. */
uint64_t *lib_scan_block_at(uint64_t offset, uint64_t bytes);
/* The next block begins at this place, at least. */
void lib_scan_skip_to(uint64_t offset);
uint64_t lib_scan_used(void);

/* The stack of the block that was made last, and of the block that begins here. */
uint32_t lib_scan_last_stack(void);
uint32_t lib_scan_stack(const void *block);
void lib_scan_forget(const void *block, uint64_t bytes);

/* Words of a root, of which there may be LIB_SCAN_ROOTS; for roots of other kinds than modules' add one
 * to `lib_scan_roots`. */
extern uint64_t lib_scan_root[LIB_SCAN_ROOTS];
extern struct root_list lib_scan_roots;
struct root *lib_scan_add_root(enum seep_root_kind kind, const void *start, const void *end);

/* What is asked, to be changed by a test before it is; and what the last scan has said. */
extern struct scan_question lib_scan_question;
extern struct scan_memory lib_scan_memory;
extern struct scan_answer lib_scan_answer;
enum seep_scan_outcome lib_scan(void);

enum lib_scan_class {
	LIB_SCAN_ABSENT,
	LIB_SCAN_DEFINITE,
	LIB_SCAN_INDIRECT,
	LIB_SCAN_POSSIBLE,
	LIB_SCAN_REACHABLE,
	LIB_SCAN_MIXED
};

/* Of the block's site in the last scan. */
enum lib_scan_class lib_scan_class(const void *block);

struct lib_scan_site {
	uint64_t blocks[5], bytes[5]; /* by class - 1; then those that hang under its heads */
	uint64_t head_stack;
};
struct lib_scan_site lib_scan_site(uint32_t stack);
struct seep_scan lib_scan_head(void);

#endif
