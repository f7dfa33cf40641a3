/* SPDX-License-Identifier: Apache-2.0 */
/*
 * invariant: what must always hold of our structures, checked in a debug build (make DEBUG=1).
 *
 * One that does not hold ends the process with one line, on its stderr and in the file
 * INVARIANT_LOG of the build, because many a program's stderr is read by nobody:
 *
 *   seep: lib/record/side_table.c:123: does not hold: shard->live > 0; shard->live = 0, ...
 *
 * In a release build the conditions are compiled and never evaluated. What takes a walk over a whole
 * structure is a function called noun_verify, which begins with a test of INVARIANTS_ARE_CHECKED.
 */
#ifndef LIB_BASE_INVARIANT_H
#define LIB_BASE_INVARIANT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef SEEP_DEBUG
#define INVARIANTS_ARE_CHECKED 1
#else
#define INVARIANTS_ARE_CHECKED 0
#endif

#define INVARIANT_TEXT_(line) #line
#define INVARIANT_TEXT(line) INVARIANT_TEXT_(line)
/* The condition and two numbers that tell what was there instead. No side effects. */
#define INVARIANT(condition, one, other)                                                           \
	do {                                                                                       \
		if (INVARIANTS_ARE_CHECKED && __builtin_expect(!(condition), 0))                   \
			invariant_broken("seep: " __FILE__ ":" INVARIANT_TEXT(                     \
						 __LINE__) ": does not hold: " #condition          \
							   "; " #one,                              \
					 (uint64_t)(one), #other, (uint64_t)(other));              \
	} while (0)

/* Where the lines are collected; null: nowhere. */
extern const char *invariant_log;

void invariant_broken(const char *where_and_what, uint64_t one, const char *other_name,
		      uint64_t other) __attribute__((noreturn, cold, noinline));

/* The calling helper has the TLS of another thread and descriptors of its own: it speaks on the
 * stderr of the program. 0, in a forked child: there is no helper. */
void invariant_note_helper(uint32_t program_pid);
bool invariant_is_in_helper(void);

#endif
