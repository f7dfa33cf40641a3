/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_target: what a target and its driver call each other; libFuzzer's interface, in C.
 *
 * The driver is libFuzzer, or replay.c, which needs nothing but a compiler.
 */
#ifndef TESTS_FUZZ_FUZZ_TARGET_H
#define TESTS_FUZZ_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* One input. Returns 0; what is wrong ends the process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Once, before the first input; optional. */
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

/* Of a target that knows how its input is built; optional. See record_mutator.c. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
	__attribute__((weak));
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,
				 size_t other_size, uint8_t *out, size_t max_size, unsigned seed)
	__attribute__((weak));

/* The driver's: changes the bytes somehow. Returns the new size. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

#endif
