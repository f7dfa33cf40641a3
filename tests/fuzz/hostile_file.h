/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile_file: an input as a file that has a name, in memory.
 */
#ifndef TESTS_FUZZ_HOSTILE_FILE_H
#define TESTS_FUZZ_HOSTILE_FILE_H

#include <stddef.h>
#include <stdint.h>

/* The name of a file with these bytes; the one of the call before is gone. */
const char *hostile_file(const uint8_t *bytes, size_t size);

/* The text up to the first zero byte, for free(). */
char *hostile_text(const uint8_t *bytes, size_t size);

#endif
