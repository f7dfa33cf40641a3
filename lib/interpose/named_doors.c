/* SPDX-License-Identifier: Apache-2.0 */
/*
 * named_doors: doors of an allocator that is linked into the program and whose prefix the user names.
 *
 * As redis has jemalloc: its own calls of je_malloc go straight there, so entry_patch leads them here. All that
 * it has of these functions is followed, or nothing: a free that nobody sees would look like a leak.
 *
 * What the allocator calls of itself while it is in one of them is not the program's: a realloc that
 * ends in its own malloc and free moves one block.
 *
 *   Runs in   the target, in every thread; opened by the constructor
 *   Locks     none of its own
 *   Memory    static; a byte of TLS
 *   Calls     the program's functions; malloc_doors
 *   Failure   as those functions; where they cannot be followed, a reason
 */
#include "lib/interpose/named_doors.h"

#include <stdbool.h>
#include <stdint.h>

#include "lib/interpose/entry_patch.h"
#include "lib/interpose/malloc_doors.h"
#include "lib/interpose/real_functions.h"
#include "lib/record/live_table.h"
#include "lib/record/program_symbols.h"

/* Name, result, parameters. Those with an x are jemalloc's; of its rallocx nobody knows where to. */
#define NAMED_FUNCTIONS(X)                                                                         \
	X(malloc, void *, (size_t))                                                                \
	X(free, void, (void *))                                                                    \
	X(calloc, void *, (size_t, size_t))                                                        \
	X(realloc, void *, (void *, size_t))                                                       \
	X(memalign, void *, (size_t, size_t))                                                      \
	X(aligned_alloc, void *, (size_t, size_t))                                                 \
	X(posix_memalign, int, (void **, size_t, size_t))                                          \
	X(valloc, void *, (size_t))                                                                \
	X(mallocx, void *, (size_t, int))                                                          \
	X(dallocx, void, (void *, int))                                                            \
	X(sdallocx, void, (void *, size_t, int))

enum named_function {
#define NAMED_NUMBER(name, result, parameters) NAMED_##name,
	NAMED_FUNCTIONS(NAMED_NUMBER) NAMED_COUNT
#undef NAMED_NUMBER
};

static struct {
#define NAMED_MEMBER(name, result, parameters) result(*name) parameters;
	NAMED_FUNCTIONS(NAMED_MEMBER)
#undef NAMED_MEMBER
} program;

/* How deep the thread is in the allocator. A handler that leaves it by longjmp has left its locks locked, too. */
static __thread uint8_t depth;

static bool enter(void)
{
	return depth++ == 0;
}

static void *leave(void *ptr)
{
	depth--;
	return ptr;
}

#define NAMED_DOOR __attribute__((noinline)) static

/* `call` returns a block. */
#define ALLOCATE(call, bytes, kind)                                                                \
	({                                                                                         \
		struct caller caller_ = CALLER_HERE();                                             \
		bool is_own_ = enter();                                                            \
		void *ptr_ = leave(call);                                                          \
		is_own_ ? malloc_doors_note(ptr_, bytes, kind, caller_) : ptr_;                    \
	})

/* `call` gives it back. */
#define RELEASE(call, ptr)                                                                         \
	do {                                                                                       \
		if (enter() && (ptr) != NULL)                                                      \
			malloc_doors_forget(ptr, CALLER_HERE());                                   \
		call;                                                                              \
		leave(NULL);                                                                       \
	} while (0)

NAMED_DOOR void *malloc_door(size_t bytes)
{
	return ALLOCATE(program.malloc(bytes), bytes, BLOCK_MALLOC);
}

NAMED_DOOR void free_door(void *ptr)
{
	RELEASE(program.free(ptr), ptr);
}

NAMED_DOOR void *calloc_door(size_t count, size_t bytes)
{
	return ALLOCATE(program.calloc(count, bytes), count * bytes, BLOCK_MALLOC);
}

static void *realloc_inside(void *ptr, size_t bytes)
{
	enter();
	return leave(program.realloc(ptr, bytes));
}

NAMED_DOOR void *realloc_door(void *ptr, size_t bytes)
{
	struct caller caller = CALLER_HERE();

	return depth > 0 ? program.realloc(ptr, bytes)
			 : malloc_doors_reallocate(realloc_inside, ptr, bytes, caller);
}

NAMED_DOOR void *memalign_door(size_t alignment, size_t bytes)
{
	return ALLOCATE(program.memalign(alignment, bytes), bytes, BLOCK_ALIGNED);
}

NAMED_DOOR void *aligned_alloc_door(size_t alignment, size_t bytes)
{
	return ALLOCATE(program.aligned_alloc(alignment, bytes), bytes, BLOCK_ALIGNED);
}

NAMED_DOOR int posix_memalign_door(void **ptr, size_t alignment, size_t bytes)
{
	struct caller caller = CALLER_HERE();
	bool is_own = enter();
	int result = program.posix_memalign(ptr, alignment, bytes);

	leave(NULL);
	if (is_own && result == 0)
		malloc_doors_note(*ptr, bytes, BLOCK_ALIGNED, caller);
	return result;
}

NAMED_DOOR void *valloc_door(size_t bytes)
{
	return ALLOCATE(program.valloc(bytes), bytes, BLOCK_ALIGNED);
}

NAMED_DOOR void *mallocx_door(size_t bytes, int flags)
{
	return ALLOCATE(program.mallocx(bytes, flags), bytes, BLOCK_MALLOC);
}

NAMED_DOOR void dallocx_door(void *ptr, int flags)
{
	RELEASE(program.dallocx(ptr, flags), ptr);
}

NAMED_DOOR void sdallocx_door(void *ptr, size_t bytes, int flags)
{
	RELEASE(program.sdallocx(ptr, bytes, flags), ptr);
}

const char *named_doors_open(const char *prefix)
{
	static struct program_function functions[] = {
#define NAMED_NAME(function, result, parameters) {.name = #function},
		NAMED_FUNCTIONS(NAMED_NAME)
#undef NAMED_NAME
	};
	static const struct {
		uintptr_t door;
		void **original;
	} doors[] = {
#define NAMED_DOOR_OF(name, result, parameters) {(uintptr_t)name##_door, (void **)&program.name},
		NAMED_FUNCTIONS(NAMED_DOOR_OF)
#undef NAMED_DOOR_OF
	};
	struct entry_patch patches[NAMED_COUNT];
	const char *problem;
	size_t count = 0;

	if (!program_symbols_find(prefix, functions, NAMED_COUNT))
		return "the file of the program cannot be read";
	if (functions[NAMED_malloc].addr == 0 || functions[NAMED_free].addr == 0)
		return "there is none with a free, or the symbols are stripped";
	for (size_t i = 0; i < NAMED_COUNT; i++)
		if (functions[i].addr != 0)
			patches[count++] = (struct entry_patch){.addr = functions[i].addr,
								.door = doors[i].door,
								.original = doors[i].original};
	problem = entry_patch_all(patches, count);
	if (problem == NULL) {
		/* Two allocators: nothing is known of what lies before a block, or beside it. Whoever finds the next malloc
		 * thinks of that one alone. */
		real_functions_find();
		live_table_has_neighbours = true;
	}
	return problem;
}
