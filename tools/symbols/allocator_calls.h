/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocator_calls: which function of malloc's family, or which operator of C++, a module calls where.
 *
 * A stack says from where free was called, not by which name: operator delete[] jumps to operator delete, and
 * that to free. The name stands in the call itself: its target is a slot of the module's table (GOT), directly
 * or by way of a stub (PLT), and a relocation says whose address the dynamic linker puts there. Any other call,
 * through a register or to a function of the module itself, is not known.
 */
#ifndef SEEP_SYMBOLS_ALLOCATOR_CALLS_H
#define SEEP_SYMBOLS_ALLOCATOR_CALLS_H

#include <stdbool.h>
#include <stdint.h>

struct allocator_calls;
struct module_debug;

/* Of a module that is usable and for sure the one that ran, x86-64 and has its sections; else null, as without
 * memory. */
struct allocator_calls *allocator_calls_new(const struct module_debug *debug);
void allocator_calls_free(struct allocator_calls *calls);

/* The symbol that the call names which returns to `address`, as allocator_family_symbol has it; null where it
 * names another, or none. Addresses are the ELF file's own. */
const char *allocator_calls_name(const struct allocator_calls *calls, uint64_t address);

/* Does the address lie in a global operator new or delete that the module gives to others? */
bool allocator_calls_is_in_operator(const struct allocator_calls *calls, uint64_t address);

/* Does the module take operators new or delete from another one? Without symbols, in which its own would be
 * seen, it must be new. */
bool allocator_calls_imports_operators(const struct allocator_calls *calls);

/* Has it operators of its own, as far as that can be seen: exported, local, or with all of the C++ library
 * linked into it? */
bool allocator_calls_has_own_operators(struct allocator_calls *calls);

/* Is there anything of C++ in it? */
bool allocator_calls_has_cxx(const struct allocator_calls *calls);

#endif
