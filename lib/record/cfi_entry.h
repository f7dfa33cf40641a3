/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cfi_entry: the entry of .eh_frame for a function.
 *
 * Async-signal-safe where _dl_find_object is (glibc >= 2.35).
 */
#ifndef LIB_RECORD_CFI_ENTRY_H
#define LIB_RECORD_CFI_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/record/cfi_cursor.h"

/* Register numbers of the x86_64 psABI, figure 3.36. */
enum {
	CFI_RBX = 3,
	CFI_RBP = 6,
	CFI_RSP = 7,
	CFI_R12 = 12,
	CFI_R13 = 13,
	CFI_R14 = 14,
	CFI_R15 = 15,
	CFI_RETURN = 16, /* of a row: the return address; as a value: the pc */
	CFI_REGISTERS = 17,
};

/* Where an object lies: its unwind data, and the code that they are looked up for. With gaps
 * between its segments these are two places. */
struct cfi_object {
	const uint8_t *start, *end;
	const uint8_t *code_start, *code_end;
};

/* An entry of .eh_frame: a function, as it is read. */
struct cfi_entry {
	struct cfi_object object;
	struct cfi_cursor instructions, initial_instructions;
	uint64_t start, range;
	uint64_t code_align;
	int64_t data_align;
	uint8_t pointer_encoding;
	bool is_signal_frame, is_kernel_frame, has_augmentation_data;
};

/* Where the entry of the function at `pc` begins, as far as the table of the object tells, which it fills in;
 * null where there is none. */
const uint8_t *cfi_entry_find(uint64_t pc, struct cfi_object *object);

/* Reads the one at `start`, an address in entry->object. Finding it, reading it and running it do not
 * need their stack at the same time. */
bool cfi_entry_read(const uint8_t *start, struct cfi_entry *entry);

/* The next pointer, in one of the encodings of .eh_frame; those that are relative to data are so to
 * `data_base`. */
uint64_t cfi_entry_pointer(struct cfi_cursor *cursor, uint8_t encoding, uint64_t data_base);

#endif
