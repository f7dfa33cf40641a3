/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lsan_doors: what a program that was written for LeakSanitizer says to it.
 */
#ifndef LIB_INTERPOSE_LSAN_DOORS_H
#define LIB_INTERPOSE_LSAN_DOORS_H

#include <stdbool.h>

/* Whether the program does not want anybody to look for leaks when it ends. Calls functions of it. */
bool lsan_doors_are_turned_off(void);

/* What the program says is no leak, as LeakSanitizer reads it; null: nothing. Calls a function of it. */
const char *lsan_doors_suppressions(void);

#endif
