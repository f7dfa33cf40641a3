/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cfi_expression: each operator does what DWARF 5, section 2.5, says, and what is not well-
 * formed has no value.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dwarf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/record/cfi_expression.h"
#include "tests/support/lib_random.h"

#define CFA 0x7ffe0000u
/* Registers: number n holds 1000 * n. */
#define RBX 3000u
#define PC 16000u

static struct cfi_registers registers;

static const uint8_t *block_of(const uint8_t *operations, size_t bytes)
{
	static uint8_t block[1 + 127];

	assert_true(bytes <= 127);
	block[0] = (uint8_t)bytes;
	memcpy(block + 1, operations, bytes);
	return block;
}

static bool evaluate(const uint8_t *operations, size_t bytes, bool has_cfa, uint64_t *value)
{
	uint64_t room[CFI_EXPRESSION_DEPTH + 1], cfa = CFA;
	bool is_right;

	room[CFI_EXPRESSION_DEPTH] = 4711;
	is_right = cfi_expression(block_of(operations, bytes), &registers, has_cfa ? &cfa : NULL,
				  room, value);
	assert_int_equal(room[CFI_EXPRESSION_DEPTH], 4711);
	return is_right;
}

#define OPS(...) {__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
#define LIT(n) (DW_OP_lit0 + (n))
/* -1, -2, … in a byte of their own. */
#define MINUS(n) DW_OP_const1s, (uint8_t) - (n)

static const struct {
	uint8_t operations[24];
	size_t bytes;
	uint64_t value;
} valued[] = {
	{OPS(LIT(0)), 0},
	{OPS(LIT(31)), 31},
	{OPS(DW_OP_addr, 1, 2, 3, 4, 5, 6, 7, 8), 0x0807060504030201},
	{OPS(DW_OP_const1u, 0xff), 0xff},
	{OPS(DW_OP_const1s, 0xff), ~0ull},
	{OPS(DW_OP_const2u, 0xff, 0xff), 0xffff},
	{OPS(DW_OP_const2s, 0xfe, 0xff), ~1ull},
	{OPS(DW_OP_const4u, 0xff, 0xff, 0xff, 0xff), 0xffffffff},
	{OPS(DW_OP_const4s, 0xfd, 0xff, 0xff, 0xff), ~2ull},
	{OPS(DW_OP_const8u, 1, 0, 0, 0, 0, 0, 0, 0x80), 0x8000000000000001},
	{OPS(DW_OP_const8s, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), ~0ull},
	{OPS(DW_OP_constu, 0xe5, 0x8e, 0x26), 624485},
	{OPS(DW_OP_consts, 0xc0, 0xbb, 0x78), (uint64_t)-123456},
	{OPS(DW_OP_breg3, 8), RBX + 8},
	{OPS(DW_OP_breg3, 0x78), RBX - 8},
	{OPS(DW_OP_breg16, 0), PC},
	{OPS(DW_OP_bregx, 3, 1), RBX + 1},
	{OPS(LIT(7), DW_OP_dup, DW_OP_plus), 14},
	{OPS(LIT(7), LIT(8), DW_OP_drop), 7},
	{OPS(LIT(7), LIT(8), DW_OP_over), 7},
	{OPS(LIT(7), LIT(8), DW_OP_over, DW_OP_minus), 1},
	{OPS(LIT(1), LIT(2), LIT(3), DW_OP_pick, 2), 1},
	{OPS(LIT(1), LIT(2), LIT(3), DW_OP_pick, 0), 3},
	{OPS(LIT(7), LIT(8), DW_OP_swap), 7},
	{OPS(LIT(7), LIT(8), DW_OP_swap, DW_OP_minus), 1},
	/* The first becomes the third, the second the first, the third the second. */
	{OPS(LIT(1), LIT(2), LIT(3), DW_OP_rot), 2},
	{OPS(LIT(1), LIT(2), LIT(3), DW_OP_rot, DW_OP_drop), 1},
	{OPS(LIT(1), LIT(2), LIT(3), DW_OP_rot, DW_OP_drop, DW_OP_drop), 3},
	{OPS(MINUS(5), DW_OP_abs), 5},
	{OPS(LIT(5), DW_OP_abs), 5},
	{OPS(LIT(12), LIT(10), DW_OP_and), 8},
	{OPS(LIT(13), LIT(4), DW_OP_div), 3},
	{OPS(MINUS(13), LIT(4), DW_OP_div), (uint64_t)-3},
	{OPS(DW_OP_const8u, 0, 0, 0, 0, 0, 0, 0, 0x80, MINUS(1), DW_OP_div), 1ull << 63},
	{OPS(LIT(3), LIT(5), DW_OP_minus), (uint64_t)-2},
	{OPS(LIT(13), LIT(4), DW_OP_mod), 1},
	{OPS(LIT(13), MINUS(4), DW_OP_mul), (uint64_t)-52},
	{OPS(LIT(5), DW_OP_neg), (uint64_t)-5},
	{OPS(LIT(5), DW_OP_not), ~5ull},
	{OPS(LIT(12), LIT(10), DW_OP_or), 14},
	{OPS(LIT(12), LIT(10), DW_OP_plus), 22},
	{OPS(LIT(12), DW_OP_plus_uconst, 0x80, 1), 140},
	{OPS(LIT(3), LIT(4), DW_OP_shl), 48},
	{OPS(LIT(3), DW_OP_const1u, 64, DW_OP_shl), 0},
	{OPS(MINUS(1), DW_OP_const1u, 60, DW_OP_shr), 15},
	{OPS(MINUS(1), DW_OP_const1u, 200, DW_OP_shr), 0},
	{OPS(MINUS(16), LIT(2), DW_OP_shra), (uint64_t)-4},
	{OPS(MINUS(16), DW_OP_const1u, 200, DW_OP_shra), ~0ull},
	{OPS(LIT(12), LIT(10), DW_OP_xor), 6},
	{OPS(LIT(1), LIT(1), DW_OP_eq), 1},
	{OPS(LIT(1), LIT(2), DW_OP_eq), 0},
	{OPS(MINUS(1), LIT(0), DW_OP_ge), 0},
	{OPS(LIT(1), LIT(1), DW_OP_ge), 1},
	{OPS(LIT(0), MINUS(1), DW_OP_gt), 1},
	{OPS(LIT(1), LIT(1), DW_OP_gt), 0},
	{OPS(MINUS(1), LIT(0), DW_OP_le), 1},
	{OPS(LIT(2), LIT(1), DW_OP_le), 0},
	{OPS(MINUS(1), LIT(0), DW_OP_lt), 1},
	{OPS(LIT(1), LIT(1), DW_OP_lt), 0},
	{OPS(LIT(1), LIT(2), DW_OP_ne), 1},
	{OPS(LIT(2), LIT(2), DW_OP_ne), 0},
	{OPS(LIT(7), DW_OP_nop), 7},
	{OPS(LIT(7), DW_OP_skip, 1, 0, LIT(8), DW_OP_nop), 7},
	{OPS(LIT(7), LIT(1), DW_OP_bra, 1, 0, LIT(8)), 7},
	{OPS(LIT(7), LIT(0), DW_OP_bra, 1, 0, LIT(8)), 8},
	/* A loop that counts 5 down to 0. */
	{OPS(LIT(5), LIT(1), DW_OP_minus, DW_OP_dup, DW_OP_bra, 0xfa, 0xff), 0},
	/* The PLT's: 8 + ((pc & 15) >= 11 ? 8 : 0), where pc & 15 is 0. */
	{OPS(DW_OP_breg3, 8, DW_OP_breg16, 0, LIT(15), DW_OP_and, LIT(11), DW_OP_ge, LIT(3),
	     DW_OP_shl, DW_OP_plus),
	 RBX + 8},
	{OPS(DW_OP_breg3, 8, DW_OP_breg16, 13, LIT(15), DW_OP_and, LIT(11), DW_OP_ge, LIT(3),
	     DW_OP_shl, DW_OP_plus),
	 RBX + 16},
};

static void computes_what_dwarf_says(void **state)
{
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(valued) / sizeof(valued[0]); i++) {
		bool is_right = evaluate(valued[i].operations, valued[i].bytes, false, &value);

		if (!is_right || value != valued[i].value)
			print_error("expression %zu, which begins with %#x\n", i,
				    valued[i].operations[0]);
		assert_true(is_right);
		assert_int_equal(value, valued[i].value);
	}
}

static void begins_with_the_cfa_when_there_is_one(void **state)
{
	uint64_t value;

	(void)state;
	assert_true(evaluate((const uint8_t[]){DW_OP_plus_uconst, 8}, 2, true, &value));
	assert_int_equal(value, CFA + 8);
	assert_true(evaluate((const uint8_t[]){0}, 0, true, &value));
	assert_int_equal(value, CFA);
	assert_false(evaluate((const uint8_t[]){0}, 0, false, &value));
}

/* A constant that is an address, and what follows. */
static bool evaluate_at(const void *address, const uint8_t *operations, size_t bytes,
			uint64_t *value)
{
	uint8_t all[24] = {DW_OP_addr};

	memcpy(all + 1, &address, sizeof(address));
	memcpy(all + 9, operations, bytes);
	return evaluate(all, 9 + bytes, false, value);
}

static void reads_memory_that_is_there(void **state)
{
	static const uint8_t deref[] = {DW_OP_deref};
	const uint64_t word = 0x8877665544332211, *pointer = &word;
	long page = sysconf(_SC_PAGESIZE);
	uint8_t *pages = mmap(NULL, 2 * (size_t)page, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t value;

	(void)state;
	assert_true(evaluate_at(&word, deref, 1, &value));
	assert_int_equal(value, word);
	assert_true(evaluate_at(&pointer, (const uint8_t[]){DW_OP_deref, DW_OP_deref}, 2, &value));
	assert_int_equal(value, word);
	assert_true(evaluate_at(&word, (const uint8_t[]){DW_OP_deref_size, 1}, 2, &value));
	assert_int_equal(value, 0x11);
	assert_true(evaluate_at(&word, (const uint8_t[]){DW_OP_deref_size, 4}, 2, &value));
	assert_int_equal(value, 0x44332211);
	assert_true(evaluate_at(&word, (const uint8_t[]){DW_OP_deref_size, 8}, 2, &value));
	assert_int_equal(value, word);
	assert_false(evaluate_at(&word, (const uint8_t[]){DW_OP_deref_size, 0}, 2, &value));
	assert_false(evaluate_at(&word, (const uint8_t[]){DW_OP_deref_size, 9}, 2, &value));

	assert_ptr_not_equal(pages, MAP_FAILED);
	munmap(pages + page, (size_t)page);
	pages[page - 1] = 99;
	errno = 4711;
	assert_false(evaluate_at(NULL, deref, 1, &value));
	assert_false(evaluate_at(pages + page, deref, 1, &value));
	assert_false(evaluate_at(pages + page - 7, deref, 1, &value));
	assert_true(evaluate_at(pages + page - 8, deref, 1, &value));
	assert_int_equal(value, 99ull << 56);
	assert_true(
		evaluate_at(pages + page - 1, (const uint8_t[]){DW_OP_deref_size, 1}, 2, &value));
	assert_int_equal(value, 99);
	assert_int_equal(errno, 4711);
	munmap(pages, (size_t)page);
}

static const struct {
	uint8_t operations[24];
	size_t bytes;
} valueless[] = {
	/* Too little on the stack. */
	{OPS(DW_OP_dup)},
	{OPS(DW_OP_drop)},
	{OPS(DW_OP_deref)},
	{OPS(DW_OP_neg)},
	{OPS(DW_OP_plus_uconst, 1)},
	{OPS(LIT(1), DW_OP_plus)},
	{OPS(LIT(1), DW_OP_swap)},
	{OPS(LIT(1), DW_OP_over)},
	{OPS(LIT(1), LIT(2), DW_OP_rot)},
	{OPS(LIT(1), LIT(2), DW_OP_pick, 2)},
	{OPS(LIT(1), DW_OP_drop)},
	{OPS(DW_OP_bra, 0, 0)},
	/* Operands that are missing. */
	{OPS(DW_OP_const1u)},
	{OPS(DW_OP_const2u, 1)},
	{OPS(DW_OP_const8u, 1, 2, 3, 4, 5, 6, 7)},
	{OPS(DW_OP_constu, 0x80)},
	{OPS(DW_OP_breg3)},
	{OPS(LIT(1), DW_OP_skip, 1)},
	/* No such quotient. */
	{OPS(LIT(1), LIT(0), DW_OP_div)},
	{OPS(LIT(1), LIT(0), DW_OP_mod)},
	/* Jumps that lead out, and in circles. */
	{OPS(LIT(1), DW_OP_skip, 1, 0)},
	{OPS(LIT(1), DW_OP_skip, 0xfb, 0xff)},
	{OPS(LIT(1), DW_OP_skip, 0, 0x80)},
	{OPS(LIT(1), DW_OP_skip, 0xfd, 0xff)},
	/* More than the stack holds. */
	{OPS(LIT(1), DW_OP_dup, DW_OP_skip, 0xfc, 0xff)},
	/* What has no place in unwind data, or no meaning. */
	{OPS(DW_OP_call_frame_cfa)},
	{OPS(DW_OP_fbreg, 0)},
	{OPS(DW_OP_push_object_address)},
	{OPS(DW_OP_reg3)},
	{OPS(LIT(1), DW_OP_stack_value)},
	{OPS(DW_OP_breg17, 0)},
	{OPS(DW_OP_bregx, 17, 0)},
	{OPS(DW_OP_bregx, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0)},
	{OPS(0x00)},
	{OPS(0xff)},
};

static void has_no_value_for_what_is_not_well_formed(void **state)
{
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(valueless) / sizeof(valueless[0]); i++) {
		bool has_value =
			evaluate(valueless[i].operations, valueless[i].bytes, false, &value);

		if (has_value)
			print_error("expression %zu\n", i);
		assert_false(has_value);
	}
}

static void does_not_guess_a_register(void **state)
{
	uint64_t value;

	(void)state;
	registers.known &= ~(1u << CFI_RBX);
	assert_false(evaluate((const uint8_t[]){DW_OP_breg3, 0}, 2, false, &value));
	assert_false(evaluate((const uint8_t[]){DW_OP_bregx, 3, 0}, 3, false, &value));
	assert_true(evaluate((const uint8_t[]){DW_OP_breg12, 0}, 2, false, &value));
	registers.known |= 1u << CFI_RBX;
}

/* As many values as there is room for, and one more. */
static void keeps_to_its_stack(void **state)
{
	uint8_t operations[CFI_EXPRESSION_DEPTH + 1];
	uint64_t value;

	(void)state;
	memset(operations, LIT(9), sizeof(operations));
	assert_true(evaluate(operations, CFI_EXPRESSION_DEPTH, false, &value));
	assert_int_equal(value, 9);
	assert_false(evaluate(operations, CFI_EXPRESSION_DEPTH + 1, false, &value));
	assert_false(evaluate(operations, CFI_EXPRESSION_DEPTH, true, &value));
}

/* Whatever the bytes are, it comes to an end and reads none that it may not. They lie at the end of
 * a page. */
static void survives_any_bytes(void **state)
{
	struct lib_random source = lib_random_start();
	uint64_t room[CFI_EXPRESSION_DEPTH], cfa = CFA, value;
	uint8_t *page =
		mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t with_value = 0;

	(void)state;
	assert_ptr_not_equal(page, MAP_FAILED);
	assert_int_equal(mprotect(page + 4096, 4096, PROT_NONE), 0);
	for (int i = 0; i < 200000; i++) {
		uint8_t bytes = (uint8_t)lib_random_below(&source, 60);
		uint8_t *block = page + 4096 - 1 - bytes;
		bool is_known_only = lib_random_once_in(&source, 2);

		block[0] = bytes;
		for (uint8_t n = 1; n <= bytes; n++) {
			uint64_t word = lib_random_next(&source);

			block[n] = is_known_only ? (uint8_t)(DW_OP_deref + word % 0x90)
						 : (uint8_t)word;
		}
		with_value +=
			cfi_expression(block, &registers,
				       lib_random_once_in(&source, 2) ? &cfa : NULL, room, &value);
	}
	print_message("          %" PRIu32 " of 200000 have a value\n", with_value);
	assert_true(with_value > 1000);
	munmap(page, 2 * 4096);
}

static int make_registers(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < CFI_REGISTERS; i++)
		registers.values[i] = 1000 * i;
	registers.known = (1u << CFI_REGISTERS) - 1;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(computes_what_dwarf_says),
		cmocka_unit_test(begins_with_the_cfa_when_there_is_one),
		cmocka_unit_test(reads_memory_that_is_there),
		cmocka_unit_test(has_no_value_for_what_is_not_well_formed),
		cmocka_unit_test(does_not_guess_a_register),
		cmocka_unit_test(keeps_to_its_stack),
		cmocka_unit_test(survives_any_bytes),
	};

	return cmocka_run_group_tests(tests, make_registers, NULL);
}
