/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unwind_rules: the unwind rule of every program counter met so far, compiled once.
 *
 * A rule costs a search in .eh_frame the first time and one probe of a table from then on. The
 * table is shared by all threads and never locked.
 */
#ifndef LIB_RECORD_UNWIND_RULES_H
#define LIB_RECORD_UNWIND_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/record/cfi_program.h"

/* Makes the table; without it every rule is compiled anew each time. */
bool unwind_rules_start(void);

/* The rule for an instruction address (a return address - 1). */
struct unwind_rule unwind_rule_of(uint64_t pc);

#endif
