/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cfi_program: the rule of every row of unwind data in real libraries is elfutils' rule.
 *
 * For each entry of .eh_frame_hdr, each range of addresses with one row: its first and its last
 * address. gcc's compiler proper is mapped by the test itself, for it cannot be loaded; therefore
 * _dl_find_object is replaced (-Wl,--wrap).
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

#include "lib/record/cfi_program.h"

enum { REGISTER_RBP = 6, REGISTER_RSP = 7, REGISTER_RETURN = 16 };
#define MISTAKES_SHOWN 10

/* An ELF file whose segments lie in memory at `bias`. */
struct object {
	const char *path;
	uint64_t bias, start, end;
	const uint8_t *frame_header; /* .eh_frame_hdr in memory */
};

static struct object mapped; /* by us, unknown to the dynamic linker */

int __wrap__dl_find_object(void *pc, struct dl_find_object *result);
int __real__dl_find_object(void *pc, struct dl_find_object *result);

int __wrap__dl_find_object(void *pc, struct dl_find_object *result)
{
	if ((uint64_t)pc < mapped.start || (uint64_t)pc >= mapped.end)
		return __real__dl_find_object(pc, result);
	*result = (struct dl_find_object){.dlfo_map_start = (void *)mapped.start,
					  .dlfo_map_end = (void *)mapped.end,
					  .dlfo_eh_frame = (void *)mapped.frame_header};
	return 0;
}

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
	} else if (count == 1 && ops[0].atom == DW_OP_breg6 && ops[0].number == 0) {
		is_bp_at_bp = true;
	} else if (count != 0) {
		return (struct unwind_rule){.kind = UNWIND_ODD};
	}

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

		if (dwarf_cfi_addrframe(cfi, address, &frame) != 0)
			return;
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
	if (info->dlpi_addr != object->bias || info->dlpi_name[0] == 0)
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

/* 20 MB of code. */
static void equals_elfutils_in_the_compiler_proper(void **state)
{
	FILE *command = popen("gcc -print-prog-name=cc1 2>/dev/null", "r");
	static char path[4096];
	Elf64_Phdr segments[32];
	Elf64_Ehdr file;
	int fd = -1;

	(void)state;
	if (command && fgets(path, sizeof(path), command)) {
		path[strcspn(path, "\n")] = 0;
		fd = open(path, O_RDONLY);
	}
	if (command)
		pclose(command);
	if (fd < 0) {
		print_message("          gcc's cc1 is not installed\n");
		skip();
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_nothing_of_addresses_without_code),
		cmocka_unit_test(equals_elfutils_in_libc),
		cmocka_unit_test(equals_elfutils_in_libm),
		cmocka_unit_test(equals_elfutils_in_libgcc),
		cmocka_unit_test(equals_elfutils_in_libstdcpp),
		cmocka_unit_test(equals_elfutils_in_libunwind),
		cmocka_unit_test(equals_elfutils_in_libdw),
		cmocka_unit_test(equals_elfutils_in_libcrypto),
		cmocka_unit_test(equals_elfutils_in_the_compiler_proper),
	};

	elf_version(EV_CURRENT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
