/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cfi_program: what .eh_frame says about one program counter.
 *
 * The call frame information of DWARF 5, section 6.4. The program of an entry (see cfi_entry) is run up to
 * the row that covers the pc. Of a row only the registers that a call keeps are followed; a rule is a
 * row of one of the shapes that nearly all have.
 *
 * The bytes are the program's own, so they are no enemy's; still nothing is read outside of the
 * object that they belong to and nothing runs on without end, for unloading or damage may have made
 * anything of them.
 *
 *   Runs in   the target, inside malloc, once per program counter and again where rows are followed
 *   Locks     none
 *   Memory    ~600 bytes of stack
 *   Calls     cfi_entry
 *   Failure   UNWIND_ODD or UNWIND_UNKNOWN, CFI_BAD_ENTRY or CFI_NO_ENTRY: never a guess
 */
#include "lib/record/cfi_program.h"

#include <stddef.h>
#include <string.h>

#include "lib/record/cfi_cursor.h"
#include "lib/record/cfi_entry.h"

#include "lib/base/poison.h"

const uint8_t cfi_kept[CFI_KEPT] = {CFI_RBX, CFI_RBP, CFI_RSP, CFI_R12,
				    CFI_R13, CFI_R14, CFI_R15, CFI_RETURN};

/* Where a register is in a row, + 1; 0 for those that a call may change. */
static const uint8_t places[CFI_REGISTERS] = {
	[CFI_RBX] = 1, [CFI_RBP] = 2, [CFI_RSP] = 3, [CFI_R12] = 4,
	[CFI_R13] = 5, [CFI_R14] = 6, [CFI_R15] = 7, [CFI_RETURN] = 8,
};

static int place_of(uint64_t number)
{
	return number < CFI_REGISTERS ? places[number] - 1 : -1;
}

/* Instructions, whichever of several encodings they have. */
enum action {
	ACTION_NONE,
	ACTION_ADVANCE, /* by operand */
	ACTION_MOVE,	/* to operand */
	ACTION_SAVE,	/* number, saved, operand */
	ACTION_RESTORE, /* number */
	ACTION_REMEMBER,
	ACTION_RECALL,
	ACTION_CFA,	       /* number, operand */
	ACTION_CFA_REGISTER,   /* number */
	ACTION_CFA_OFFSET,     /* operand */
	ACTION_CFA_EXPRESSION, /* operand */
	ACTION_UNKNOWN,
};

struct instruction {
	uint8_t action;
	uint8_t saved; /* enum cfi_saved */
	uint64_t number;
	int64_t operand;
};

static int64_t take_expression(struct cfi_cursor *cursor)
{
	const uint8_t *block = cursor->next;

	cfi_cursor_take(cursor, cfi_cursor_uleb(cursor));
	return (int64_t)block;
}

static inline __attribute__((always_inline)) struct instruction
take_instruction(struct cfi_cursor *cursor, const struct cfi_entry *entry)
{
	struct instruction it = {.action = ACTION_SAVE, .saved = CFI_AT_OFFSET};
	uint8_t code = cfi_cursor_byte(cursor);
	uint64_t factor = (uint64_t)entry->data_align; /* damaged numbers may overflow */

	it.number = code & 0x3f;
	switch (code & 0xc0) {
	case 0x40: /* advance_loc */
		it.action = ACTION_ADVANCE;
		it.operand = (int64_t)(it.number * entry->code_align);
		return it;
	case 0x80: /* offset */
		it.operand = (int64_t)(cfi_cursor_uleb(cursor) * factor);
		return it;
	case 0xc0: /* restore */
		it.action = ACTION_RESTORE;
		return it;
	}
	switch (code) {
	case 0x00: /* nop */
		it.action = ACTION_NONE;
		return it;
	case 0x01: /* set_loc */
		it.action = ACTION_MOVE;
		it.operand = (int64_t)cfi_entry_pointer(cursor, entry->pointer_encoding, 0);
		return it;
	case 0x02: /* advance_loc1 */
		it.action = ACTION_ADVANCE;
		it.operand = (int64_t)(cfi_cursor_byte(cursor) * entry->code_align);
		return it;
	case 0x03: /* advance_loc2 */
		it.action = ACTION_ADVANCE;
		it.operand = (int64_t)(CFI_CURSOR_AS(uint16_t, cursor) * entry->code_align);
		return it;
	case 0x04: /* advance_loc4 */
		it.action = ACTION_ADVANCE;
		it.operand = (int64_t)(CFI_CURSOR_AS(uint32_t, cursor) * entry->code_align);
		return it;
	case 0x0a: /* remember_state */
		it.action = ACTION_REMEMBER;
		return it;
	case 0x0b: /* restore_state */
		it.action = ACTION_RECALL;
		return it;
	case 0x0e: /* def_cfa_offset */
		it.action = ACTION_CFA_OFFSET;
		it.operand = (int64_t)cfi_cursor_uleb(cursor);
		return it;
	case 0x0f: /* def_cfa_expression */
		it.action = ACTION_CFA_EXPRESSION;
		it.operand = take_expression(cursor);
		return it;
	case 0x13: /* def_cfa_offset_sf */
		it.action = ACTION_CFA_OFFSET;
		it.operand = (int64_t)((uint64_t)cfi_cursor_sleb(cursor) * factor);
		return it;
	case 0x2e: /* GNU_args_size */
		cfi_cursor_uleb(cursor);
		it.action = ACTION_NONE;
		return it;
	}
	/* All others begin with the number of a register. */
	it.number = cfi_cursor_uleb(cursor);
	switch (code) {
	case 0x05: /* offset_extended */
		it.operand = (int64_t)(cfi_cursor_uleb(cursor) * factor);
		break;
	case 0x06: /* restore_extended */
		it.action = ACTION_RESTORE;
		break;
	case 0x07: /* undefined */
		it.saved = CFI_IS_UNDEFINED;
		break;
	case 0x08: /* same_value */
		it.saved = CFI_IS_SAME;
		break;
	case 0x09: /* register */
		it.saved = CFI_IN_REGISTER;
		it.operand = (int64_t)cfi_cursor_uleb(cursor);
		break;
	case 0x0c: /* def_cfa */
		it.action = ACTION_CFA;
		it.operand = (int64_t)cfi_cursor_uleb(cursor);
		break;
	case 0x0d: /* def_cfa_register */
		it.action = ACTION_CFA_REGISTER;
		break;
	case 0x10: /* expression */
		it.saved = CFI_AT_EXPRESSION;
		it.operand = take_expression(cursor);
		break;
	case 0x11: /* offset_extended_sf */
		it.operand = (int64_t)((uint64_t)cfi_cursor_sleb(cursor) * factor);
		break;
	case 0x12: /* def_cfa_sf */
		it.action = ACTION_CFA;
		it.operand = (int64_t)((uint64_t)cfi_cursor_sleb(cursor) * factor);
		break;
	case 0x14: /* val_offset */
		it.saved = CFI_IS_OFFSET;
		it.operand = (int64_t)(cfi_cursor_uleb(cursor) * factor);
		break;
	case 0x15: /* val_offset_sf */
		it.saved = CFI_IS_OFFSET;
		it.operand = (int64_t)((uint64_t)cfi_cursor_sleb(cursor) * factor);
		break;
	case 0x16: /* val_expression */
		it.saved = CFI_IS_EXPRESSION;
		it.operand = take_expression(cursor);
		break;
	case 0x2f: /* GNU_negative_offset_extended */
		it.operand = (int64_t) - (cfi_cursor_uleb(cursor) * factor);
		break;
	default:
		it.action = ACTION_UNKNOWN;
	}
	return it;
}

static bool moves(const struct instruction *it, uint64_t *location)
{
	if (it->action != ACTION_ADVANCE && it->action != ACTION_MOVE)
		return false;
	*location = (uint64_t)it->operand + (it->action == ACTION_ADVANCE ? *location : 0);
	return true;
}

/* After a remember_state: if its restore_state comes before the row of `pc`, goes on behind that,
 * for what is in between is forgotten. So no rows need be kept. */
static __attribute__((noinline)) bool skip_remembered(struct cfi_cursor *cursor,
						      const struct cfi_entry *entry, uint64_t pc,
						      uint64_t *location)
{
	struct cfi_cursor ahead = *cursor;
	uint64_t there = *location;
	uint32_t depth = 1;

	while (ahead.next < ahead.end && !ahead.is_bad) {
		struct instruction it = take_instruction(&ahead, entry);

		if (it.action == ACTION_UNKNOWN || (moves(&it, &there) && there > pc))
			return false;
		depth += it.action == ACTION_REMEMBER;
		if (it.action == ACTION_RECALL && --depth == 0) {
			*cursor = ahead;
			*location = there;
			return true;
		}
	}
	return false;
}

/* What the entry's common part says of a register. It is looked up again when it is needed, for
 * that is rare and a copy of the row would take room. */
static __attribute__((noinline)) void restore(const struct cfi_entry *entry,
					      struct cfi_kept_registers *kept, uint64_t number)
{
	struct cfi_cursor cursor = entry->initial_instructions;
	int place = place_of(number);

	if (place < 0)
		return;
	kept->saved[place] = CFI_IS_SAME;
	kept->operand[place] = 0;
	while (cursor.next < cursor.end && !cursor.is_bad) {
		struct instruction it = take_instruction(&cursor, entry);

		if (it.action == ACTION_SAVE && it.number == number) {
			kept->saved[place] = it.saved;
			kept->operand[place] = it.operand;
		}
	}
}

/* States that are remembered at one place; compilers nest two. The bound is one of time. */
#define REMEMBERED_MAX 8

/* Runs instructions until the row covers `pc`. Returns false on anything that is not understood. */
static __attribute__((noinline)) bool
run(const struct cfi_cursor *start, const struct cfi_entry *entry, uint64_t pc, struct cfi_row *row)
{
	struct cfi_cursor cursor = *start;
	uint64_t location = entry->start;
	uint32_t remembered = 0;

	while (cursor.next < cursor.end && !cursor.is_bad) {
		struct instruction it = take_instruction(&cursor, entry);
		int place;

		switch (it.action) {
		case ACTION_NONE:
			break;
		case ACTION_ADVANCE:
		case ACTION_MOVE:
			moves(&it, &location);
			if (location > pc)
				return !cursor.is_bad;
			break;
		case ACTION_SAVE:
			place = place_of(it.number);
			if (place < 0)
				break;
			row->registers.saved[place] = it.saved;
			row->registers.operand[place] = it.operand;
			break;
		case ACTION_RESTORE:
			restore(entry, &row->registers, it.number);
			break;
		case ACTION_REMEMBER:
			if (!skip_remembered(&cursor, entry, pc, &location) &&
			    ++remembered > REMEMBERED_MAX)
				return false;
			break;
		case ACTION_CFA:
			row->cfa_register = it.number;
			row->cfa_offset = it.operand;
			row->cfa_expression = NULL;
			break;
		case ACTION_CFA_REGISTER:
			row->cfa_register = it.number;
			row->cfa_expression = NULL;
			break;
		case ACTION_CFA_OFFSET:
			row->cfa_offset = it.operand;
			break;
		case ACTION_CFA_EXPRESSION:
			row->cfa_expression = (const uint8_t *)it.operand;
			break;
		default: /* among them a restore_state without its remember_state */
			return false;
		}
	}
	return !cursor.is_bad;
}

/* The CFA expressions that compilers and linkers write: the PLT's "rsp + 8, or 16 behind the push"
 * and gcc's "what rbp + offset points to" for over-aligned frames. */
static struct unwind_rule rule_of_expression(const struct cfi_row *row, uint64_t pc)
{
	static const uint8_t plt[] = {0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a,
				      0,    0x2a, 0x33, 0x24, 0x22};
	const uint8_t *block = row->cfa_expression;
	const uint8_t *bp_block = (const uint8_t *)row->registers.operand[CFI_KEPT_RBP];
	uint8_t bytes = block[0]; /* those that are meant here are short */
	const uint8_t *e = block + 1;

	if (bytes == sizeof(plt) && memcmp(e, plt, 6) == 0 && memcmp(e + 7, plt + 7, 4) == 0 &&
	    e[6] >= 0x30 && e[6] <= 0x4f && row->registers.saved[CFI_KEPT_RBP] == CFI_IS_SAME) {
		int limit = e[6] - 0x30; /* lit11, or lit10 in IBT's PLT */

		return (struct unwind_rule){.kind = UNWIND_SP,
					    .cfa_offset = 8 + ((int)(pc & 15) >= limit ? 8 : 0)};
	}
	if (bytes >= 3 && bytes < 0x80 && e[0] == 0x76 && e[bytes - 1] == 0x06 &&
	    row->registers.saved[CFI_KEPT_RBP] == CFI_AT_EXPRESSION && cfi_is_at_bp(bp_block)) {
		struct cfi_cursor cursor = {.next = e + 1, .end = e + bytes - 1};
		int64_t offset = cfi_cursor_sleb(&cursor);

		if (!cursor.is_bad && cursor.next == cursor.end && offset == (int32_t)offset)
			return (struct unwind_rule){.kind = UNWIND_BP_DEREF,
						    .cfa_offset = (int32_t)offset};
	}
	return (struct unwind_rule){.kind = UNWIND_ODD};
}

static struct unwind_rule rule_of_row(const struct cfi_row *row, uint64_t pc)
{
	const struct unwind_rule odd = {.kind = UNWIND_ODD};
	enum cfi_saved bp = row->registers.saved[CFI_KEPT_RBP];
	int64_t bp_offset = bp == CFI_AT_OFFSET ? row->registers.operand[CFI_KEPT_RBP] : 0;

	if (row->registers.saved[CFI_KEPT_RETURN] == CFI_IS_UNDEFINED)
		return (struct unwind_rule){.kind = UNWIND_END};
	if (row->registers.saved[CFI_KEPT_RETURN] != CFI_AT_OFFSET ||
	    row->registers.operand[CFI_KEPT_RETURN] != -8 ||
	    row->registers.saved[CFI_KEPT_RSP] != CFI_IS_SAME)
		return odd;
	if (row->cfa_expression != NULL)
		return rule_of_expression(row, pc);
	if ((row->cfa_register != CFI_RSP && row->cfa_register != CFI_RBP) ||
	    row->cfa_offset != (int32_t)row->cfa_offset)
		return odd;
	if ((bp != CFI_IS_SAME && bp != CFI_AT_OFFSET) || bp_offset != (int16_t)bp_offset)
		return odd;
	/* Not in the frame. (Below sp it may be: where an epilogue has just popped it.) */
	if (bp == CFI_AT_OFFSET && (bp_offset > -16 || bp_offset % 8 != 0))
		return odd;
	return (struct unwind_rule){
		.kind = row->cfa_register == CFI_RSP ? UNWIND_SP : UNWIND_BP,
		.saves_bp = bp == CFI_AT_OFFSET,
		.bp_offset = (int16_t)bp_offset,
		.cfa_offset = (int32_t)row->cfa_offset,
	};
}

enum cfi_found cfi_row(uint64_t pc, struct cfi_row *row, struct cfi_entry *room)
{
	const uint8_t *fde = cfi_entry_find(pc, &room->object);

	if (fde == NULL)
		return CFI_NO_ENTRY;
	if (!cfi_entry_read(fde, room))
		return CFI_BAD_ENTRY;
	/* A function without code has the address of the next one; lld keeps only the first of them
	 * in the table. */
	if (room->range == 0 && !cfi_entry_read(room->instructions.end, room))
		return CFI_NO_ENTRY;
	if (pc - room->start >= room->range)
		return CFI_NO_ENTRY;
	/* Others that are marked as signal frames (hand-written trampolines) have rows that say
	 * where things are. */
	if (room->is_kernel_frame)
		return CFI_SIGNAL_FRAME;
	memset(row, 0, sizeof(*row));
	return run(&room->initial_instructions, room, UINT64_MAX, row) &&
			       run(&room->instructions, room, pc, row)
		       ? CFI_ROW
		       : CFI_BAD_ENTRY;
}

struct unwind_rule cfi_rule(uint64_t pc)
{
	struct cfi_entry room;
	struct cfi_row row;

	switch (cfi_row(pc, &row, &room)) {
	case CFI_NO_ENTRY:
		return (struct unwind_rule){.kind = UNWIND_UNKNOWN};
	case CFI_SIGNAL_FRAME:
		return (struct unwind_rule){.kind = UNWIND_SIGNAL};
	case CFI_ROW:
		return rule_of_row(&row, pc);
	default:
		return (struct unwind_rule){.kind = UNWIND_ODD};
	}
}
