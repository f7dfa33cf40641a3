/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_scan_heap: blocks on real memory, in the real live table, and what a scan says of them.
 */
#include "tests/support/lib_scan_heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/record/live_table.h"
#include "tests/support/lib_life.h"

#define PLACE 0x7a0000000000ull
#define FIRST_STACK 10u
#define OWN_ROOTS 16u

struct own_block {
	uint64_t addr, bytes;
	uint32_t stack;
};

uint64_t lib_scan_root[LIB_SCAN_ROOTS];
struct root_list lib_scan_roots;
struct scan_question lib_scan_question;
struct scan_memory lib_scan_memory;
struct scan_answer lib_scan_answer;

static struct root roots[OWN_ROOTS];
static struct memory_span readable;
static uint64_t heap_bytes, used;
static struct own_block *blocks;
static uint64_t block_count, block_room;
static uint32_t next_stack;

static void check(bool is_true, const char *what)
{
	if (is_true)
		return;
	fprintf(stderr, "lib_scan_heap: %s\n", what);
	abort();
}

void lib_scan_heap_start(uint64_t bytes)
{
	lib_life_start();
	check(mmap((void *)PLACE, bytes, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
		   0) == (void *)PLACE,
	      "the place of the heap is taken");
	heap_bytes = bytes;
	used = 0;
	next_stack = FIRST_STACK;
	memset(lib_scan_root, 0, sizeof(lib_scan_root));
	readable = (struct memory_span){PLACE, PLACE + bytes};
	lib_scan_roots = (struct root_list){.roots = roots, .room = OWN_ROOTS};
	lib_scan_add_root(SEEP_ROOT_MODULE, lib_scan_root, lib_scan_root + LIB_SCAN_ROOTS);
	lib_scan_memory = (struct scan_memory){.limit = 4ull << 30};
	lib_scan_question = (struct scan_question){
		.turn = SCAN_ONLY,
		.roots = &lib_scan_roots,
		.readable = {&readable, 1},
		.before_epoch = LIB_SCAN_EPOCH + 1,
		.seed = 1,
	};
}

void lib_scan_heap_end(void)
{
	while (block_count > 0)
		lib_scan_forget((void *)blocks[block_count - 1].addr,
				blocks[block_count - 1].bytes);
	munmap((void *)PLACE, heap_bytes);
	scan_answer_release(&lib_scan_answer, &lib_scan_memory);
	check(lib_scan_memory.bytes == 0, "a scan has kept memory");
}

static uint64_t *add(uint64_t addr, uint64_t bytes, uint32_t stack, uint32_t epoch)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct live_block block = {
		.bytes = bytes, .stack = stack, .epoch = epoch, .kind = BLOCK_MALLOC};
	struct live_block old;

	check(addr + bytes <= PLACE + heap_bytes, "the heap is full");
	check(live_table_add(&guard, addr, &block, &old) == LIVE_TABLE_ADDED,
	      "there is a block already");
	if (block_count == block_room) {
		block_room = block_room == 0 ? 1024 : block_room * 2;
		blocks = realloc(blocks, block_room * sizeof(*blocks));
		check(blocks != NULL, "no memory");
	}
	blocks[block_count++] = (struct own_block){addr, bytes, stack};
	if (stack >= next_stack)
		next_stack = stack + 1;
	return (uint64_t *)addr;
}

uint64_t *lib_scan_block_of(uint64_t bytes, uint32_t stack, uint32_t epoch)
{
	uint64_t place = used;

	/* As glibc: a header of 8 bytes, multiples of 16, at least 32. */
	used += bytes < 24 ? 32 : (bytes + 8 + 15) & ~15ull;
	return add(PLACE + place, bytes, stack, epoch);
}

uint64_t *lib_scan_block(uint64_t bytes)
{
	return lib_scan_block_of(bytes, next_stack, LIB_SCAN_EPOCH);
}

uint64_t *lib_scan_block_at(uint64_t offset, uint64_t bytes)
{
	uint64_t *block = add(PLACE + offset, bytes, next_stack, LIB_SCAN_EPOCH);

	lib_scan_skip_to((offset + bytes + 31) & ~31ull);
	return block;
}

void lib_scan_skip_to(uint64_t offset)
{
	if (offset > used)
		used = offset;
}

uint64_t lib_scan_used(void)
{
	return used;
}

uint32_t lib_scan_last_stack(void)
{
	return blocks[block_count - 1].stack;
}

static struct own_block *find(const void *block)
{
	for (uint64_t i = block_count; i > 0; i--)
		if (blocks[i - 1].addr == (uint64_t)block)
			return &blocks[i - 1];
	check(false, "no such block");
	return NULL;
}

uint32_t lib_scan_stack(const void *block)
{
	return find(block)->stack;
}

void lib_scan_forget(const void *block, uint64_t bytes)
{
	GUARD_SCOPE struct guard guard = guard_enter();
	struct own_block *own = find(block);
	struct live_block removed;

	check(live_table_remove(&guard, own->addr, &removed) && removed.bytes == bytes,
	      "the block is not in the table");
	*own = blocks[--block_count];
}

struct root *lib_scan_add_root(enum seep_root_kind kind, const void *start, const void *end)
{
	struct root *root = &roots[lib_scan_roots.count];

	check(lib_scan_roots.count < OWN_ROOTS, "too many roots");
	*root = (struct root){.start = (uint64_t)start,
			      .end = (uint64_t)end,
			      .kind = kind,
			      .thread = ROOT_OF_NONE,
			      .module = ROOT_OF_NONE,
			      .name = ""};
	lib_scan_roots.count++;
	return root;
}

enum seep_scan_outcome lib_scan(void)
{
	enum seep_scan_outcome outcome;

	scan_answer_release(&lib_scan_answer, &lib_scan_memory);
	lib_scan_question.stack_count = next_stack;
	lib_scan_memory.most = 0;
	outcome = scan_answer_find(&lib_scan_question, &lib_scan_memory, &lib_scan_answer);
	return outcome;
}

struct seep_scan lib_scan_head(void)
{
	struct seep_scan head;

	check(lib_scan_answer.scan.bytes >= sizeof(head), "there is no answer");
	memcpy(&head, lib_scan_answer.scan.start, sizeof(head));
	return head;
}

struct lib_scan_site lib_scan_site(uint32_t stack)
{
	const struct payload *payload = &lib_scan_answer.scan;
	struct lib_scan_site site = {0};
	struct seep_scan head = lib_scan_head();
	uint64_t place = head.struct_bytes, at = 0;

	for (uint32_t i = 0; i < head.site_count; i++) {
		at += payload_take_varint(payload, &place);
		for (uint32_t c = 0; c < 5; c++) {
			site.blocks[c] = payload_take_varint(payload, &place);
			site.bytes[c] = payload_take_varint(payload, &place);
		}
		site.head_stack = payload_take_varint(payload, &place);
		if (at == stack)
			return site;
	}
	return (struct lib_scan_site){0};
}

enum lib_scan_class lib_scan_class(const void *block)
{
	struct lib_scan_site site = lib_scan_site(lib_scan_stack(block));
	enum lib_scan_class class = LIB_SCAN_ABSENT;

	for (uint32_t c = 0; c < 4; c++) {
		if (site.blocks[c] == 0)
			continue;
		class = class == LIB_SCAN_ABSENT ? (enum lib_scan_class)(c + 1) : LIB_SCAN_MIXED;
	}
	return class;
}
