/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cfi_program: what .eh_frame says about one program counter.
 *
 * The call frame information of DWARF 5, section 6.4, in the form that the Linux Standard Base
 * calls .eh_frame, found through .eh_frame_hdr. Only what a stack walk on x86_64 needs is kept: the
 * CFA, where rbp was saved, and whether the return address is where it always is.
 *
 *   Runs in   the target, inside malloc, once per program counter
 *   Locks     none
 *   Memory    ~400 bytes of stack
 *   Calls     _dl_find_object
 *   Failure   UNWIND_ODD or UNWIND_UNKNOWN: never a guessed rule
 */
#include "lib/record/cfi_program.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "lib/base/poison.h"

/* Register numbers of the x86_64 psABI, figure 3.36. */
enum { REGISTER_RBP = 6, REGISTER_RSP = 7, REGISTER_RETURN = 16 };

enum pointer_encoding {
	ENCODING_FORMAT = 0x0f,
	ENCODING_ULEB = 0x01,
	ENCODING_U2 = 0x02,
	ENCODING_U4 = 0x03,
	ENCODING_U8 = 0x04,
	ENCODING_SLEB = 0x09,
	ENCODING_S2 = 0x0a,
	ENCODING_S4 = 0x0b,
	ENCODING_S8 = 0x0c,
	ENCODING_BASE = 0x70,
	ENCODING_PC_RELATIVE = 0x10,
	ENCODING_DATA_RELATIVE = 0x30,
	ENCODING_TABLE = ENCODING_DATA_RELATIVE | ENCODING_S4, /* what linkers write */
};

/* A place in a byte sequence. Running over the end sets `is_bad` and gives zeros. */
struct cursor {
	const uint8_t *next, *end;
	bool is_bad;
};

static const uint8_t *take(struct cursor *cursor, uint64_t bytes)
{
	static const uint8_t zeros[8];
	const uint8_t *start = cursor->next;

	if (bytes > (uint64_t)(cursor->end - cursor->next)) {
		cursor->is_bad = true;
		cursor->next = cursor->end;
		return zeros;
	}
	cursor->next += bytes;
	return start;
}

static uint8_t take_byte(struct cursor *cursor)
{
	return *take(cursor, 1);
}

static uint64_t take_uleb(struct cursor *cursor)
{
	uint64_t value = 0;
	uint8_t byte;
	int shift = 0;

	do {
		byte = take_byte(cursor);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return value;
}

static int64_t take_sleb(struct cursor *cursor)
{
	uint64_t value = 0;
	uint8_t byte;
	int shift = 0;

	do {
		byte = take_byte(cursor);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (shift < 64 && (byte & 0x40))
		value |= ~0ull << shift;
	return (int64_t)value;
}

#define TAKE_AS(type, cursor)                                                                      \
	({                                                                                         \
		type value_;                                                                       \
		memcpy(&value_, take(cursor, sizeof(type)), sizeof(type));                         \
		value_;                                                                            \
	})

static uint64_t take_encoded(struct cursor *cursor, uint8_t encoding, uint64_t data_base)
{
	uint64_t base = 0, value;

	if ((encoding & ENCODING_BASE) == ENCODING_PC_RELATIVE)
		base = (uint64_t)cursor->next;
	else if ((encoding & ENCODING_BASE) == ENCODING_DATA_RELATIVE)
		base = data_base;
	switch (encoding & ENCODING_FORMAT) {
	case 0:
	case ENCODING_U8:
	case ENCODING_S8:
		value = TAKE_AS(uint64_t, cursor);
		break;
	case ENCODING_ULEB:
		value = take_uleb(cursor);
		break;
	case ENCODING_U2:
		value = TAKE_AS(uint16_t, cursor);
		break;
	case ENCODING_U4:
		value = TAKE_AS(uint32_t, cursor);
		break;
	case ENCODING_SLEB:
		value = (uint64_t)take_sleb(cursor);
		break;
	case ENCODING_S2:
		value = (uint64_t)(int64_t)TAKE_AS(int16_t, cursor);
		break;
	case ENCODING_S4:
		value = (uint64_t)(int64_t)TAKE_AS(int32_t, cursor);
		break;
	default:
		cursor->is_bad = true;
		return 0;
	}
	return value + base;
}

enum saved { SAVED_NOT, SAVED_AT_CFA, SAVED_AT_BP, SAVED_ODDLY };

/* The row of the unwind table that is being built. */
struct row {
	uint64_t cfa_register;
	int64_t cfa_offset;
	const uint8_t *cfa_expression;
	uint64_t cfa_expression_bytes; /* 0: the CFA is register + offset */
	enum saved bp;
	int64_t bp_offset;
	bool is_return_undefined, is_return_odd;
};

struct entry {
	struct cursor instructions, initial_instructions;
	uint64_t start, range;
	uint64_t code_align;
	int64_t data_align;
	uint8_t pointer_encoding;
	bool is_signal_frame, has_augmentation_data;
};

#define REMEMBERED_ROWS 8

static void set_saved(struct row *row, uint64_t number, enum saved how, int64_t offset)
{
	if (number == REGISTER_RBP) {
		row->bp = how;
		row->bp_offset = offset;
	} else if (number == REGISTER_RETURN) {
		row->is_return_undefined = false;
		row->is_return_odd = how != SAVED_AT_CFA || offset != -8;
	}
}

static void restore(struct row *row, const struct row *initial, uint64_t number)
{
	if (number == REGISTER_RBP) {
		row->bp = initial->bp;
		row->bp_offset = initial->bp_offset;
	} else if (number == REGISTER_RETURN) {
		row->is_return_undefined = initial->is_return_undefined;
		row->is_return_odd = initial->is_return_odd;
	}
}

static void save_by_expression(struct row *row, uint64_t number, struct cursor *cursor)
{
	uint64_t bytes = take_uleb(cursor);
	const uint8_t *expression = take(cursor, bytes);
	bool is_at_bp = bytes == 2 && expression[0] == 0x76 && expression[1] == 0; /* breg6 +0 */

	if (number == REGISTER_RBP || number == REGISTER_RETURN)
		set_saved(row, number, is_at_bp ? SAVED_AT_BP : SAVED_ODDLY, 0);
}

/* Runs instructions until the row covers `pc`. Returns false on anything that is not understood. */
static bool run(struct cursor *cursor, const struct entry *entry, uint64_t pc, struct row *row,
		const struct row *initial)
{
	struct row remembered[REMEMBERED_ROWS];
	uint64_t location = entry->start, number;
	size_t remembered_count = 0;

	while (cursor->next < cursor->end && !cursor->is_bad) {
		uint8_t instruction = take_byte(cursor);
		uint8_t operand = instruction & 0x3f;

		switch (instruction & 0xc0) {
		case 0x40: /* advance_loc */
			location += operand * entry->code_align;
			if (location > pc)
				return true;
			continue;
		case 0x80: /* offset */
			set_saved(row, operand, SAVED_AT_CFA,
				  (int64_t)take_uleb(cursor) * entry->data_align);
			continue;
		case 0xc0: /* restore */
			restore(row, initial, operand);
			continue;
		}
		switch (instruction) {
		case 0x00: /* nop */
			break;
		case 0x01: /* set_loc */
			location = take_encoded(cursor, entry->pointer_encoding, 0);
			break;
		case 0x02: /* advance_loc1 */
			location += take_byte(cursor) * entry->code_align;
			break;
		case 0x03: /* advance_loc2 */
			location += TAKE_AS(uint16_t, cursor) * entry->code_align;
			break;
		case 0x04: /* advance_loc4 */
			location += TAKE_AS(uint32_t, cursor) * entry->code_align;
			break;
		case 0x05: /* offset_extended */
			number = take_uleb(cursor);
			set_saved(row, number, SAVED_AT_CFA,
				  (int64_t)take_uleb(cursor) * entry->data_align);
			break;
		case 0x06: /* restore_extended */
			restore(row, initial, take_uleb(cursor));
			break;
		case 0x07: /* undefined */
			number = take_uleb(cursor);
			if (number == REGISTER_RETURN)
				row->is_return_undefined = true;
			else
				set_saved(row, number, SAVED_NOT, 0);
			break;
		case 0x08: /* same_value */
			number = take_uleb(cursor);
			set_saved(row, number, SAVED_NOT, 0);
			break;
		case 0x09: /* register */
			number = take_uleb(cursor);
			take_uleb(cursor);
			set_saved(row, number, SAVED_ODDLY, 0);
			break;
		case 0x0a: /* remember_state */
			if (remembered_count == REMEMBERED_ROWS)
				return false;
			remembered[remembered_count++] = *row;
			break;
		case 0x0b: /* restore_state */
			if (remembered_count == 0)
				return false;
			*row = remembered[--remembered_count];
			break;
		case 0x0c: /* def_cfa */
			row->cfa_register = take_uleb(cursor);
			row->cfa_offset = (int64_t)take_uleb(cursor);
			row->cfa_expression_bytes = 0;
			break;
		case 0x0d: /* def_cfa_register */
			row->cfa_register = take_uleb(cursor);
			row->cfa_expression_bytes = 0;
			break;
		case 0x0e: /* def_cfa_offset */
			row->cfa_offset = (int64_t)take_uleb(cursor);
			break;
		case 0x0f: /* def_cfa_expression */
			row->cfa_expression_bytes = take_uleb(cursor);
			row->cfa_expression = take(cursor, row->cfa_expression_bytes);
			break;
		case 0x10: /* expression */
			number = take_uleb(cursor);
			save_by_expression(row, number, cursor);
			break;
		case 0x11: /* offset_extended_sf */
			number = take_uleb(cursor);
			set_saved(row, number, SAVED_AT_CFA, take_sleb(cursor) * entry->data_align);
			break;
		case 0x12: /* def_cfa_sf */
			row->cfa_register = take_uleb(cursor);
			row->cfa_offset = take_sleb(cursor) * entry->data_align;
			row->cfa_expression_bytes = 0;
			break;
		case 0x13: /* def_cfa_offset_sf */
			row->cfa_offset = take_sleb(cursor) * entry->data_align;
			break;
		case 0x14: /* val_offset */
			number = take_uleb(cursor);
			take_uleb(cursor);
			set_saved(row, number, SAVED_ODDLY, 0);
			break;
		case 0x15: /* val_offset_sf */
			number = take_uleb(cursor);
			take_sleb(cursor);
			set_saved(row, number, SAVED_ODDLY, 0);
			break;
		case 0x16: /* val_expression */
			number = take_uleb(cursor);
			take(cursor, take_uleb(cursor));
			set_saved(row, number, SAVED_ODDLY, 0);
			break;
		case 0x2e: /* GNU_args_size */
			take_uleb(cursor);
			break;
		default:
			return false;
		}
		if (instruction >= 0x01 && instruction <= 0x04 && location > pc)
			return true;
	}
	return !cursor->is_bad;
}

static bool read_augmentation(struct cursor *cursor, const char *augmentation, struct entry *entry)
{
	struct cursor data;
	uint64_t bytes;

	if (*augmentation == 0)
		return true;
	if (*augmentation != 'z')
		return false;
	entry->has_augmentation_data = true;
	bytes = take_uleb(cursor);
	data.next = take(cursor, bytes);
	data.end = cursor->next;
	data.is_bad = cursor->is_bad;
	while (*++augmentation != 0) {
		switch (*augmentation) {
		case 'R':
			entry->pointer_encoding = take_byte(&data);
			break;
		case 'L':
			take_byte(&data);
			break;
		case 'P':
			take_encoded(&data, take_byte(&data), 0);
			break;
		case 'S':
			entry->is_signal_frame = true;
			break;
		case 'B': /* aarch64: return addresses are signed with the B key */
			break;
		default:
			return false;
		}
	}
	return !data.is_bad;
}

/* A length-prefixed entry (CIE or FDE) at `start`; 64-bit DWARF does not occur in .eh_frame. */
static bool open_entry(const uint8_t *start, struct cursor *cursor)
{
	uint32_t bytes;

	memcpy(&bytes, start, sizeof(bytes));
	*cursor = (struct cursor){.next = start + 4, .end = start + 4 + bytes};
	return bytes != 0 && bytes != UINT32_MAX;
}

static bool read_entry(const uint8_t *start, struct entry *entry)
{
	struct cursor fde, cie;
	const uint8_t *cie_start;
	const char *augmentation;
	uint32_t distance;
	uint8_t version;

	if (!open_entry(start, &fde))
		return false;
	cie_start = fde.next;
	distance = TAKE_AS(uint32_t, &fde);
	if (distance == 0 || !open_entry(cie_start - distance, &cie))
		return false;
	if (TAKE_AS(uint32_t, &cie) != 0)
		return false;
	version = take_byte(&cie);
	if (version != 1 && version != 3)
		return false;
	augmentation = (const char *)cie.next;
	while (take_byte(&cie) != 0 && !cie.is_bad)
		;
	*entry = (struct entry){.code_align = take_uleb(&cie), .data_align = take_sleb(&cie)};
	if (version == 1)
		take_byte(&cie); /* return address register */
	else
		take_uleb(&cie);
	if (cie.is_bad || !read_augmentation(&cie, augmentation, entry))
		return false;
	entry->initial_instructions = cie;
	entry->start = take_encoded(&fde, entry->pointer_encoding, 0);
	entry->range = take_encoded(&fde, entry->pointer_encoding & ENCODING_FORMAT, 0);
	if (entry->has_augmentation_data)
		take(&fde, take_uleb(&fde));
	entry->instructions = fde;
	return !fde.is_bad && !cie.is_bad;
}

/* The sorted table of .eh_frame_hdr: pairs of (start of function, FDE), relative to the header. */
static const uint8_t *find_entry(const uint8_t *header, uint64_t pc)
{
	struct cursor cursor = {.next = header + 4, .end = header + 32};
	int64_t wanted = (int64_t)(pc - (uint64_t)header);
	const int32_t *table;
	uint64_t low = 0, high;

	if (header[0] != 1 || header[3] != ENCODING_TABLE)
		return NULL;
	take_encoded(&cursor, header[1], (uint64_t)header);
	high = take_encoded(&cursor, header[2], (uint64_t)header);
	table = (const int32_t *)cursor.next;
	if (cursor.is_bad || high == 0 || wanted < table[0])
		return NULL;
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (table[2 * middle] <= wanted)
			low = middle;
		else
			high = middle;
	}
	return header + table[2 * low + 1];
}

/* The CFA expressions that compilers and linkers write: the PLT's "rsp + 8, or 16 behind the push"
 * and gcc's "what rbp + offset points to" for over-aligned frames. */
static struct unwind_rule rule_of_expression(const struct row *row, uint64_t pc)
{
	static const uint8_t plt[] = {0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a,
				      0,    0x2a, 0x33, 0x24, 0x22};
	const uint8_t *e = row->cfa_expression;
	uint64_t bytes = row->cfa_expression_bytes;

	if (bytes == sizeof(plt) && memcmp(e, plt, 6) == 0 && memcmp(e + 7, plt + 7, 4) == 0 &&
	    e[6] >= 0x30 && e[6] <= 0x4f && row->bp == SAVED_NOT) {
		int limit = e[6] - 0x30; /* lit11, or lit10 in IBT's PLT */

		return (struct unwind_rule){.kind = UNWIND_SP,
					    .cfa_offset = 8 + ((int)(pc & 15) >= limit ? 8 : 0)};
	}
	if (bytes >= 3 && e[0] == 0x76 && e[bytes - 1] == 0x06 && row->bp == SAVED_AT_BP) {
		struct cursor cursor = {.next = e + 1, .end = e + bytes - 1};
		int64_t offset = take_sleb(&cursor);

		if (!cursor.is_bad && cursor.next == cursor.end && offset == (int32_t)offset)
			return (struct unwind_rule){.kind = UNWIND_BP_DEREF,
						    .cfa_offset = (int32_t)offset};
	}
	return (struct unwind_rule){.kind = UNWIND_ODD};
}

static struct unwind_rule rule_of_row(const struct row *row, uint64_t pc)
{
	const struct unwind_rule odd = {.kind = UNWIND_ODD};

	if (row->is_return_undefined)
		return (struct unwind_rule){.kind = UNWIND_END};
	if (row->is_return_odd)
		return odd;
	if (row->cfa_expression_bytes > 0)
		return rule_of_expression(row, pc);
	if (row->cfa_register != REGISTER_RSP && row->cfa_register != REGISTER_RBP)
		return odd;
	if (row->bp == SAVED_ODDLY || row->bp == SAVED_AT_BP ||
	    row->bp_offset != (int16_t)row->bp_offset ||
	    row->cfa_offset != (int32_t)row->cfa_offset)
		return odd;
	return (struct unwind_rule){
		.kind = row->cfa_register == REGISTER_RSP ? UNWIND_SP : UNWIND_BP,
		.saves_bp = row->bp == SAVED_AT_CFA,
		.bp_offset = (int16_t)row->bp_offset,
		.cfa_offset = (int32_t)row->cfa_offset,
	};
}

/* mov $__NR_rt_sigreturn,%rax; syscall: glibc's __restore_rt. Its FDE begins one byte before it, so
 * that the return address - 1 is covered. */
static bool is_sigreturn(const struct entry *entry)
{
	static const uint8_t code[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};

	return entry->range > sizeof(code) &&
	       (memcmp((const void *)(entry->start + 1), code, sizeof(code)) == 0 ||
		memcmp((const void *)entry->start, code, sizeof(code)) == 0);
}

struct unwind_rule cfi_rule(uint64_t pc)
{
	struct unwind_rule rule = {.kind = UNWIND_UNKNOWN};
	struct row row = {0}, initial;
	struct dl_find_object object;
	struct entry entry;
	const uint8_t *fde;

	if (_dl_find_object((void *)pc, &object) != 0 || object.dlfo_eh_frame == NULL)
		return rule;
	fde = find_entry(object.dlfo_eh_frame, pc);
	if (fde == NULL || !read_entry(fde, &entry))
		return rule;
	if (pc - entry.start >= entry.range)
		return rule;
	/* The kernel's frame, by the code that its handlers return to. Others that are marked as
	 * signal frames (hand-written trampolines) have rows that say where things are. */
	if (entry.is_signal_frame && is_sigreturn(&entry)) {
		rule.kind = UNWIND_SIGNAL;
		return rule;
	}
	rule.kind = UNWIND_ODD;
	if (!run(&entry.initial_instructions, &entry, UINT64_MAX, &row, &row))
		return rule;
	initial = row;
	if (!run(&entry.instructions, &entry, pc, &row, &initial))
		return rule;
	return rule_of_row(&row, pc);
}
