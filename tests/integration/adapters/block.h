/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block: memory that a test gets and gives back, or not, and that no compiler does without.
 */
#ifndef ADAPTERS_BLOCK_H
#define ADAPTERS_BLOCK_H

#include <cstdlib>
#include <cstring>

__attribute__((noinline)) inline char *make_block(std::size_t bytes)
{
	char *block = static_cast<char *>(std::malloc(bytes));

	std::memset(block, 1, bytes);
	__asm__ volatile("" : : "r"(block) : "memory");
	return block;
}

__attribute__((noinline)) inline void lose_block(std::size_t bytes)
{
	make_block(bytes);
}

struct freed_block {
	explicit freed_block(std::size_t bytes) : start(make_block(bytes))
	{
	}
	~freed_block()
	{
		std::free(start);
	}
	char *start;
};

/* What several tests use and nobody gives back: made by the first of them. */
inline char *lazily_made()
{
	static char *made = make_block(100);

	return made;
}

#endif
