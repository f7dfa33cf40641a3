/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_tree: every stack that ever allocated, stored once and known by a number.
 *
 * The nodes lie in chunks of 65536; a hash table finds them. A program with many stacks does not find
 * its part of the table in the processor's caches, so waiting for memory is what it costs. Therefore
 * an entry of the table is all there is to look at; where to look depends on the path from the root
 * alone, not on the ids found on the way, so that the entries of all new frames of a stack are asked
 * for before the first is needed; and large tables are made of huge pages.
 *
 * When a table is half full, one four times as large takes its place, filled before anybody sees it;
 * shortly before, where the library has a task of its own for that.
 * The old one's pages are given back, its addresses stay: who still reads there finds nothing. Two
 * threads that add the same node at that time may both succeed: the same stack then has two ids,
 * which the reader of the file joins again.
 *
 *   Runs in   the target, inside malloc, also in signal handlers
 *   Locks     none
 *   Memory    region: 16 bytes a node, 16 bytes of counters (wiped on fork), 32 to 128 of table
 *   Calls     mmap; _dl_find_object when a new frame lies in an unknown module
 *   Failure   CALL_TREE_NO_ROOM for every new stack, counted as lost
 */
#include "lib/record/call_tree.h"

#include "lib/base/invariant.h"
#include "lib/base/region.h"
#include "lib/base/syscalls.h"
#include "lib/record/module_list.h"
#include "lib/record/stack_path.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

#define CHUNK_BITS 16
#define CHUNK_NODES (1u << CHUNK_BITS)
#define CHUNKS (CALL_TREE_NODES_MAX / CHUNK_NODES)
#define TABLES 7u
#define FIRST_TABLE_BITS 13u
#define TABLE_GROWTH_BITS 2u
#define PROBES_MAX 64u
#define HUGE_BYTES (2u << 20) /* tables from this size on */

/* Its node's key and id. Both words are written at once, and once only. */
struct entry {
	_Alignas(16) _Atomic(uint64_t) pc;
	_Atomic(uint64_t) node; /* generation, 16 bits | parent, 24 | id, 24; 0: empty */
};

#define ID_BITS 24
#define ID_MASK ((1ull << ID_BITS) - 1)
#define GENERATION_SHIFT (2 * ID_BITS)
#define GENERATION_MASK 0xffffu /* the node has all of it */

_Static_assert(CALL_TREE_NODES_MAX == 1u << ID_BITS, "an id fits into an entry");

struct table {
	struct entry *entries;
	uint32_t bits;
	_Atomic(uint32_t) used;
};

static struct call_node *node_chunks[CHUNKS];
static struct site_counters *counter_chunks[CHUNKS];
static _Atomic(uint32_t) node_count;
static _Atomic(uint32_t) node_limit = CALL_TREE_NODES_MAX;
static struct table tables[TABLES];
struct stack_path_table stack_path_table;
static _Atomic(uint32_t) table_count;

/* An entry's node without the id. */
static inline uint64_t key_of(uint32_t parent, uint32_t generation)
{
	return (uint64_t)(generation & GENERATION_MASK) << GENERATION_SHIFT | (uint64_t)parent
										      << ID_BITS;
}

static struct call_node *node_at(uint32_t id)
{
	return &node_chunks[id >> CHUNK_BITS][id & (CHUNK_NODES - 1)];
}

/* Publishes a new mapping in *place, or gives it back when another thread was faster. */
static bool map_once(void **place, size_t bytes, enum region_fork fork)
{
	void *none = NULL, *start;

	if (__atomic_load_n(place, __ATOMIC_ACQUIRE) != NULL)
		return true;
	start = region_map(bytes, fork);
	if (start == NULL)
		return false;
	if (!__atomic_compare_exchange_n(place, &none, start, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		region_unmap(start, bytes);
	return true;
}

static bool map_chunk(uint32_t chunk)
{
	return map_once((void **)&node_chunks[chunk], CHUNK_NODES * sizeof(struct call_node),
			REGION_KEPT_ON_FORK) &&
	       map_once((void **)&counter_chunks[chunk], CHUNK_NODES * sizeof(struct site_counters),
			REGION_WIPED_ON_FORK);
}

static struct entry *entry_at(const struct table *table, uint64_t place)
{
	return &table->entries[place & ((1ull << table->bits) - 1)];
}

/* What an entry of the table leads to. */
static bool is_node(uint32_t id, uint32_t parent, uint64_t pc, uint32_t generation)
{
	struct call_node node = call_tree_node(id);

	return id < call_tree_count() && parent < id && node.pc == pc && node.parent == parent &&
	       node.generation == generation;
}

/* The id of the node, or 0. Stores in *free_entry where it belongs in this table, if there is room. */
static uint32_t find_in(const struct table *table, uint64_t path, uint32_t parent, uint64_t pc,
			uint32_t generation, struct entry **free_entry)
{
	uint64_t key = key_of(parent, generation);

	*free_entry = NULL;
	for (uint32_t probe = 0; probe < PROBES_MAX; probe++) {
		struct entry *entry = entry_at(table, path + probe);
		uint64_t node = atomic_load_explicit(&entry->node, memory_order_acquire);

		if (node == 0) {
			*free_entry = entry;
			return 0;
		}
		if ((node & ~ID_MASK) == key &&
		    atomic_load_explicit(&entry->pc, memory_order_relaxed) == pc &&
		    (generation <= GENERATION_MASK ||
		     node_at(node & ID_MASK)->generation == generation)) {
			INVARIANT(is_node(node & ID_MASK, parent, pc, generation), node, pc);
			return node & ID_MASK;
		}
	}
	return 0;
}

/* Fills an empty entry; false when another thread was faster. */
static bool fill(struct entry *entry, uint64_t pc, uint64_t node)
{
#ifdef __x86_64__
	/* gcc and clang make a call to libatomic of the builtin, each for other reasons. */
	uint64_t old_pc = 0, old_node = 0;
	bool is_filled;

	__asm__ volatile("lock cmpxchg16b %1"
			 : "=@ccz"(is_filled), "+m"(*(unsigned __int128 *)entry), "+a"(old_pc),
			   "+d"(old_node)
			 : "b"(pc), "c"(node)
			 : "memory");
	return is_filled;
#else
	return __sync_bool_compare_and_swap((unsigned __int128 *)entry, 0,
					    (unsigned __int128)node << 64 | pc);
#endif
}

/* Puts the node into the table, if nobody else has. The id that is there now; 0: there is no room. */
static uint32_t put_in(struct table *table, uint64_t path, const struct call_node *node,
		       uint32_t id)
{
	for (;;) {
		struct entry *entry;
		uint32_t found =
			find_in(table, path, node->parent, node->pc, node->generation, &entry);

		if (found != 0 || entry == NULL)
			return found;
		if (fill(entry, node->pc, key_of(node->parent, node->generation) | id)) {
			atomic_fetch_add(&table->used, 1);
			return id;
		}
	}
}

static bool is_half_full(const struct table *table)
{
	return atomic_load_explicit(&table->used, memory_order_relaxed) >> (table->bits - 1) != 0;
}

/* Time for the next table: when this one has just become half full, and again and again while that
 * does not succeed; not each time, for one thread is enough. */
static bool is_to_grow(const struct table *table)
{
	uint32_t used = atomic_load_explicit(&table->used, memory_order_relaxed);

	return used >> (table->bits - 1) != 0 && used % (1u << (table->bits - 5)) == 0;
}

/* A little earlier. */
static bool is_to_grow_soon(const struct table *table)
{
	return atomic_load_explicit(&table->used, memory_order_relaxed) >= 3u << (table->bits - 3);
}

/* Nodes that may be added while a table is being made. */
#define LATE_NODES 65536u

/* What making a table needs to know of the nodes: the path of each. 0: not known yet. */
struct paths {
	uint64_t *of;
	uint32_t known, room; /* looked at: ids below `known` */
};

static uint64_t path_to(struct paths *paths, uint32_t id)
{
	if (id != CALL_TREE_ROOT && paths->of[id] == 0) {
		struct call_node node = call_tree_node(id);

		/* Somebody may still be filling it; then nobody has children of it either. */
		if (node.pc != 0 && node.parent < id)
			paths->of[id] = stack_path_of(path_to(paths, node.parent), node.pc,
						      node.generation);
	}
	return paths->of[id];
}

/* Puts the nodes from `first` on into `table` that the one before it has. Stops where the table is
 * full, for half full is full: there may not have been memory for this one for a long time. */
static void take_over(struct table *table, const struct table *before, struct paths *paths,
		      uint32_t first)
{
	/* In this order nearly every parent is known before its children. */
	for (; paths->known < call_tree_count() && paths->known < paths->room; paths->known++)
		path_to(paths, paths->known);
	for (uint64_t i = 0; i < 1ull << before->bits && !is_half_full(table); i++) {
		uint64_t entry =
			atomic_load_explicit(&before->entries[i].node, memory_order_acquire);
		uint32_t id = entry & ID_MASK;
		struct call_node node;

		if (entry == 0 || id < first || id >= paths->known)
			continue;
		node = call_tree_node(id);
		put_in(table, path_to(paths, id), &node, id);
	}
}

/* Makes the table the newest, once it has its entries; false when it has none. Also for another
 * thread that has just given it some: a child that was forked at this instant does not have that
 * thread. */
static bool publish(uint32_t index)
{
	const struct entry *entries = __atomic_load_n(&tables[index].entries, __ATOMIC_ACQUIRE);
	uint32_t before = index;

	if (entries != NULL && atomic_compare_exchange_strong(&table_count, &before, index + 1)) {
		atomic_store(&stack_path_table.entries, (const char *)entries);
		atomic_store(&stack_path_table.mask, (1ull << tables[index].bits) - 1);
	}
	return entries != NULL;
}

/*
 * Makes the next table and publishes it with everything that the one before it has. Others go on
 * adding to that; who does looks afterwards whether there is a newer one, so either we see his node
 * or he sees our table. What somebody else needs before we have seen it gets a twin.
 */
static bool map_table(uint32_t index)
{
	uint32_t count = call_tree_count();
	struct paths paths = {.room = count + LATE_NODES};
	struct table table = {.bits = FIRST_TABLE_BITS + index * TABLE_GROWTH_BITS};
	size_t bytes = sizeof(struct entry) << table.bits;
	struct entry *none = NULL;

	if (publish(index))
		return true;
	paths.of = region_map(paths.room * sizeof(uint64_t), REGION_KEPT_ON_FORK);
	table.entries = paths.of == NULL ? NULL : region_map(bytes, REGION_KEPT_ON_FORK);
	if (table.entries == NULL)
		goto out;
	if (bytes >= HUGE_BYTES)
		region_use_huge_pages(table.entries, bytes);
	if (index > 0) {
		take_over(&table, &tables[index - 1], &paths, 0);
		take_over(&table, &tables[index - 1], &paths, count);
	}
	tables[index].bits = table.bits;
	if (!__atomic_compare_exchange_n(&tables[index].entries, &none, table.entries, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		region_unmap(table.entries, bytes); /* another thread was faster */
		goto out;
	}
	atomic_fetch_add(&tables[index].used, table.used);
	publish(index);
	if (index > 0) {
		take_over(&tables[index], &tables[index - 1], &paths, count);
		region_forget(tables[index - 1].entries, sizeof(struct entry)
								 << tables[index - 1].bits);
	}
out:
	if (paths.of != NULL)
		region_unmap(paths.of, paths.room * sizeof(uint64_t));
	return publish(index);
}

/* The only thing that is ever done with an entry is to find it: from the path of its node on, without
 * a gap, as the first of its key. */
static void verify_table(const struct table *table, struct paths *paths)
{
	uint64_t filled = 0;

	for (uint64_t i = 0; i < 1ull << table->bits; i++) {
		uint64_t entry = atomic_load(&table->entries[i].node);
		uint32_t id = entry & ID_MASK;
		struct call_node node;
		struct entry *free_entry;

		if (entry == 0)
			continue;
		filled++;
		INVARIANT(id != CALL_TREE_ROOT && id < paths->room, id, paths->room);
		node = call_tree_node(id);
		INVARIANT(entry == (key_of(node.parent, node.generation) | id), entry, id);
		INVARIANT(atomic_load(&table->entries[i].pc) == node.pc, i, id);
		INVARIANT(find_in(table, path_to(paths, id), node.parent, node.pc, node.generation,
				  &free_entry) == id,
			  i, id);
	}
	/* Who was killed between the two had not counted his entry. */
	INVARIANT(atomic_load(&table->used) <= filled, table->used, filled);
}

void call_tree_verify(void)
{
	uint32_t count = call_tree_count(), tables_made = atomic_load(&table_count);
	struct paths paths = {.room = count};

	if (!INVARIANTS_ARE_CHECKED)
		return;
	INVARIANT(call_tree_node(CALL_TREE_ROOT).pc == 0, call_tree_node(CALL_TREE_ROOT).pc, 0);
	for (uint32_t id = CALL_TREE_FIRST; id < count; id++) {
		struct call_node node = call_tree_node(id);

		/* One that was never filled, because its thread is gone, has no children. */
		if (node.pc == 0)
			continue;
		INVARIANT(node.parent < id, node.parent, id);
		INVARIANT(node.parent == CALL_TREE_ROOT || call_tree_node(node.parent).pc != 0,
			  node.parent, id);
	}
	paths.of = region_map(((size_t)count + 1) * sizeof(uint64_t), REGION_KEPT_ON_FORK);
	if (paths.of == NULL)
		return; /* the table stays unverified: it takes memory that is not there */
	verify_table(&tables[tables_made - 1], &paths);
	region_unmap(paths.of, ((size_t)count + 1) * sizeof(uint64_t));
}

bool call_tree_start(void)
{
	if (!map_chunk(0) || !map_table(0))
		return false;
	*node_at(CALL_TREE_NESTED) = (struct call_node){.pc = SEEP_PC_NESTED};
	*node_at(CALL_TREE_NO_ROOM) = (struct call_node){.pc = SEEP_PC_NO_ROOM};
	atomic_store_explicit(&node_count, CALL_TREE_FIRST, memory_order_release);
	return true;
}

void call_tree_prepare(void)
{
	uint32_t newest = atomic_load(&table_count) - 1;

	if (newest + 1 < TABLES && is_to_grow_soon(&tables[newest]))
		map_table(newest + 1);
}

void call_tree_limit(uint64_t nodes)
{
	if (nodes < CALL_TREE_NODES_MAX)
		atomic_store(&node_limit, (uint32_t)nodes);
}

uint32_t call_tree_count(void)
{
	uint32_t count = atomic_load_explicit(&node_count, memory_order_acquire);

	return count < CALL_TREE_NODES_MAX ? count : CALL_TREE_NODES_MAX;
}

struct call_node call_tree_node(uint32_t id)
{
	const struct call_node *chunk =
		__atomic_load_n(&node_chunks[id >> CHUNK_BITS], __ATOMIC_ACQUIRE);
	struct call_node node = {0};

	if (chunk == NULL)
		return node;
	node.pc = __atomic_load_n(&chunk[id & (CHUNK_NODES - 1)].pc, __ATOMIC_ACQUIRE);
	node.parent = chunk[id & (CHUNK_NODES - 1)].parent;
	node.generation = chunk[id & (CHUNK_NODES - 1)].generation;
	return node;
}

struct site_counters *call_tree_counters(uint32_t id)
{
	static struct site_counters nowhere; /* an id that is being made has no chunk yet */
	struct site_counters *chunk =
		__atomic_load_n(&counter_chunks[id >> CHUNK_BITS], __ATOMIC_ACQUIRE);

	return chunk == NULL ? &nowhere : &chunk[id & (CHUNK_NODES - 1)];
}

static uint32_t new_node(const struct call_node *node)
{
	uint32_t id = atomic_load_explicit(&node_count, memory_order_relaxed);

	/* The chunk first: an id below the count always has its memory. */
	do {
		if (id >= atomic_load_explicit(&node_limit, memory_order_relaxed) ||
		    !map_chunk(id >> CHUNK_BITS))
			return 0;
	} while (!atomic_compare_exchange_weak(&node_count, &id, id + 1));
	INVARIANT(node->pc != 0 && node->parent < id, node->parent, id);
	INVARIANT(node_at(id)->pc == 0, node_at(id)->pc, id);
	node_at(id)->parent = node->parent;
	node_at(id)->generation = node->generation;
	__atomic_store_n(&node_at(id)->pc, node->pc, __ATOMIC_RELEASE);
	if (node->pc >= SEEP_PC_LIMIT && !module_list_knows(node->pc))
		module_list_note(node->pc);
	return id;
}

static __attribute__((noinline)) uint32_t add_child_slow(uint32_t parent, uint64_t pc,
							 uint32_t generation, uint64_t path)
{
	const struct call_node node = {.pc = pc, .parent = parent, .generation = generation};
	uint32_t id = new_node(&node);

	if (id == 0)
		return CALL_TREE_NO_ROOM;
	for (;;) {
		uint32_t newest = atomic_load(&table_count) - 1;
		/* When another thread was faster, our node stays as an unused twin. */
		uint32_t found = put_in(&tables[newest], path, &node, id);

		if (found == 0 && (newest + 1 >= TABLES || !map_table(newest + 1)))
			return id; /* not found again: the same stack will get another id */
		if (found != 0 && is_to_grow(&tables[newest]) && newest + 1 < TABLES)
			map_table(newest + 1);
		if (found != 0 && atomic_load(&table_count) - 1 == newest)
			return found;
	}
}

static __attribute__((noinline)) uint32_t child_of_slow(uint32_t parent, uint64_t pc, uint64_t path,
							uint32_t generation)
{
	uint32_t newest = atomic_load_explicit(&table_count, memory_order_acquire) - 1;
	struct entry *free_entry;
	uint32_t id = find_in(&tables[newest], path, parent, pc, generation, &free_entry);

	return id != 0 ? id : add_child_slow(parent, pc, generation, path);
}

#define PLACES_NEAR 4u /* one or two lines of the processor's caches */

/* Leaves for the slow half when the node is in none of its first places. */
static inline uint32_t child_of(const struct table *table, uint32_t parent, uint64_t pc,
				uint32_t generation, uint64_t path)
{
	uint64_t key = key_of(parent, generation);

	for (uint32_t probe = 0; probe < PLACES_NEAR; probe++) {
		const struct entry *entry = entry_at(table, path + probe);
		uint64_t node = atomic_load_explicit(&entry->node, memory_order_acquire);

		/* First: it has the key of a frame without parent, and its pc may be written by now. */
		if (__builtin_expect(node == 0, 0))
			break;
		if (__builtin_expect(
			    (node & ~ID_MASK) == key &&
				    atomic_load_explicit(&entry->pc, memory_order_relaxed) == pc &&
				    generation <= GENERATION_MASK,
			    1)) {
			INVARIANT(is_node(node & ID_MASK, parent, pc, generation), node, pc);
			return node & ID_MASK;
		}
	}
	return child_of_slow(parent, pc, path, generation);
}

__attribute__((noinline)) uint32_t call_tree_stack_slow(struct stack_trace *trace,
							uint64_t pseudo_pc)
{
	uint32_t newest = atomic_load_explicit(&table_count, memory_order_acquire) - 1;
	const struct table *table = &tables[newest];
	uint32_t node = CALL_TREE_ROOT;
	uint64_t path = STACK_PATH_ROOT;

	if (trace->noded > 0) {
		node = trace->frames[trace->noded - 1].node;
		path = trace->frames[trace->noded - 1].path;
	} else if (trace->is_cut) {
		path = stack_path_of(path, SEEP_PC_CUT, 0);
		node = child_of(table, node, SEEP_PC_CUT, 0, path);
	}
	while (trace->noded < trace->count && node != CALL_TREE_NO_ROOM) {
		struct stack_frame *frame = &trace->frames[trace->noded];
		uint32_t generation = module_list_generation(frame->pc);

		/* The path once more: since the capture the generation may have changed. */
		path = stack_path_of(path, frame->pc, generation);
		node = child_of(table, node, frame->pc, generation, path);
		if (__builtin_expect(frame->flags & FRAME_IS_SIGNAL, 0) &&
		    node != CALL_TREE_NO_ROOM) {
			path = stack_path_of(path, SEEP_PC_SIGNAL, 0);
			node = child_of(table, node, SEEP_PC_SIGNAL, 0, path);
		}
		if (node == CALL_TREE_NO_ROOM)
			return node;
		frame->path = path;
		frame->node = node;
		trace->noded++;
	}
	return pseudo_pc != 0 && node != CALL_TREE_NO_ROOM
		       ? child_of(table, node, pseudo_pc, 0, stack_path_of(path, pseudo_pc, 0))
		       : node;
}
