/* SPDX-License-Identifier: Apache-2.0 */
/*
 * word_frame: in the frame of which function a word of a stopped thread's stack lies.
 */
#ifndef LIB_SCAN_WORD_FRAME_H
#define LIB_SCAN_WORD_FRAME_H

#include <stdint.h>

/* Where a thread stands, and its stack: all words from `start` up to `end` can be read. */
struct word_frame_thread {
	uint64_t pc, sp;
	uint64_t bp; /* 0: not known */
	uint64_t start, end;
};

/* A return address into the function, as stacks have them; 0 where it cannot be told. */
uint64_t word_frame_pc(const struct word_frame_thread *thread, uint64_t address);

#endif
