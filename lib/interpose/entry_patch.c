/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry_patch: functions of the program that are entered through doors, whoever calls them.
 *
 * A call inside of a program goes straight to the function; there is no table in between that could be
 * changed. So its first instructions give way to a jump to the door. They are executed elsewhere, followed
 * by a jump to what comes after them: that is how the door calls the function. This is done only where it is
 * certain to be the same: instructions that mean the same anywhere, and no branch of the program that
 * could lead between them.
 *
 * Written through /proc/self/mem, which changes a page that may not be written, as debuggers do: no page of
 * code is ever writable, and where a policy forbids all of it nothing has happened yet.
 *
 *   Runs in   the target, at the start, while it has one thread
 *   Locks     none
 *   Memory    a page near the program
 *   Calls     mmap, mprotect, munmap, openat, pwrite64, close; dl_iterate_phdr
 *   Failure   a reason; the program is as it was
 */
#include "lib/interpose/entry_patch.h"

#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/instruction.h"
#include "lib/base/number_folder.h"
#include "lib/base/syscalls.h"

#include "lib/base/poison.h"

/* jmp to an address up to 2 GiB away, and jmp *(%rip) with the address behind it. */
#define NEAR_JUMP_BYTES 5u
#define FAR_JUMP_BYTES 14u
#define LONG_JUMP_BYTES 6u /* under a condition */
#define PAGE_BYTES 4096u
#define SLOT_BYTES (PAGE_BYTES / ENTRY_PATCH_MAX)
#define ORIGINAL_AT 16u /* in a slot, behind the jump to the door: the bytes that were there */
#define MOVED_AT 32u

_Static_assert(MOVED_AT + NEAR_JUMP_BYTES - 1 + INSTRUCTION_BYTES_MAX + LONG_JUMP_BYTES +
			       2 * FAR_JUMP_BYTES <=
		       SLOT_BYTES,
	       "a function's part of the page");

/* Where a page is looked for: below the program, for its heap grows above it. */
#define NEAR_STEP_BYTES (64u << 10)
#define NEAR_STEPS 4096u

static void put_far_jump(uint8_t *code, uintptr_t addr)
{
	static const uint8_t jump[] = {0xff, 0x25, 0, 0, 0, 0};

	memcpy(code, jump, sizeof(jump));
	memcpy(code + sizeof(jump), &addr, sizeof(addr));
}

/* What makes way for a jump: instructions that mean the same anywhere, and among them perhaps one jump that is
 * taken under a condition. */
struct beginning {
	size_t bytes;	/* of all; 0: it cannot make way */
	size_t jump_at; /* in them */
	struct instruction_jump jump;
};

static struct beginning beginning_of(const uint8_t *code)
{
	struct beginning beginning = {.bytes = 0};
	intptr_t target;

	while (beginning.bytes < NEAR_JUMP_BYTES) {
		size_t more = instruction_movable_bytes(code + beginning.bytes);

		if (more == 0 && beginning.jump.bytes == 0) {
			beginning.jump = instruction_conditional_jump(code + beginning.bytes);
			beginning.jump_at = beginning.bytes;
			more = beginning.jump.bytes;
		}
		if (more == 0)
			return (struct beginning){.bytes = 0};
		beginning.bytes += more;
	}
	/* Over one of them: that will not be there. */
	target = (intptr_t)(beginning.jump_at + beginning.jump.bytes) + beginning.jump.distance;
	if (beginning.jump.bytes != 0 && target > 0 && target < (intptr_t)beginning.bytes)
		beginning.bytes = 0;
	return beginning;
}

struct code_check {
	const struct instruction_span *spans;
	size_t count;
	uintptr_t start, end; /* of the program */
	bool has_all;	      /* every span lies in its code */
	bool is_entered;
};

/* The first object is the program. */
static int check_program(struct dl_phdr_info *info, size_t bytes, void *context)
{
	struct code_check *check = context;
	size_t contained = 0;

	(void)bytes;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + segment->p_vaddr;
		uintptr_t end = start + segment->p_memsz;

		if (segment->p_type != PT_LOAD)
			continue;
		check->start = start < check->start ? start : check->start;
		check->end = end > check->end ? end : check->end;
		if ((segment->p_flags & (PF_R | PF_X)) != (PF_R | PF_X))
			continue;
		for (size_t span = 0; span < check->count; span++)
			contained +=
				check->spans[span].start >= start && check->spans[span].end <= end;
		check->is_entered |= instruction_branches_into((const uint8_t *)start, end - start,
							       check->spans, check->count);
	}
	check->has_all = contained == check->count;
	return 1;
}

/* Null where there is no room for it, so that both ends of the program are near. */
static uint8_t *map_near(const struct code_check *program)
{
	uintptr_t first = program->start & ~(uintptr_t)(NEAR_STEP_BYTES - 1);

	for (uintptr_t step = 1; step <= NEAR_STEPS; step++) {
		uintptr_t wanted = first - step * NEAR_STEP_BYTES;
		long got;

		if (wanted >= first || program->end - wanted > INT32_MAX)
			break;
		got = sys_call(SYS_mmap, wanted, PAGE_BYTES, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (got == (long)wanted)
			return (uint8_t *)wanted;
		/* Linux before 4.17 takes it for a hint. */
		if (!sys_failed(got))
			sys_call(SYS_munmap, got, PAGE_BYTES);
	}
	return NULL;
}

static void count_task(uint32_t number, void *context)
{
	(void)number;
	++*(uint32_t *)context;
}

static bool has_one_thread(void)
{
	uint32_t tasks = 0;

	return number_folder_visit("/proc/self/task", count_task, &tasks) && tasks == 1;
}

/* The beginning of a function, to be executed here, and then the rest of it. */
static void put_beginning(uint8_t *code, uintptr_t addr, const struct beginning *beginning)
{
	const struct instruction_jump *jump = &beginning->jump;
	const uint8_t *original = (const uint8_t *)addr, *end = original + beginning->bytes;
	uint8_t *long_jump = code + beginning->jump_at;

	if (jump->bytes != 0) {
		memcpy(code, original, beginning->jump_at);
		original += beginning->jump_at + jump->bytes;
		long_jump[0] = 0x0f;
		long_jump[1] = 0x80 | jump->condition;
		code = long_jump + LONG_JUMP_BYTES;
	}
	memcpy(code, original, (size_t)(end - original));
	code += end - original;
	put_far_jump(code, (uintptr_t)end);
	code += FAR_JUMP_BYTES;
	if (jump->bytes != 0) {
		int32_t distance = (int32_t)(code - (long_jump + LONG_JUMP_BYTES));

		memcpy(long_jump + 2, &distance, sizeof(distance));
		put_far_jump(code,
			     addr + beginning->jump_at + jump->bytes + (uintptr_t)jump->distance);
	}
}

/* The page as it will be, before anybody may execute it. */
static void fill_page(uint8_t *page, const struct entry_patch *patches,
		      const struct beginning *beginnings, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t *slot = page + i * SLOT_BYTES;

		put_far_jump(slot, patches[i].door);
		memcpy(slot + ORIGINAL_AT, (const void *)patches[i].addr, NEAR_JUMP_BYTES);
		put_beginning(slot + MOVED_AT, patches[i].addr, &beginnings[i]);
	}
}

static bool write_code(long fd, uintptr_t addr, const uint8_t *code)
{
	return sys_call(SYS_pwrite64, fd, code, NEAR_JUMP_BYTES, addr) == NEAR_JUMP_BYTES;
}

static bool write_jumps(uint8_t *page, const struct entry_patch *patches, size_t count)
{
	long fd = sys_call(SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR | O_CLOEXEC, 0);
	size_t written = 0;

	if (fd < 0)
		return false;
	for (; written < count; written++) {
		uint8_t code[NEAR_JUMP_BYTES] = {0xe9};
		int32_t distance = (int32_t)((intptr_t)(page + written * SLOT_BYTES) -
					     (intptr_t)(patches[written].addr + NEAR_JUMP_BYTES));

		memcpy(code + 1, &distance, sizeof(distance));
		if (!write_code(fd, patches[written].addr, code))
			break;
	}
	if (written < count)
		for (size_t i = 0; i < written; i++)
			write_code(fd, patches[i].addr, page + i * SLOT_BYTES + ORIGINAL_AT);
	sys_call(SYS_close, fd);
	return written == count;
}

const char *entry_patch_all(const struct entry_patch *patches, size_t count)
{
	struct instruction_span spans[ENTRY_PATCH_MAX];
	struct code_check check = {.spans = spans, .count = count, .start = UINTPTR_MAX};
	struct beginning beginnings[ENTRY_PATCH_MAX];
	uint8_t *page;

	if (count > ENTRY_PATCH_MAX || !has_one_thread())
		return "threads run already";
	for (size_t i = 0; i < count; i++) {
		beginnings[i] = beginning_of((const uint8_t *)patches[i].addr);
		if (beginnings[i].bytes == 0)
			return "a function begins with instructions that cannot be moved";
		spans[i] = (struct instruction_span){patches[i].addr + 1,
						     patches[i].addr + beginnings[i].bytes};
	}
	dl_iterate_phdr(check_program, &check);
	if (!check.has_all)
		return "a function does not lie in the code of the program";
	if (check.is_entered)
		return "a function may be entered behind its beginning";
	page = map_near(&check);
	if (page == NULL)
		return "there is no room near the program";
	fill_page(page, patches, beginnings, count);
	for (size_t i = 0; i < count; i++)
		*patches[i].original = page + i * SLOT_BYTES + MOVED_AT;
	if (sys_call(SYS_mprotect, page, PAGE_BYTES, PROT_READ | PROT_EXEC) != 0 ||
	    !write_jumps(page, patches, count)) {
		sys_call(SYS_munmap, page, PAGE_BYTES);
		return "the code of the program may not be changed here";
	}
	return NULL;
}
