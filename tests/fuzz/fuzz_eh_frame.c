/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_eh_frame: damaged unwind data of an object that a program has loaded.
 *
 * The input is the object: .eh_frame_hdr first, then .eh_frame and what else there is, code among it. It
 * lies in memory of its own size, so what is read outside of it is seen. Asked are the functions of the
 * table and places between them; a row's expressions are evaluated in registers that point into a stack of
 * our own. _dl_find_object is replaced when the target is linked.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#include "lib/record/cfi_expression.h"
#include "lib/record/cfi_program.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/fuzz_target.h"

/* A mapping has a page at least. */
#define OBJECT_LEAST_BYTES 64u
#define TABLE_START 12u
#define FUNCTIONS_MAX 16u

static const uint8_t *object;
static size_t object_bytes;
static uint64_t stack[64];

int __wrap__dl_find_object(void *pc, struct dl_find_object *result);
int __wrap__dl_find_object(void *pc, struct dl_find_object *result)
{
	if ((const uint8_t *)pc < object || (const uint8_t *)pc >= object + object_bytes)
		return -1;
	*result = (struct dl_find_object){.dlfo_map_start = (void *)object,
					  .dlfo_map_end = (void *)(object + object_bytes),
					  .dlfo_eh_frame = (void *)object};
	return 0;
}

static void evaluate(const struct cfi_row *row)
{
	struct cfi_registers registers = {.known = (1u << CFI_REGISTERS) - 1};
	uint64_t room[CFI_EXPRESSION_DEPTH], value, cfa = (uint64_t)(stack + 32);

	for (unsigned i = 0; i < CFI_REGISTERS; i++)
		registers.values[i] = (uint64_t)(stack + 2 * i);
	if (row->cfa_expression)
		cfi_expression(row->cfa_expression, &registers, NULL, room, &value);
	registers.known = 1u << CFI_RSP | 1u << CFI_RETURN;
	for (unsigned place = 0; place < CFI_KEPT; place++) {
		uint8_t saved = row->registers.saved[place];

		DEMAND(saved <= CFI_IS_EXPRESSION, "saved as %u", saved);
		if (saved == CFI_AT_EXPRESSION || saved == CFI_IS_EXPRESSION)
			cfi_expression((const uint8_t *)row->registers.operand[place], &registers,
				       &cfa, room, &value);
	}
}

static void ask(uint64_t pc)
{
	struct cfi_entry entry;
	struct cfi_row row;
	enum cfi_found found = cfi_row(pc, &row, &entry);
	struct unwind_rule rule = cfi_rule(pc);

	DEMAND(rule.kind != UNWIND_NONE && rule.kind <= UNWIND_UNKNOWN, "kind %u", rule.kind);
	DEMAND((found == CFI_SIGNAL_FRAME) == (rule.kind == UNWIND_SIGNAL), "two answers");
	if (found == CFI_ROW)
		evaluate(&row);
	/* Where a fast step would go on reading: never at an odd place. */
	DEMAND(!rule.saves_bp || rule.bp_offset % 8 == 0, "bp at %d", rule.bp_offset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t start = (uint64_t)data;

	if (size < OBJECT_LEAST_BYTES)
		return 0;
	object = data;
	object_bytes = size;
	for (size_t i = 0; i < FUNCTIONS_MAX; i++) {
		size_t at = TABLE_START + 8 * i;
		int32_t function;

		if (at + sizeof(function) > size)
			break;
		memcpy(&function, data + at, sizeof(function));
		for (int64_t inside = 0; inside < 64; inside += inside < 4 ? 1 : 15)
			ask(start + (uint64_t)function + (uint64_t)inside);
	}
	for (size_t offset = 0; offset < size; offset += size / 16 + 1)
		ask(start + offset);
	return 0;
}
