/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood: from some blocks, or from the roots, to all that can be reached from them.
 *
 * What costs is waiting for memory: the block that is read, what the live table says of it, and the
 * marks of those that it points to. All three are known some time before they are needed, and asked for
 * then: blocks stand in the queue, and pointers wait in a ring of their own. Most words are no
 * pointers, and of these most are too small or too large.
 *
 *   Runs in   the copy of the process that a scan works in
 *   Locks     none
 *   Memory    what block_queue takes; no recursion
 *   Calls     openat, pread64 and close for large blocks
 *   Failure   false: there was no memory for the queue
 */
#include "lib/scan/flood.h"

#include "lib/base/syscalls.h"
#include "lib/scan/interior_pointers.h"

#include "lib/base/poison.h"

#define PAGE_BYTES 4096u
/* From this length on it is worth asking which pages of a block exist: the others are zeros. */
#define ASK_FOR_PAGES_BYTES (256u << 10)
/* Of glibc's malloc: a bit beside the size of a chunk; and how much longer than asked for it may be, because
 * it is a multiple of 16 and no rest may be shorter than 32. */
#define CHUNK_IS_MAPPED 2u
#define CHUNK_SPARE 48u
#define PAGE_EXISTS (3ull << 62) /* present or swapped; Documentation/admin-guide/mm/pagemap.rst */
#define PAGES_ASKED 256u
/* How long before its turn a block, and what is known of it, are asked for. */
#define LINE_BYTES 64u
#define BLOCKS_AHEAD 12u
#define WORDS_AHEAD 24u

const struct flood_rule flood_reached = {
	.by_start = {MARK_REACHED, MARK_REACHED, MARK_REACHED, MARK_POSSIBLE, MARK_LEADER,
		     MARK_HEAD, MARK_INDIRECT, MARK_COUNTED},
	.by_interior = {MARK_SEEN, MARK_SEEN, MARK_REACHED, MARK_POSSIBLE, MARK_LEADER, MARK_HEAD,
			MARK_INDIRECT, MARK_COUNTED},
	.spreads = 1u << MARK_REACHED,
	.knows_interiors = true,
	.reads_spare = true,
};

const struct flood_rule flood_possible = {
	.by_start = {MARK_POSSIBLE, MARK_POSSIBLE, MARK_REACHED, MARK_POSSIBLE, MARK_POSSIBLE,
		     MARK_POSSIBLE, MARK_POSSIBLE, MARK_POSSIBLE},
	.by_interior = {MARK_POSSIBLE, MARK_POSSIBLE, MARK_REACHED, MARK_POSSIBLE, MARK_POSSIBLE,
			MARK_POSSIBLE, MARK_POSSIBLE, MARK_POSSIBLE},
	.spreads = 1u << MARK_POSSIBLE,
	.reads_spare = true,
};

bool flood_start(struct flood *flood, struct block_index *index, struct memory_spans constants,
		 bool keeps_paths)
{
	*flood = (struct flood){
		.index = index, .constants = constants, .rule = &flood_reached, .page_map = -1};
	flood->page_map =
		sys_call(SYS_openat, AT_FDCWD, "/proc/self/pagemap", O_RDONLY | O_CLOEXEC, 0);
	return block_queue_start(&flood->queue, index->memory, keeps_paths);
}

void flood_finish(struct flood *flood)
{
	if (flood->page_map >= 0)
		sys_call(SYS_close, flood->page_map);
	flood->page_map = -1;
	block_queue_release(&flood->queue);
}

/* ---- a pointer ------------------------------------------------------------------------------- */

/* Adds a block to the queue: as one more equal step behind the block that points to it, where the
 * pointer lies at the same place in both of two neighbours out of one site. */
static void add_to_queue(struct flood *flood, block_ref ref, struct block_path from)
{
	struct block_queue *queue = &flood->queue;
	struct block_path before;
	uint32_t run;

	if (queue->paths == NULL || (from.up & BLOCK_PATH_ROOT) != 0) {
		block_queue_add(queue, ref, 0, from);
		return;
	}
	before = block_queue_path(queue, from.up);
	run = block_queue_run(queue, from.up);
	if (run > 0 && before.place == from.place &&
	    block_index_stack(flood->index, block_queue_ref(queue, from.up)) ==
		    block_index_stack(flood->index, block_queue_ref(queue, before.up))) {
		block_queue_add(queue, ref, run < BLOCK_QUEUE_RUN_MAX ? run + 1 : run, before);
		return;
	}
	block_queue_add(queue, ref, 1, from);
}

/* Gives the block a mark, and adds it to the queue if that spreads. */
static void give_mark(struct flood *flood, block_ref ref, enum block_mark mark,
		      struct block_path from)
{
	block_index_set_mark(flood->index, ref, mark);
	if ((flood->rule->spreads >> mark & 1) == 0)
		return;
	if (flood->note != NULL)
		flood->note(ref, flood->note_context);
	add_to_queue(flood, ref, from);
}

static bool is_as_good_as_start(const struct flood *flood, block_ref ref, uint64_t value)
{
	struct indexed_block block = block_index_get(flood->index, ref);

	return block.is_readable &&
	       interior_pointer_is_start(&flood->constants, block.addr, block.bytes, value);
}

static void follow(struct flood *flood, const struct flood_pointer *pointer)
{
	const struct flood_rule *rule = flood->rule;
	const struct index_chunk *chunk = block_index_chunk(flood->index, pointer->value);
	enum block_mark mark, next;
	bool is_start;
	block_ref ref = block_index_find(flood->index, chunk, pointer->value, &is_start);

	if (ref == BLOCK_REF_NONE)
		return;
	mark = block_index_mark(flood->index, ref);
	next = is_start ? rule->by_start[mark] : rule->by_interior[mark];
	if (!is_start && rule->knows_interiors && rule->by_start[mark] != mark &&
	    is_as_good_as_start(flood, ref, pointer->value))
		next = rule->by_start[mark];
	if (next != mark)
		give_mark(flood, ref, next, pointer->from);
}

static void follow_first(struct flood *flood)
{
	struct flood_pointer pointer = flood->waiting[flood->first_waiting];

	flood->first_waiting = (flood->first_waiting + 1) % FLOOD_WAITING;
	flood->waiting_count--;
	follow(flood, &pointer);
}

static void wait_for(struct flood *flood, uint64_t value, struct block_path from)
{
	const struct index_chunk *chunk = block_index_chunk(flood->index, value);

	if (chunk == NULL)
		return;
	if (chunk->granules != NULL)
		__builtin_prefetch(&chunk->granules[block_index_granule(value)], 1);
	/* A block that will be read at once, as in a list: it has no time in the queue to be asked for. */
	if (flood->queue.tail - flood->queue.head < BLOCKS_AHEAD) {
		__builtin_prefetch((const void *)value);
		__builtin_prefetch(live_table_word(value & ~7ull));
	}
	if (flood->waiting_count == FLOOD_WAITING)
		follow_first(flood);
	flood->waiting[(flood->first_waiting + flood->waiting_count++) % FLOOD_WAITING] =
		(struct flood_pointer){value, from};
}

/* ---- words ----------------------------------------------------------------------------------- */

/* The words of a root or a block, of which the first one has the place `from.place` in it. */
static void read_words(struct flood *flood, uint64_t start, uint64_t end, struct block_path from)
{
	const uint64_t low = flood->index->low, span = flood->index->high - low;
	const uint64_t *words = (const uint64_t *)start, *last = (const uint64_t *)end;

	for (; words < last; words++, from.place++) {
		/* Once: the page may be shared with another program, which goes on. */
		const uint64_t word = __atomic_load_n(words, __ATOMIC_RELAXED);

		if (__builtin_expect(word - low < span, 0))
			wait_for(flood, word, from);
	}
}

/* The same of a large block, without those pages that the program has never touched. */
static void read_pages(struct flood *flood, uint64_t start, uint64_t end, struct block_path from)
{
	uint64_t exists[PAGES_ASKED];

	while (start < end) {
		uint64_t page = start / PAGE_BYTES, stop;
		uint64_t count = (end + PAGE_BYTES - 1) / PAGE_BYTES - page;
		long got = -1;

		if (count > PAGES_ASKED)
			count = PAGES_ASKED;
		if (flood->page_map >= 0)
			got = sys_call(SYS_pread64, flood->page_map, exists, count * 8, page * 8);
		for (uint64_t i = 0; i < count && start < end; i++) {
			stop = (page + i + 1) * PAGE_BYTES;
			stop = stop < end ? stop : end;
			if (got != (long)(count * 8) || (exists[i] & PAGE_EXISTS) != 0) {
				read_words(flood, start, stop, from);
				flood->block_bytes += stop - start;
			}
			from.place += (uint32_t)((stop - start) / 8);
			start = stop;
		}
	}
}

/* How much of a block the program may use if it asks malloc_usable_size, as far as glibc's malloc says so
 * before it: malloc/malloc.c, struct malloc_chunk. Else what it has asked for. */
static uint64_t usable_bytes(const struct indexed_block *block)
{
	uint64_t size, usable;

	/* Some operators new do not end in malloc, and before a page there may be nothing. */
	if (live_table_has_neighbours || block->addr % 16 != 0 || block->addr % PAGE_BYTES == 0)
		return block->bytes;
	size = ((const uint64_t *)block->addr)[-1];
	usable = (size & ~7ull) - ((size & CHUNK_IS_MAPPED) != 0 ? 16 : 8);
	if (usable < block->bytes ||
	    usable - block->bytes >= ((size & CHUNK_IS_MAPPED) != 0 ? PAGE_BYTES : CHUNK_SPARE))
		return block->bytes;
	return usable;
}

static void read_block(struct flood *flood, block_ref ref, uint32_t place)
{
	struct indexed_block block = block_index_get(flood->index, ref);
	struct block_path from = {.up = place};
	uint64_t start = (block.addr + 7) & ~7ull, end;

	if (flood->classes != NULL)
		site_classes_add_reached(flood->classes, &block);
	if (!block.is_readable)
		return;
	end = (block.addr + (flood->rule->reads_spare ? usable_bytes(&block) : block.bytes)) &
	      ~7ull;
	if (start >= end)
		return;
	if (block.bytes >= ASK_FOR_PAGES_BYTES) {
		read_pages(flood, start, end, from);
		return;
	}
	read_words(flood, start, end, from);
	flood->block_bytes += end - start;
}

/* ---- the queue ------------------------------------------------------------------------------- */

static const struct side_block *side_of(const struct flood *flood, block_ref ref)
{
	return &flood->index->side[ref & ~BLOCK_REF_IS_SIDE];
}

/* All of a small block; of others the processor sees that they are read from one end to the other. */
static void ask_for_block(const struct flood *flood, block_ref ref)
{
	uint64_t addr = ref << 3, bytes = LINE_BYTES;

	if ((ref & BLOCK_REF_IS_SIDE) != 0)
		addr = side_of(flood, ref)->addr;
	else
		bytes = live_word_bytes(*live_table_word(addr));
	for (uint64_t line = addr; line < addr + bytes; line += LINE_BYTES)
		__builtin_prefetch((const void *)line);
}

static void ask_ahead(const struct flood *flood)
{
	const struct block_queue *queue = &flood->queue;
	block_ref ref;

	if (queue->tail - queue->head > WORDS_AHEAD) {
		ref = block_queue_ref(queue, queue->head + WORDS_AHEAD);
		if ((ref & BLOCK_REF_IS_SIDE) != 0) {
			__builtin_prefetch(side_of(flood, ref));
		} else {
			__builtin_prefetch(live_table_word(ref << 3));
			if (flood->index->has_unreadable)
				__builtin_prefetch(block_index_byte(flood->index, ref));
		}
	}
	if (queue->tail - queue->head > BLOCKS_AHEAD)
		ask_for_block(flood, block_queue_ref(queue, queue->head + BLOCKS_AHEAD));
}

static bool drain(struct flood *flood)
{
	struct block_queue *queue = &flood->queue;

	for (;;) {
		while (queue->head != queue->tail && !queue->is_failed) {
			uint32_t place = queue->head;

			ask_ahead(flood);
			read_block(flood, block_queue_take(queue), place);
		}
		if (queue->is_failed)
			return false;
		if (flood->waiting_count == 0)
			break;
		while (flood->waiting_count > 0)
			follow_first(flood);
	}
	block_queue_rewind(queue);
	return true;
}

/* ---- where it begins ------------------------------------------------------------------------- */

static bool is_block(const struct flood *flood, const struct root *root, block_ref *ref)
{
	const struct index_chunk *chunk;
	bool is_start;

	if (root->start != root->end || root->start < flood->index->low ||
	    root->start >= flood->index->high)
		return false;
	chunk = block_index_chunk(flood->index, root->start);
	if (chunk == NULL)
		return false;
	*ref = block_index_find(flood->index, chunk, root->start, &is_start);
	return *ref != BLOCK_REF_NONE && is_start;
}

static void read_root(struct flood *flood, const struct root *root, uint32_t number)
{
	struct block_path from = {.up = BLOCK_PATH_ROOT | number};
	block_ref ref;

	if (is_block(flood, root, &ref)) {
		if (block_index_mark(flood->index, ref) != MARK_REACHED)
			give_mark(flood, ref, MARK_REACHED, from);
		return;
	}
	read_words(flood, root->start, root->end, from);
	flood->root_bytes += root->end - root->start;
}

/* What can be reached from more than one root is held by that which says most: the lowest rank first. A
 * register or a frame that will not be looked at any more may point into the middle of a list, and
 * still the list hangs on its variable. */
#define RANKS 10u
static uint32_t rank_of(enum seep_root_kind kind)
{
	switch (kind) {
	case SEEP_ROOT_MODULE:
		return 0;
	case SEEP_ROOT_REGION:
		return 1;
	case SEEP_ROOT_TLS:
		return 2;
	case SEEP_ROOT_THREAD:
		return 3;
	case SEEP_ROOT_STACK:
		return 5;
	case SEEP_ROOT_REGISTER:
		return 6;
	case SEEP_ROOT_LOADER:
		return 7;
	case SEEP_ROOT_MAPPING:
		return 8;
	case SEEP_ROOT_IGNORED:
		return 9;
	default:
		return 4;
	}
}

bool flood_from_roots(struct flood *flood, const struct root_list *roots)
{
	if (flood->index->block_count == 0)
		return true;
	for (uint32_t rank = 0; rank < RANKS; rank++) {
		for (uint32_t i = 0; i < roots->count && !flood->queue.is_failed; i++)
			if (rank_of(roots->roots[i].kind) == rank)
				read_root(flood, &roots->roots[i], i);
		if (!drain(flood))
			return false;
	}
	return true;
}

bool flood_from_block(struct flood *flood, block_ref ref, enum block_mark mark)
{
	block_index_set_mark(flood->index, ref, mark);
	block_queue_add(&flood->queue, ref, 0, (struct block_path){.up = BLOCK_PATH_ROOT});
	return !flood->queue.is_failed && drain(flood);
}
