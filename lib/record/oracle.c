/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle: libunwind in the running program, asked for the callers of a frame one by one.
 *
 * It is opened at run time, so that libseep.so depends on libc alone, and with RTLD_LOCAL, so that
 * its backtrace and _Unwind_ functions interpose nobody's.
 *
 * It walks our own process as if it were another one ("remote"). Its local way does what a guest
 * must not: it reads whatever address a wrong frame leads to, takes the dynamic linker's lock, which
 * a fork in another thread would leave locked in the child for good, and keeps rules in a cache that
 * does not hear of dlclose. Here it reads through access_mem, which asks the kernel first, and gets
 * the table to search from find_proc_info. The search, the unwind data and what follows from them
 * stay its own work. Nothing is cached.
 *
 * Its header is not needed for building, and would not help: what is loaded may be older or newer.
 * What is used of it is the same in 1.2 to 1.8, but for one struct, of which two shapes are tried.
 *
 *   Runs in   the target: at its start; then in whoever compares a capture
 *   Locks     none; libunwind's own, around its memory pools
 *   Memory    libunwind's pools, some pages from mmap; the caller's walk
 *   Calls     dlopen, dlsym, dlerror, _dl_find_object, libunwind
 *   Failure   a sentence when it is opened; later ORACLE_LOST
 */
#include "lib/record/oracle.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/resource.h>

#include "lib/base/syscalls.h"

#include "lib/base/poison.h"

#define PAGE_BYTES 4096u
#define EH_FRAME_HDR_VERSION 1
/* DW_EH_PE_… of Linux Standard Base, Core, 10.5.1, as all linkers write them. */
#define PCREL_SDATA4 0x1b
#define UDATA4 0x03
#define DATAREL_SDATA4 0x3b

/* libunwind's, from libunwind-common.h. */
#define UNW_EBADREG 3
#define UNW_EINVAL 8
#define UNW_ENOINFO 10
#define UNW_CACHE_NONE 0
#define UNW_INFO_FORMAT_REMOTE_TABLE 2

/* unw_dyn_info_t: where the table is that covers an address. Since 1.6 there is an offset, before
 * the members that describe the table. */
struct table_place {
	void *next, *previous;
	uint64_t start, end, gp;
	int32_t format, unused;
	struct {
		uint64_t name, segment_base, words, data;
	} table[2]; /* room for both shapes */
};

struct unwind_space;

/* unw_accessors_t, with room for what later versions add. */
struct accessors {
	int (*find_proc_info)(struct unwind_space *space, uint64_t pc, void *info, int is_full,
			      void *walk);
	void (*put_unwind_info)(struct unwind_space *space, void *info, void *walk);
	int (*get_dyn_info_list_addr)(struct unwind_space *space, uint64_t *list, void *walk);
	int (*access_mem)(struct unwind_space *space, uint64_t addr, uint64_t *word, int is_write,
			  void *walk);
	int (*access_reg)(struct unwind_space *space, int number, uint64_t *word, int is_write,
			  void *walk);
	int (*access_fpreg)(struct unwind_space *space, int number, void *value, int is_write,
			    void *walk);
	int (*resume)(struct unwind_space *space, void *cursor, void *walk);
	void *others[25];
};

#define FUNCTIONS(X)                                                                               \
	X(create_addr_space, struct unwind_space *, (struct accessors *, int))                     \
	X(set_caching_policy, int, (struct unwind_space *, int))                                   \
	X(dwarf_search_unwind_table, int,                                                          \
	  (struct unwind_space *, uint64_t, void *, void *, int, void *))                          \
	X(init_remote, int, (uint64_t *, struct unwind_space *, void *))                           \
	X(step, int, (uint64_t *))                                                                 \
	X(get_reg, int, (uint64_t *, int, uint64_t *))                                             \
	X(is_signal_frame, int, (uint64_t *))

static struct {
	struct unwind_space *space;
	bool has_load_offset; /* in unw_dyn_info_t */
#define MEMBER(name, result, parameters) result(*name) parameters;
	FUNCTIONS(MEMBER)
#undef MEMBER
} libunwind;

/* ---- what libunwind asks us ----------------------------------------------------------------- */

/* With a `how` that does not exist this changes nothing, after having read the signal set. */
static bool is_readable_page(uint64_t page)
{
	return sys_call(SYS_rt_sigprocmask, -1, page, 0, sizeof(uint64_t)) != -14; /* EFAULT */
}

static bool is_readable(struct oracle_walk *walk, uint64_t addr)
{
	uint64_t page = addr & -(uint64_t)PAGE_BYTES;
	uint64_t *known = &walk->pages[page / PAGE_BYTES % ORACLE_PAGES];

	/* The kernel takes the address 0 for no address. */
	if (page == 0)
		return false;
	if (*known == page)
		return true;
	if (!is_readable_page(page))
		return false;
	*known = page;
	return true;
}

static int access_mem(struct unwind_space *space, uint64_t addr, uint64_t *word, int is_write,
		      void *walk)
{
	(void)space;
	if (is_write || !is_readable(walk, addr) || !is_readable(walk, addr + sizeof(*word) - 1))
		return -UNW_EINVAL;
	memcpy(word, (const void *)addr, sizeof(*word));
	return 0;
}

static int access_reg(struct unwind_space *space, int number, uint64_t *word, int is_write,
		      void *walk)
{
	(void)space;
	if (is_write || number < 0 || number >= ORACLE_REGISTER_COUNT)
		return -UNW_EBADREG;
	*word = ((const struct oracle_walk *)walk)->registers.values[number];
	return 0;
}

static int access_fpreg(struct unwind_space *space, int number, void *value, int is_write,
			void *walk)
{
	(void)space, (void)number, (void)value, (void)is_write, (void)walk;
	return -UNW_EBADREG;
}

static int resume(struct unwind_space *space, void *cursor, void *walk)
{
	(void)space, (void)cursor, (void)walk;
	return -UNW_EINVAL;
}

static int get_dyn_info_list_addr(struct unwind_space *space, uint64_t *list, void *walk)
{
	(void)space, (void)list, (void)walk;
	return -UNW_ENOINFO;
}

/* What libunwind knows lies in its pools, and it is gone when the step is. */
static void put_unwind_info(struct unwind_space *space, void *info, void *walk)
{
	(void)space, (void)info, (void)walk;
}

/* The sorted table of a loaded object: version and encodings, where .eh_frame is, how many. */
struct search_header {
	uint8_t version, frame_encoding, count_encoding, table_encoding;
	int32_t frame;
	uint32_t count;
};

static int find_proc_info(struct unwind_space *space, uint64_t pc, void *info, int is_full,
			  void *walk)
{
	const struct search_header *header;
	struct dl_find_object object;
	struct table_place place = {.format = UNW_INFO_FORMAT_REMOTE_TABLE};
	uint64_t *members = (uint64_t *)place.table;

	if (_dl_find_object((void *)pc, &object) != 0 || object.dlfo_eh_frame == NULL)
		return -UNW_ENOINFO;
	header = object.dlfo_eh_frame;
	if (header->version != EH_FRAME_HDR_VERSION || header->frame_encoding != PCREL_SDATA4 ||
	    header->count_encoding != UDATA4 || header->table_encoding != DATAREL_SDATA4)
		return -UNW_ENOINFO;
	place.start = (uint64_t)object.dlfo_map_start;
	place.end = (uint64_t)object.dlfo_map_end;
	members += libunwind.has_load_offset;
	members[1] = (uint64_t)header;	     /* segment_base */
	members[2] = header->count;	     /* words: an entry is one */
	members[3] = (uint64_t)(header + 1); /* data */
	return libunwind.dwarf_search_unwind_table(space, pc, &place, info, is_full, walk);
}

/* ---- what we ask ---------------------------------------------------------------------------- */

void oracle_begin(struct oracle_walk *walk, const struct oracle_registers *from)
{
	walk->registers = *from;
	memset(walk->pages, 0, sizeof(walk->pages));
	memset(walk->cursor, 0, sizeof(walk->cursor));
	libunwind.init_remote(walk->cursor, libunwind.space, walk);
}

enum oracle_step oracle_step(struct oracle_walk *walk, struct oracle_frame *frame)
{
	int result = libunwind.step(walk->cursor);

	if (result < 0)
		return ORACLE_LOST;
	if (result == 0)
		return ORACLE_END;
	if (libunwind.get_reg(walk->cursor, ORACLE_PC, &frame->pc) < 0 ||
	    libunwind.get_reg(walk->cursor, ORACLE_SP, &frame->sp) < 0)
		return ORACLE_LOST;
	frame->is_interrupted = libunwind.is_signal_frame(walk->cursor) > 0;
	return frame->pc == 0 ? ORACLE_END : ORACLE_ON;
}

/* ---- opening -------------------------------------------------------------------------------- */

#define LIBRARY "libunwind-x86_64.so.8"
#define PREFIX "_Ux86_64_"

/* Does it work at all? */
static __attribute__((noinline)) bool finds_our_caller(void)
{
	static struct oracle_walk walk; /* once, in one thread, before anybody else asks */
	struct oracle_registers here = ORACLE_REGISTERS_HERE();
	struct oracle_frame frame;

	oracle_begin(&walk, &here);
	return oracle_step(&walk, &frame) == ORACLE_ON &&
	       frame.pc == (uint64_t)__builtin_return_address(0);
}

/* When it is used for the first time libunwind opens a pipe, which the program would find among its
 * descriptors, for the local way alone. It does without when there is no descriptor left, and opens
 * one when it needs it. */
static bool works_without_descriptors(void)
{
	struct rlimit limit = {0}, none;
	bool is_limited, works;

	sys_call(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &limit);
	none = limit;
	none.rlim_cur = 0;
	is_limited = sys_call(SYS_prlimit64, 0, RLIMIT_NOFILE, &none, 0) == 0;
	libunwind.set_caching_policy(libunwind.space, UNW_CACHE_NONE);
	libunwind.has_load_offset = true;
	works = finds_our_caller();
	if (!works) {
		libunwind.has_load_offset = false;
		works = finds_our_caller();
	}
	if (is_limited)
		sys_call(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, 0);
	return works;
}

const char *oracle_open(void)
{
#if defined(__x86_64__)
	static struct accessors accessors = {
		.find_proc_info = find_proc_info,
		.put_unwind_info = put_unwind_info,
		.get_dyn_info_list_addr = get_dyn_info_list_addr,
		.access_mem = access_mem,
		.access_reg = access_reg,
		.access_fpreg = access_fpreg,
		.resume = resume,
	};
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	bool has_all = true;

	if (library == NULL) {
		/* The next dlerror is the program's. The second call frees the text. */
		dlerror();
		dlerror();
		return "needs " LIBRARY ", which is not installed (Debian and Ubuntu: libunwind8)";
	}
#define FIND(name, result, parameters)                                                             \
	*(void **)&libunwind.name = dlsym(library, PREFIX #name);                                  \
	has_all = has_all && libunwind.name != NULL;
	FUNCTIONS(FIND)
#undef FIND
	if (has_all)
		libunwind.space = libunwind.create_addr_space(&accessors, 0);
	if (libunwind.space == NULL)
		return "cannot use the " LIBRARY " that is installed";
	if (!works_without_descriptors())
		return "does not understand the " LIBRARY " that is installed";
	return NULL;
#else
	return "works on x86_64 only";
#endif
}
