/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime_module: which frames of a stack are the C and C++ run-time's and not the program's.
 */
#ifndef SEEP_MODEL_RUNTIME_MODULE_H
#define SEEP_MODEL_RUNTIME_MODULE_H

#include <stdbool.h>
#include <stdint.h>

struct profile;

/* The dynamic linker, libc, libstdc++ and what belongs to them. */
bool runtime_module_has(const struct profile *profile, uint32_t node);

/* Has somebody of the program called a function on the way to `node`, inside what calls main and threads?
 * Then all stacks through `node` share that function; those that only share what lies outside it share none. */
bool runtime_module_is_left(const struct profile *profile, uint32_t node);

#endif
