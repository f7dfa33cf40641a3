/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module_list: every object that is or was loaded, and which addresses have changed hands.
 *
 * A program counter names a line of source only together with the module that lay there at the
 * time. So the list is append-only, and addresses that were unloaded get a higher generation: the
 * same pc in another generation is another frame of the call tree and another unwind rule. A module
 * that comes back to where it was gets its own generation again, if nothing else was there.
 */
#ifndef LIB_RECORD_MODULE_LIST_H
#define LIB_RECORD_MODULE_LIST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define MODULE_BUILD_ID_MAX 64

struct loaded_module {
	uint64_t load_bias, start, end;
	uint64_t dynamic;  /* address of its dynamic section: tells apart modules that follow each
			   * other at one address */
	uint64_t link_map; /* the dynamic linker's block for it */
	uint32_t generation;
	uint32_t loaded_epoch;
	_Atomic(uint32_t) unloaded_epoch; /* 0 while loaded */
	uint32_t flags;			  /* SEEP_MODULE_… of the file format */
	uint32_t tls_number; /* by which a thread's table finds its thread-local data; 0: it has none,
			      * or that is not known */
	uint64_t tls_bytes;
	uint16_t build_id_bytes;
	uint8_t build_id[MODULE_BUILD_ID_MAX];
	uint32_t seen;	  /* number of the last look that found it; protected by the lock */
	bool is_listed;	  /* by dl_iterate_phdr: in our namespace; protected by the lock */
	const char *path; /* a copy of our own */
};

/* Looks at what is loaded now; call in a thread of the target, outside of any lock but the dynamic
 * linker's own. Cheap when nothing has changed. */
void module_list_refresh(void);

/* Adds the module that this address lies in, if there is one and it is not known. For malloc: takes
 * no lock of the dynamic linker. */
void module_list_note(uint64_t pc);

/* Modules seen so far; entries below the count never move. */
uint32_t module_list_count(void);
const struct loaded_module *module_list_at(uint32_t index);

/* Rises with each change of what is loaded. */
uint32_t module_list_version(void);

/* 0 until something is unloaded. Then twice a number that rises each time; and one more while a dlclose is
 * at work in some thread. Until that has been looked at, another thread may be in a module that lies
 * where the list has the old one: nothing that was kept for an address can be believed, and nothing is
 * kept. */
extern _Atomic(uint32_t) module_list_unloads;

static inline bool module_list_is_certain(uint32_t unloads)
{
	return (unloads & 1) == 0;
}

/* Around a dlclose; the second one gets what the first has returned. */
bool module_list_begin_close(void);
void module_list_end_close(bool has_looked);

/* Something has gone or come to where something was: drops all rules and traces. */
void module_list_count_unload(void);

/* The generation of code that lies in no module where one was unloaded: no module ever has it. */
#define MODULE_LIST_NO_MODULE 0x10000u

uint32_t module_list_generation_slow(uint64_t pc);

/* The generation of the module that the address lies in, whether or not the list has it yet. Leaves for
 * the slow half from the first unload on: no address is far enough from those that were unloaded that
 * a module could not cover both. */
static inline uint32_t module_list_generation(uint64_t pc)
{
	if (__builtin_expect(atomic_load_explicit(&module_list_unloads, memory_order_acquire) == 0,
			     1))
		return 0;
	return module_list_generation_slow(pc);
}

/*
 * A block is about to be freed, perhaps a link map: then its module has been unloaded, by dlclose or in a
 * way that passes no door of ours, as libc does it for iconv, and dlclose called by a library that was
 * loaded with RTLD_DEEPBIND. The dynamic linker frees it through the program's free, under its own locks:
 * when it has unmapped the module and before it can map another one (_dl_close_worker in
 * elf/dl-close.c). A link map is a block of more than 1 KiB.
 */
#define MODULE_LIST_LINK_MAP_BITS 12
extern _Atomic(uint64_t) module_list_link_maps[(1u << MODULE_LIST_LINK_MAP_BITS) / 64];
void module_list_forget_slow(uint64_t link_map);

static inline uint32_t module_list_link_map_bit(uint64_t addr)
{
	return (uint32_t)addr * 0x9e3779b1u >> (32 - MODULE_LIST_LINK_MAP_BITS);
}

static inline void module_list_forget(uint64_t addr)
{
	uint32_t bit = module_list_link_map_bit(addr);

	if (__builtin_expect(
		    atomic_load_explicit(&module_list_link_maps[bit / 64], memory_order_relaxed) >>
				    bit % 64 &
			    1,
		    0))
		module_list_forget_slow(addr);
}

/* True when a module that we know covers the address. */
bool module_list_knows(uint64_t pc);

/* Of a debug build: who comes later to an address has a higher generation and finds the place free.
 * Of several callers at a time one does it. */
void module_list_verify(void);

/* The thread has left what it was doing to the list, see recorder_leave. */
void module_list_leave(uint32_t tid);

void module_list_postfork_child(void);

#endif
