/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own_breaks: what somebody other than libc's malloc has taken from the program break.
 *
 * The break's memory is malloc's heap, but for these parts: the program may keep anything there.
 */
#ifndef LIB_RECORD_OWN_BREAKS_H
#define LIB_RECORD_OWN_BREAKS_H

#include <stdbool.h>
#include <stdint.h>

#define OWN_BREAKS_MAX 64u

/* The break was moved through our doors. */
void own_breaks_note(uint64_t before, uint64_t after);

/* How many parts there are. More than OWN_BREAKS_MAX: too many to know them. */
uint32_t own_breaks_count(void);

/* One of them, by number; start == end: it was given back. */
void own_breaks_at(uint32_t number, uint64_t *start, uint64_t *end);

#endif
