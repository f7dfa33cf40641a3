/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool_operator_new: a shared library whose operator new never calls malloc. Built and linked by
 * own_operator_new_from_pool; no case of its own.
 */
#include <cstddef>
#include <new>
#include <sys/mman.h>

static char *next_free, *end;

void *operator new(std::size_t bytes)
{
	bytes = (bytes + 15) / 16 * 16;
	if (next_free + bytes > end || !next_free) {
		next_free = static_cast<char *>(mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE,
						     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
		end = next_free + (1 << 20);
	}
	void *block = next_free;
	next_free += bytes;
	return block;
}

void operator delete(void *) noexcept
{
}

void operator delete(void *, std::size_t) noexcept
{
}
