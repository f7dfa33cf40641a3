/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instruction: may an instruction be executed at another address?
 */
#ifndef LIB_BASE_INSTRUCTION_H
#define LIB_BASE_INSTRUCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No instruction is longer. */
#define INSTRUCTION_BYTES_MAX 15u

/* How many bytes the instruction at `code` has, where it is one with which compilers begin functions and does
 * the same anywhere: no branch, nothing relative to itself. 0: it is another. Reads up to
 * INSTRUCTION_BYTES_MAX bytes. */
size_t instruction_movable_bytes(const uint8_t *code);

/* A jump that is taken under a condition. */
struct instruction_jump {
	size_t bytes;	   /* 0: the instruction is none */
	uint8_t condition; /* as in the opcode */
	intptr_t distance; /* from the end of the instruction */
};

struct instruction_jump instruction_conditional_jump(const uint8_t *code);

/* Addresses from `start` up to, but not including, `end`. */
struct instruction_span {
	uintptr_t start, end;
};

/* Is there a direct branch into one of the spans anywhere in this code, wherever its instructions may begin? Of short
 * ones those that lead back. */
bool instruction_branches_into(const uint8_t *code, size_t bytes,
			       const struct instruction_span *spans, size_t count);

#endif
