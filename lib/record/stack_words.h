/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_words: words of the calling thread's stack, and words that may not be there.
 */
#ifndef LIB_RECORD_STACK_WORDS_H
#define LIB_RECORD_STACK_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "lib/base/syscalls.h"

/* A word that is there. */
static inline uint64_t stack_word(uint64_t address)
{
	return *(const volatile uint64_t *)address;
}

/* Has the kernel read memory of this process that may not be mapped. False when it is not, or when
 * the kernel may not be asked (a seccomp filter). */
static inline bool stack_read_unsafe(uint64_t address, void *bytes, size_t count)
{
	struct iovec local = {.iov_base = bytes, .iov_len = count};
	struct iovec remote = {.iov_base = (void *)address, .iov_len = count};

	return sys_call(SYS_process_vm_readv, sys_pid(), &local, 1, &remote, 1, 0) == (long)count;
}

#endif
