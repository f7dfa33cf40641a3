/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cfi_expression: the value of a DWARF expression, in the registers of a frame.
 */
#ifndef LIB_RECORD_CFI_EXPRESSION_H
#define LIB_RECORD_CFI_EXPRESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/record/cfi_program.h"

#define CFI_EXPRESSION_DEPTH 16u

/* The registers of a frame, as far as they are known. */
struct cfi_registers {
	uint64_t values[CFI_REGISTERS]; /* by number; the last one is the pc */
	uint32_t known;			/* bit n: values[n] is right */
};

static inline bool cfi_registers_know(const struct cfi_registers *registers, uint64_t number)
{
	return number < CFI_REGISTERS && (registers->known >> number & 1) != 0;
}

/*
 * Evaluates `block`, an expression as struct cfi_row has them. `cfa` is pushed before it begins,
 * when it is not null; `room` has CFI_EXPRESSION_DEPTH words for the values in between. False when
 * the expression uses an operator that has no place in unwind data, a register that is not known or
 * memory that is not mapped, or is not well-formed.
 */
bool cfi_expression(const uint8_t *block, const struct cfi_registers *registers,
		    const uint64_t *cfa, uint64_t *room, uint64_t *value);

#endif
