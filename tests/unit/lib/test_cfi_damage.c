/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cfi_damage: unwind data that no compiler writes, in a page with nothing before and behind it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/record/cfi_expression.h"
#include "lib/record/cfi_program.h"
#include "tests/support/lib_random.h"
#include "tests/unit/lib/mapped_object.h"

static struct lib_random source;

static void put_bytes(uint8_t **place, const void *bytes, size_t count)
{
	memcpy(*place, bytes, count);
	*place += count;
}

static uint8_t choose(const uint8_t *from, uint32_t count)
{
	return from[lib_random_below(&source, count)];
}

/* Half of all programs are well-formed until they are damaged; of the others every byte is random. */
static void write_random_program(uint8_t *place, const uint8_t *end)
{
	static const uint8_t kept[] = {3, 6, 7, 12, 13, 14, 15, 16};
	static const uint8_t short_ones[] = {0, 0x41, 0x45, 0x0a, 0x0b, 0xc3, 0xc6, 0xcc};
	static const uint8_t operands[] = {
		0x06, 0x12, 0x13, 0x14, 0x16, 0x17, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20,
		0x21, 0x22, 0x24, 0x25, 0x26, 0x27, 0x29, 0x2a, 0x2d, 0x30, 0x38, 0x41, 0x4f, 0x96};
	bool is_well_formed = lib_random_once_in(&source, 2);

	while (place < end) {
		uint64_t left = (uint64_t)(end - place), room = left > 3 ? left - 3 : 0;
		uint8_t bytes = (uint8_t)lib_random_below(&source, room < 12 ? room + 1 : 12);

		if (!is_well_formed) {
			*place++ = (uint8_t)lib_random_next(&source);
		} else if (left < 8 || lib_random_once_in(&source, 2)) {
			*place++ = choose(short_ones, sizeof(short_ones));
		} else if (lib_random_once_in(&source, 3)) {
			*place++ = (uint8_t)(0x80 | choose(kept, sizeof(kept))); /* offset */
			*place++ = (uint8_t)lib_random_below(&source, 128);
		} else {
			*place = choose((const uint8_t[]){0x0f, 0x10, 0x16}, 3);
			if (*place++ != 0x0f)
				*place++ = choose(kept, sizeof(kept));
			*place++ = bytes;
			for (uint8_t i = 0; i < bytes; i++)
				place[i] = choose(operands, sizeof(operands));
			/* A register to begin with, and perhaps a jump back. */
			if (bytes >= 2)
				place[0] = (uint8_t)(0x70 + lib_random_below(&source, 17));
			if (bytes >= 2)
				place[1] = (uint8_t)lib_random_below(&source, 128);
			if (bytes >= 6 && lib_random_once_in(&source, 2)) {
				place[3] = choose((const uint8_t[]){0x28, 0x2f}, 2);
				place[4] = (uint8_t)-lib_random_below(&source, 6);
				place[5] = 0xff;
			}
			place += bytes;
		}
	}
}

/* One address of code, which is the page's, and one FDE. */
static uint8_t *put_header(uint8_t *place, const uint8_t *page, const uint8_t *fde)
{
	uint32_t zero = 0, count = 1;
	int32_t code = (int32_t)(page - place), entry = (int32_t)(fde - place);

	mapped.frame_header = place;
	put_bytes(&place, (const uint8_t[]){1, 0x1b, 0x03, 0x3b}, 4);
	put_bytes(&place, &zero, 4); /* nobody follows the pointer to .eh_frame */
	put_bytes(&place, &count, 4);
	put_bytes(&place, &code, 4);
	put_bytes(&place, &entry, 4);
	return place;
}

#define HEADER_BYTES 20u
#define CIE_BYTES 23u
#define FDE_BYTES 17u /* without its program */

static uint8_t *put_cie(uint8_t *place, bool is_signal_frame)
{
	const uint8_t cie[] = {
		1, 'z',	 'R', is_signal_frame ? 'S' : 'B', 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7,
		8, 0x90, 1};
	uint32_t zero = 0, bytes = CIE_BYTES - 4;

	put_bytes(&place, &bytes, 4);
	put_bytes(&place, &zero, 4);
	put_bytes(&place, cie, sizeof(cie));
	return place;
}

/* Of the code at `page`; its program is still to be written. */
static uint8_t *put_fde(uint8_t *place, const uint8_t *page, const uint8_t *cie, uint32_t range,
			uint32_t program_bytes)
{
	uint32_t bytes = FDE_BYTES - 4 + program_bytes, back;
	int32_t code;

	put_bytes(&place, &bytes, 4);
	back = (uint32_t)(place - cie);
	put_bytes(&place, &back, 4);
	code = (int32_t)(page - place);
	put_bytes(&place, &code, 4);
	put_bytes(&place, &range, 4);
	put_bytes(&place, &(uint8_t){0}, 1);
	return place;
}

/* One function with a random program, at the very end of a page. */
static void write_random_entry(uint8_t *page)
{
	uint32_t bytes = (uint32_t)lib_random_below(&source, 120);
	uint8_t *fde = page + 4096 - FDE_BYTES - bytes, *cie = fde - CIE_BYTES, *program;

	put_header(cie - HEADER_BYTES, page, fde);
	put_cie(cie, lib_random_once_in(&source, 2));
	program = put_fde(fde, page, cie, 2000, bytes);
	write_random_program(program, page + 4096);
}

static void evaluate_all(const struct cfi_row *row, uint32_t *evaluated)
{
	struct cfi_registers wild;
	uint64_t room[CFI_EXPRESSION_DEPTH], value;

	wild.known = (uint32_t)lib_random_next(&source);
	for (uint32_t i = 0; i < CFI_REGISTERS; i++)
		wild.values[i] = lib_random_next(&source) >> lib_random_below(&source, 64);
	if (row->cfa_expression)
		*evaluated += cfi_expression(row->cfa_expression, &wild, NULL, room, &value);
	for (uint32_t place = 0; place < CFI_KEPT; place++)
		if (row->registers.saved[place] == CFI_AT_EXPRESSION ||
		    row->registers.saved[place] == CFI_IS_EXPRESSION)
			*evaluated += cfi_expression((const uint8_t *)row->registers.operand[place],
						     &wild, &wild.values[0], room, &value);
}

/* A page with nothing before and behind it, as an object of its own. */
static uint8_t *map_page(void)
{
	uint8_t *pages = mmap(NULL, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *page = pages + 4096;

	assert_ptr_not_equal(pages, MAP_FAILED);
	assert_int_equal(mprotect(page, 4096, PROT_READ | PROT_WRITE), 0);
	mapped.start = (uint64_t)page;
	mapped.end = (uint64_t)page + 4096;
	return page;
}

static void unmap_page(uint8_t *page)
{
	mapped = (struct object){0};
	munmap(page - 4096, 3 * 4096);
}

/* Nothing is read outside of the object, and everything comes to an end. */
static void survives_damaged_unwind_data(void **state)
{
	uint8_t *page = map_page();
	uint32_t found[CFI_ROW + 1] = {0}, evaluated = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint64_t pc = (uint64_t)page + lib_random_below(&source, 2000);
		struct cfi_entry room;
		struct cfi_row row;
		enum cfi_found answer;

		write_random_entry(page);
		for (uint64_t damage = lib_random_below(&source, 4); damage > 0; damage--) {
			uint64_t from = (uint64_t)(mapped.frame_header - page);

			page[from + lib_random_below(&source, 4096 - from)] =
				(uint8_t)lib_random_next(&source);
		}
		answer = cfi_row(pc, &row, &room);
		found[answer]++;
		if (answer == CFI_ROW)
			evaluate_all(&row, &evaluated);
		assert_true((cfi_rule(pc).kind == UNWIND_UNKNOWN) == (answer == CFI_NO_ENTRY));
	}
	print_message("          %u rows with %u values, %u refused, %u not found\n",
		      found[CFI_ROW], evaluated, found[CFI_BAD_ENTRY], found[CFI_NO_ENTRY]);
	assert_true(found[CFI_ROW] > 1000 && evaluated > 100 && found[CFI_BAD_ENTRY] > 1000 &&
		    found[CFI_NO_ENTRY] > 1000);
	unmap_page(page);
}

/* Two functions at one address, of which the table of the linker has the one without code: so in
 * LLVM's library for Rust. */
static void finds_the_function_behind_an_empty_one(void **state)
{
	uint8_t *page = map_page(), *cie = page + 2048, *fde = cie + CIE_BYTES, *end;
	struct unwind_rule rule;

	(void)state;
	put_header(page + 1024, page, fde);
	put_cie(cie, false);
	end = put_fde(fde, page, cie, 0, 0);
	end = put_fde(end, page, cie, 100, 2);
	put_bytes(&end, (const uint8_t[]){0x0e, 48}, 2); /* def_cfa_offset */
	rule = cfi_rule((uint64_t)page + 50);
	assert_int_equal(rule.kind, UNWIND_SP);
	assert_int_equal(rule.cfa_offset, 48);
	assert_int_equal(cfi_rule((uint64_t)page + 100).kind, UNWIND_UNKNOWN);
	unmap_page(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_damaged_unwind_data),
		cmocka_unit_test(finds_the_function_behind_an_empty_one),
	};

	source = lib_random_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
