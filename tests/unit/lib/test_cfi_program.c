/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cfi_program: the rule and the whole row of every address of real libraries are elfutils'.
 *
 * For each entry of .eh_frame_hdr, each range of addresses with one row: its first and its last
 * address. Expressions are evaluated both ways, in registers and memory made for that. gcc's
 * compiler proper is mapped by the test itself, for it cannot be loaded (mapped_object.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/record/cfi_expression.h"
#include "lib/record/cfi_program.h"
#include "tests/support/lib_random.h"
#include "tests/unit/lib/mapped_object.h"

enum { REGISTER_RBX = 3, REGISTER_RBP = 6, REGISTER_RSP = 7, REGISTER_RETURN = 16 };
#define MISTAKES_SHOWN 10

/* What elfutils says, in our terms. UNWIND_NONE: something that has no name here. */
static struct unwind_rule rule_of(Dwarf_Frame *frame, uint64_t pc, bool is_signal)
{
	struct unwind_rule rule = {.kind = UNWIND_NONE};
	Dwarf_Op memory[3], *ops;
	bool is_bp_at_bp = false;
	size_t count;

	if (is_signal)
		return (struct unwind_rule){.kind = UNWIND_SIGNAL};
	if (dwarf_frame_register(frame, REGISTER_RETURN, memory, &ops, &count) != 0)
		return rule;
	if (count == 0 && ops == memory)
		return (struct unwind_rule){.kind = UNWIND_END};
	if (count != 2 || ops[0].atom != DW_OP_call_frame_cfa || ops[1].atom != DW_OP_plus_uconst ||
	    (int64_t)ops[1].number != -8)
		return (struct unwind_rule){.kind = UNWIND_ODD};

	if (dwarf_frame_register(frame, REGISTER_RBP, memory, &ops, &count) != 0)
		return rule;
	if (count == 2 && ops[0].atom == DW_OP_call_frame_cfa && ops[1].atom == DW_OP_plus_uconst) {
		rule.saves_bp = 1;
		rule.bp_offset = (int16_t)ops[1].number;
	} else if (count == 1 && ops[0].atom == DW_OP_call_frame_cfa) {
		rule.saves_bp = 1;
	} else if (count == 2 && ops[0].atom == DW_OP_call_frame_cfa &&
		   ops[1].atom == DW_OP_breg6 && ops[1].number == 0) {
		is_bp_at_bp = true;
	} else if (count != 0 || ops == memory) {
		return (struct unwind_rule){.kind = UNWIND_ODD};
	}
	/* Not a word of the frame: right, but nothing to be read without care. */
	if (rule.saves_bp && (rule.bp_offset > -16 || rule.bp_offset % 8 != 0))
		return (struct unwind_rule){.kind = UNWIND_ODD};
	if (dwarf_frame_register(frame, REGISTER_RSP, memory, &ops, &count) != 0)
		return rule;
	if (count != 2 || ops[0].atom != DW_OP_call_frame_cfa || ops[1].atom != DW_OP_stack_value)
		return (struct unwind_rule){.kind = UNWIND_ODD};

	if (dwarf_frame_cfa(frame, &ops, &count) != 0)
		return rule;
	if (count == 1 && ops[0].atom == DW_OP_bregx && !is_bp_at_bp &&
	    (ops[0].number == REGISTER_RSP || ops[0].number == REGISTER_RBP)) {
		rule.kind = ops[0].number == REGISTER_RSP ? UNWIND_SP : UNWIND_BP;
		rule.cfa_offset = (int32_t)ops[0].number2;
		return rule;
	}
	if (count == 2 && ops[0].atom == DW_OP_breg6 && ops[1].atom == DW_OP_deref && is_bp_at_bp)
		return (struct unwind_rule){.kind = UNWIND_BP_DEREF,
					    .cfa_offset = (int32_t)ops[0].number};
	/* The procedure linkage table: rsp + 8 + ((rip & 15) >= N) << 3. */
	if (count == 9 && ops[0].atom == DW_OP_breg7 && ops[0].number == 8 &&
	    ops[1].atom == DW_OP_breg16 && ops[1].number == 0 && ops[2].atom == DW_OP_lit15 &&
	    ops[3].atom == DW_OP_and && ops[4].atom >= DW_OP_lit0 && ops[4].atom <= DW_OP_lit31 &&
	    ops[5].atom == DW_OP_ge && ops[6].atom == DW_OP_lit3 && ops[7].atom == DW_OP_shl &&
	    ops[8].atom == DW_OP_plus && rule.saves_bp == 0)
		return (struct unwind_rule){
			.kind = UNWIND_SP,
			.cfa_offset =
				8 + ((pc & 15) >= ops[4].atom - (uint64_t)DW_OP_lit0 ? 8 : 0)};
	return (struct unwind_rule){.kind = UNWIND_ODD};
}

/* ---- whole rows ---- */

/* A frame for expressions: registers that point into memory whose words do as well. */
static struct cfi_registers some_registers;
static uint64_t some_memory[1 << 16];

static struct lib_random source;

static void make_some_registers(void)
{
	uint64_t words = sizeof(some_memory) / 8;

	for (uint64_t i = 0; i < words; i++)
		some_memory[i] =
			(uint64_t)&some_memory[words / 4 + lib_random_below(&source, words / 2)];
	for (uint32_t i = 0; i < CFI_REGISTERS; i++)
		some_registers.values[i] = some_memory[i];
	/* A factor for an index: perlasm has arrays on its stack. */
	some_registers.values[9] = lib_random_below(&source, 100);
	some_registers.known = (1u << CFI_REGISTERS) - 1;
}

/* elfutils' form of an expression. False: not one of the operators that are met. */
static bool evaluate(const Dwarf_Op *ops, size_t count, uint64_t cfa, uint64_t *value)
{
	uint64_t stack[8];
	int depth = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t number = ops[i].number;

		if (ops[i].atom == DW_OP_call_frame_cfa) {
			stack[depth++] = cfa;
		} else if (ops[i].atom >= DW_OP_breg0 && ops[i].atom <= DW_OP_breg16) {
			stack[depth++] = some_registers.values[ops[i].atom - DW_OP_breg0] + number;
		} else if (ops[i].atom == DW_OP_bregx) {
			stack[depth++] = some_registers.values[number] + ops[i].number2;
		} else if (ops[i].atom >= DW_OP_lit0 && ops[i].atom <= DW_OP_lit31) {
			stack[depth++] = ops[i].atom - (uint64_t)DW_OP_lit0;
		} else if (ops[i].atom == DW_OP_plus_uconst) {
			stack[depth - 1] += number;
		} else if (ops[i].atom == DW_OP_deref) {
			stack[depth - 1] = *(uint64_t *)stack[depth - 1];
		} else {
			uint64_t b = stack[--depth], a = stack[--depth];

			switch (ops[i].atom) {
			case DW_OP_plus:
				a += b;
				break;
			case DW_OP_minus:
				a -= b;
				break;
			case DW_OP_mul:
				a *= b;
				break;
			case DW_OP_and:
				a &= b;
				break;
			case DW_OP_shl:
				a <<= b;
				break;
			case DW_OP_ge:
				a = (int64_t)a >= (int64_t)b;
				break;
			default:
				return false;
			}
			stack[depth++] = a;
		}
	}
	*value = stack[depth - 1];
	return depth > 0;
}

static bool is_same_expression(const uint8_t *block, const uint64_t *cfa, const Dwarf_Op *ops,
			       size_t count)
{
	uint64_t room[CFI_EXPRESSION_DEPTH], ours, theirs;

	return cfi_expression(block, &some_registers, cfa, room, &ours) &&
	       evaluate(ops, count, cfa ? *cfa : 0, &theirs) && ours == theirs;
}

static bool is_same_cfa(const struct cfi_row *row, Dwarf_Frame *frame)
{
	Dwarf_Op *ops;
	size_t count;

	if (dwarf_frame_cfa(frame, &ops, &count) != 0)
		return false;
	if (row->cfa_expression != NULL)
		return is_same_expression(row->cfa_expression, NULL, ops, count);
	return count == 1 && ops[0].atom == DW_OP_bregx && ops[0].number == row->cfa_register &&
	       (int64_t)ops[0].number2 == row->cfa_offset;
}

static bool is_same_register(const struct cfi_row *row, uint32_t place, Dwarf_Frame *frame)
{
	enum cfi_saved saved = row->registers.saved[place];
	int64_t operand = row->registers.operand[place];
	uint64_t cfa = (uint64_t)&some_memory[777];
	uint8_t number = cfi_kept[place];
	Dwarf_Op memory[3], *ops;
	size_t count;
	bool is_value;

	if (dwarf_frame_register(frame, number, memory, &ops, &count) != 0)
		return false;
	if (count == 0 && ops == memory) {
		/* elfutils' list of what a call keeps has no rbx, so it is lost where nothing is
		 * said. */
		return saved == CFI_IS_UNDEFINED ||
		       (number == REGISTER_RBX && saved == CFI_IS_SAME);
	}
	if (count == 0)
		return saved == CFI_IS_SAME;
	is_value = ops[count - 1].atom == DW_OP_stack_value;
	count -= is_value;
	if (saved == CFI_IN_REGISTER)
		return count == 1 && ops[0].atom == DW_OP_regx && (int64_t)ops[0].number == operand;
	if (saved == CFI_AT_EXPRESSION || saved == CFI_IS_EXPRESSION)
		return is_value == (saved == CFI_IS_EXPRESSION) &&
		       is_same_expression((const uint8_t *)operand, &cfa, ops, count);
	if (count == 0 || count > 2 || ops[0].atom != DW_OP_call_frame_cfa ||
	    (count == 2 && ops[1].atom != DW_OP_plus_uconst))
		return false;
	if (saved == CFI_IS_SAME)
		return number == REGISTER_RSP && is_value && count == 1;
	return (saved == CFI_IS_OFFSET) == is_value &&
	       (saved == CFI_IS_OFFSET || saved == CFI_AT_OFFSET) &&
	       operand == (count == 2 ? (int64_t)ops[1].number : 0);
}

/* A number of the register whose place in the row is wrong, 99 for the CFA, -1 for none. */
static int find_difference(uint64_t pc, Dwarf_Frame *frame, bool is_signal)
{
	struct cfi_entry room;
	struct cfi_row row;
	enum cfi_found found = cfi_row(pc, &row, &room);

	if (is_signal)
		return found == CFI_SIGNAL_FRAME ? -1 : 98;
	if (found != CFI_ROW)
		return 98;
	if (row.registers.saved[CFI_KEPT_RETURN] != CFI_IS_UNDEFINED && !is_same_cfa(&row, frame))
		return 99;
	for (uint32_t place = 0; place < CFI_KEPT; place++)
		if (!is_same_register(&row, place, frame))
			return cfi_kept[place];
	return -1;
}

struct comparison {
	uint64_t entries, addresses, mistakes;
	uint64_t by_kind[UNWIND_UNKNOWN + 1];
};

static bool is_same(struct unwind_rule a, struct unwind_rule b)
{
	if (a.kind != b.kind)
		return false;
	if (a.kind == UNWIND_BP_DEREF)
		return a.cfa_offset == b.cfa_offset;
	if (a.kind != UNWIND_SP && a.kind != UNWIND_BP)
		return true;
	return a.cfa_offset == b.cfa_offset && a.saves_bp == b.saves_bp &&
	       (!a.saves_bp || a.bp_offset == b.bp_offset);
}

static void compare_at(const struct object *object, Dwarf_Frame *frame, uint64_t address,
		       bool is_signal, struct comparison *comparison)
{
	struct unwind_rule theirs = rule_of(frame, address, is_signal);
	struct unwind_rule ours = cfi_rule(address + object->bias);
	int difference;

	/* The PLT's expression is of the pc. */
	some_registers.values[CFI_RETURN] = address + object->bias;
	difference = find_difference(address + object->bias, frame, is_signal);
	if (difference >= 0 && comparison->mistakes++ < MISTAKES_SHOWN)
		fprintf(stderr, "  %s+0x%" PRIx64 ": the rows differ at %d\n", object->path,
			address, difference);
	comparison->addresses++;
	comparison->by_kind[theirs.kind]++;
	if (is_same(ours, theirs) || comparison->mistakes++ >= MISTAKES_SHOWN)
		return;
	fprintf(stderr,
		"  %s+0x%" PRIx64 ": ours %d %d cfa%+d bp%+d, elfutils' %d %d cfa%+d bp%+d\n",
		object->path, address, ours.kind, ours.saves_bp, ours.cfa_offset, ours.bp_offset,
		theirs.kind, theirs.saves_bp, theirs.cfa_offset, theirs.bp_offset);
}

/* All rows from `address` on, up to the end of the entry that it begins. */
static void compare_rows(const struct object *object, Dwarf_CFI *cfi, uint64_t address,
			 uint64_t next_entry, struct comparison *comparison)
{
	while (address < next_entry) {
		Dwarf_Frame *frame;
		Dwarf_Addr start, end;
		bool is_signal;

		if (dwarf_cfi_addrframe(cfi, address, &frame) != 0) {
			/* Behind the function there is nothing for us either. */
			if (cfi_rule(address + object->bias).kind != UNWIND_UNKNOWN &&
			    comparison->mistakes++ < MISTAKES_SHOWN)
				fprintf(stderr, "  %s+0x%" PRIx64 ": elfutils has nothing: %s\n",
					object->path, address, dwarf_errmsg(-1));
			return;
		}
		if (dwarf_frame_info(frame, &start, &end, &is_signal) < 0 || end <= address) {
			free(frame);
			return;
		}
		compare_at(object, frame, address, is_signal, comparison);
		if (end - 1 > address)
			compare_at(object, frame, end - 1, is_signal, comparison);
		free(frame);
		address = end;
	}
}

static void compare_object(const struct object *object)
{
	/* As the linkers write it: version, three encodings, pointer to .eh_frame, count. */
	const int32_t *header = (const int32_t *)object->frame_header;
	uint32_t count = (uint32_t)header[2];
	const int32_t *table = header + 3;
	struct comparison comparison = {0};
	int fd = open(object->path, O_RDONLY);
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	Dwarf_CFI *cfi = dwarf_getcfi_elf(elf);

	assert_int_equal(object->frame_header[3], 0x3b);
	assert_non_null(cfi);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t start = (uint64_t)(object->frame_header + table[2 * i]) - object->bias;
		uint64_t next =
			i + 1 < count
				? (uint64_t)(object->frame_header + table[2 * i + 2]) - object->bias
				: UINT64_MAX;

		comparison.entries++;
		compare_rows(object, cfi, start, next, &comparison);
	}
	print_message("          %s: %" PRIu64 " functions, %" PRIu64 " addresses: sp %" PRIu64
		      ", bp %" PRIu64 ", deref %" PRIu64 ", signal %" PRIu64 ", end %" PRIu64
		      ", odd %" PRIu64 "\n",
		      object->path, comparison.entries, comparison.addresses,
		      comparison.by_kind[UNWIND_SP], comparison.by_kind[UNWIND_BP],
		      comparison.by_kind[UNWIND_BP_DEREF], comparison.by_kind[UNWIND_SIGNAL],
		      comparison.by_kind[UNWIND_END], comparison.by_kind[UNWIND_ODD]);
	dwarf_cfi_end(cfi);
	elf_end(elf);
	close(fd);
	assert_int_equal(comparison.by_kind[UNWIND_NONE], 0);
	assert_int_equal(comparison.mistakes, 0);
	assert_true(comparison.addresses > comparison.entries);
}

static int find_loaded(struct dl_phdr_info *info, size_t bytes, void *context)
{
	struct object *object = context;

	(void)bytes;
	/* The program itself has no name, and so has the kernel's object. */
	if (info->dlpi_addr != object->bias)
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME)
			object->frame_header =
				(const uint8_t *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	return 1;
}

/* `name` as dlopen takes it. A library that is not there skips the test. */
static void compare_library(const char *name)
{
	struct link_map *map = dlopen(name, RTLD_LAZY);
	struct object object = {0};

	if (map == NULL) {
		print_message("          %s is not installed\n", name);
		skip();
	}
	object.path = map->l_name;
	object.bias = map->l_addr;
	dl_iterate_phdr(find_loaded, &object);
	assert_non_null(object.frame_header);
	compare_object(&object);
	dlclose(map);
}

/* Functions that nobody calls: each says of its first instruction that bp is saved at this offset. */
#define SAVES_BP_AT(name, offset, cfa)                                                             \
	__asm__(".pushsection .text\n.type " #name ", @function\n" #name ":\n.cfi_startproc\n"     \
		".cfi_def_cfa_offset " #cfa "\n.cfi_offset rbp, " #offset "\nnop\nret\n"           \
		".cfi_endproc\n.popsection\n");                                                    \
	extern const char name[]

SAVES_BP_AT(saves_bp_at_the_end, -16, 16);
SAVES_BP_AT(saves_bp_over_the_return_address, -8, 16);
SAVES_BP_AT(saves_bp_in_the_frame_outside, 64, 16);

/* A rule's words are read without asking. What says that they lie in another frame is followed in full,
 * with care. */
static void reads_nothing_of_the_frame_outside(void **state)
{
	struct unwind_rule rule = cfi_rule((uint64_t)saves_bp_at_the_end);

	(void)state;
	assert_int_equal(rule.kind, UNWIND_SP);
	assert_true(rule.saves_bp);
	assert_int_equal(rule.bp_offset, -16);
	assert_int_equal(cfi_rule((uint64_t)saves_bp_over_the_return_address).kind, UNWIND_ODD);
	assert_int_equal(cfi_rule((uint64_t)saves_bp_in_the_frame_outside).kind, UNWIND_ODD);
}

static void equals_elfutils_in_libc(void **state)
{
	(void)state;
	compare_library("libc.so.6");
}

static void equals_elfutils_in_libstdcpp(void **state)
{
	(void)state;
	compare_library("libstdc++.so.6");
}

static void equals_elfutils_in_libgcc(void **state)
{
	(void)state;
	compare_library("libgcc_s.so.1");
}

static void equals_elfutils_in_libunwind(void **state)
{
	(void)state;
	compare_library("libunwind.so.8");
}

static void equals_elfutils_in_libdw(void **state)
{
	(void)state;
	compare_library("libdw.so.1");
}

/* Its lazy binding keeps the CFA in rbx. */
static void equals_elfutils_in_the_dynamic_linker(void **state)
{
	(void)state;
	compare_library("ld-linux-x86-64.so.2");
}

static void equals_elfutils_in_libm(void **state)
{
	(void)state;
	compare_library("libm.so.6");
}

/* Much of it is assembly. */
static void equals_elfutils_in_libcrypto(void **state)
{
	(void)state;
	compare_library("libcrypto.so.3");
}

/* Every instruction that an assembler writes, and those that none does any more. */
__asm__(".text\n"
	"every_instruction:\n"
	".cfi_startproc\n"
	"	nop\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset %rbx, -16\n"
	"	nop\n"
	".cfi_remember_state\n"
	"	nop\n"
	".cfi_def_cfa %rbx, 32\n"
	".cfi_escape 0x14, 12, 3\n" /* val_offset: r12 is CFA - 24 */
	".cfi_remember_state\n"
	"	nop\n"
	".cfi_undefined %r12\n"
	".cfi_register %r13, %rax\n"
	"	nop\n"
	".cfi_restore_state\n"
	"	nop\n"
	".cfi_offset %r14, -32\n"
	"	nop\n"
	".cfi_restore_state\n"
	"	.skip 100, 0x90\n" /* advance_loc1 */
	".cfi_restore %rbx\n"
	".cfi_same_value %r12\n"
	"	.skip 1000, 0x90\n" /* advance_loc2 */
	".cfi_register %rbx, %r11\n"
	".cfi_undefined %rbp\n"
	"	.skip 70000, 0x90\n" /* advance_loc4 */
	".cfi_def_cfa_register %r10\n"
	".cfi_same_value %rbp\n"
	"	nop\n"
	/* def_cfa_expression: *(rbp - 8) */
	".cfi_escape 0x0f, 3, 0x76, 0x78, 0x06\n"
	/* expression: rbp at *rbp, r12 at CFA + 8; val_expression: r13 is CFA - rbx & 15 */
	".cfi_escape 0x10, 6, 2, 0x76, 0\n"
	".cfi_escape 0x10, 12, 2, 0x23, 8\n"
	".cfi_escape 0x16, 13, 5, 0x73, 0, 0x1c, 0x3f, 0x1a\n"
	"	nop\n"
	".cfi_remember_state\n"
	".cfi_escape 0x12, 7, 0x7e\n"  /* def_cfa_sf: rsp + 16 */
	".cfi_escape 0x11, 15, 0x7d\n" /* offset_extended_sf: r15 at CFA + 24 */
	".cfi_escape 0x15, 14, 0x7d\n" /* val_offset_sf: r14 is CFA + 24 */
	".cfi_escape 0x05, 6, 2\n"     /* offset_extended: rbp at CFA - 16 */
	"	nop\n"
	".cfi_escape 0x13, 0x7c\n"  /* def_cfa_offset_sf: rsp + 32 */
	".cfi_escape 0x2e, 16\n"    /* GNU_args_size */
	".cfi_escape 0x06, 15\n"    /* restore_extended: r15 */
	".cfi_escape 0x09, 16, 2\n" /* register: the return address is in rcx */
	".cfi_escape 0x0a, 0x0a\n"  /* remember_state that nobody restores */
	"	nop\n"
	".cfi_escape 0x0c, 7, 8\n" /* def_cfa: rsp + 8 */
	".cfi_restore %rip\n"
	".cfi_escape 0x15, 7, 0x7e\n" /* val_offset_sf: rsp is CFA + 16 */
	"	nop\n"
	".cfi_offset %rsp, -24\n"
	"	nop\n"
	".cfi_undefined %rip\n"
	"	nop\n"
	".cfi_endproc\n"
	/* Nothing is said of the return address. */
	"without_return_address:\n"
	".cfi_startproc simple\n"
	".cfi_def_cfa %rsp, 8\n"
	"	nop\n"
	".cfi_endproc\n");

/* gcc makes a frame with two anchors of it: the rules that are rbp's own value in memory. */
void over_aligned(int bytes, void (*use)(void *, void *));
__attribute__((noinline)) void over_aligned(int bytes, void (*use)(void *, void *))
{
	_Alignas(64) char local[64];

	use(local, __builtin_alloca((size_t)bytes));
}

static void equals_elfutils_in_every_instruction(void **state)
{
	static char path[4096];
	struct link_map *map = dlopen(NULL, RTLD_LAZY);
	struct object object = {.path = path, .bias = map->l_addr};

	(void)state;
	assert_true(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
	dl_iterate_phdr(find_loaded, &object);
	assert_non_null(object.frame_header);
	compare_object(&object);
	dlclose(map);
}

static bool map_segments(int fd, const Elf64_Ehdr *file, const Elf64_Phdr *segments)
{
	uint64_t low = UINT64_MAX, high = 0;
	uint8_t *place;

	for (int i = 0; i < file->e_phnum; i++) {
		if (segments[i].p_type != PT_LOAD)
			continue;
		low = segments[i].p_vaddr < low ? segments[i].p_vaddr & ~4095ull : low;
		high = segments[i].p_vaddr + segments[i].p_memsz;
	}
	place = mmap(NULL, high - low, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		     0);
	if (place == MAP_FAILED)
		return false;
	mapped.bias = (uint64_t)place - low;
	mapped.start = (uint64_t)place;
	mapped.end = (uint64_t)place + (high - low);
	for (int i = 0; i < file->e_phnum; i++) {
		const Elf64_Phdr *segment = &segments[i];
		uint64_t before = segment->p_vaddr % 4096;

		if (segment->p_type == PT_GNU_EH_FRAME)
			mapped.frame_header = (uint8_t *)(mapped.bias + segment->p_vaddr);
		if (segment->p_type == PT_LOAD &&
		    mmap((void *)(mapped.bias + segment->p_vaddr - before),
			 segment->p_filesz + before, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd,
			 (off_t)(segment->p_offset - before)) == MAP_FAILED)
			return false;
	}
	return mapped.frame_header != NULL;
}

/* An ELF file that is not loaded. False: it cannot be read. */
static bool compare_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	Elf64_Phdr segments[32];
	Elf64_Ehdr file;

	if (fd < 0)
		return false;
	assert_int_equal(pread(fd, &file, sizeof(file), 0), sizeof(file));
	assert_true(file.e_phnum <= 32);
	assert_int_equal(
		pread(fd, segments, file.e_phnum * sizeof(segments[0]), (off_t)file.e_phoff),
		file.e_phnum * sizeof(segments[0]));
	assert_true(map_segments(fd, &file, segments));
	close(fd);
	mapped.path = path;
	compare_object(&mapped);
	munmap((void *)mapped.start, mapped.end - mapped.start);
	mapped = (struct object){0};
	return true;
}

/* 20 MB of code. */
static void equals_elfutils_in_the_compiler_proper(void **state)
{
	FILE *command = popen("gcc -print-prog-name=cc1 2>/dev/null", "r");
	char path[4096] = "";

	(void)state;
	if (command && fgets(path, sizeof(path), command))
		path[strcspn(path, "\n")] = 0;
	if (command)
		pclose(command);
	if (!compare_file(path)) {
		print_message("          gcc's cc1 is not installed\n");
		skip();
	}
}

static const char *const *wanted_files;

static void equals_elfutils_in_the_files_that_are_named(void **state)
{
	(void)state;
	for (const char *const *path = wanted_files; *path != NULL; path++)
		assert_true(compare_file(*path));
}

static void knows_nothing_of_addresses_without_code(void **state)
{
	static const char data[] = "no code";
	char here[16];
	void *anonymous = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_int_equal(cfi_rule(0).kind, UNWIND_UNKNOWN);
	assert_int_equal(cfi_rule(1).kind, UNWIND_UNKNOWN);
	assert_int_equal(cfi_rule(UINT64_MAX).kind, UNWIND_UNKNOWN);
	assert_int_equal(cfi_rule(1ull << 47).kind, UNWIND_UNKNOWN);
	assert_int_equal(cfi_rule((uint64_t)here).kind, UNWIND_UNKNOWN);
	assert_int_equal(cfi_rule((uint64_t)anonymous).kind, UNWIND_UNKNOWN);
	assert_int_equal(cfi_rule((uint64_t)data).kind, UNWIND_UNKNOWN);
	munmap(anonymous, 4096);
}

/* With arguments: these ELF files, and nothing else. */
int main(int argc, const char **argv)
{
	const struct CMUnitTest files[] = {
		cmocka_unit_test(equals_elfutils_in_the_files_that_are_named),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_nothing_of_addresses_without_code),
		cmocka_unit_test(equals_elfutils_in_every_instruction),
		cmocka_unit_test(reads_nothing_of_the_frame_outside),
		cmocka_unit_test(equals_elfutils_in_libc),
		cmocka_unit_test(equals_elfutils_in_the_dynamic_linker),
		cmocka_unit_test(equals_elfutils_in_libm),
		cmocka_unit_test(equals_elfutils_in_libgcc),
		cmocka_unit_test(equals_elfutils_in_libstdcpp),
		cmocka_unit_test(equals_elfutils_in_libunwind),
		cmocka_unit_test(equals_elfutils_in_libdw),
		cmocka_unit_test(equals_elfutils_in_libcrypto),
		cmocka_unit_test(equals_elfutils_in_the_compiler_proper),
	};

	elf_version(EV_CURRENT);
	source = lib_random_start();
	make_some_registers();
	wanted_files = argv + 1;
	if (argc > 1)
		return cmocka_run_group_tests(files, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
