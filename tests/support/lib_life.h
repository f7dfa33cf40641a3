/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_life: the library in a test: recording is on, and nobody starts a helper or writes a file.
 *
 * Stands for lib/start.c, which needs the doors.
 */
#ifndef TESTS_SUPPORT_LIB_LIFE_H
#define TESTS_SUPPORT_LIB_LIFE_H

#include <stdatomic.h>
#include <stdint.h>

/* Reads the default settings, makes the recorder's tables and looks at the modules; again at will.
 */
void lib_life_start(void);
/* The same for cmocka. */
int lib_life_setup(void **state);

/* How often a thread has offered to do something in between. */
extern _Atomic(uint32_t) lib_life_ticks;

#endif
