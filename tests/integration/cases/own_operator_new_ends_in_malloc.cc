/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own_operator_new_ends_in_malloc: the program's own operators are counted once, through malloc.
 *
 * build: -O0
 * site make: live_blocks=2 live_bytes=200 allocations=3 frees=1
 */
#include <cstdlib>
#include <new>

void *operator new(std::size_t bytes)
{
	void *block = std::malloc(bytes);

	if (!block)
		throw std::bad_alloc();
	return block;
}

void operator delete(void *block) noexcept
{
	std::free(block);
}

void operator delete(void *block, std::size_t) noexcept
{
	std::free(block);
}

struct record {
	char bytes[100];
};

__attribute__((noinline)) record *make()
{
	return new record();
}

record *volatile kept[2];

int main()
{
	for (int i = 0; i < 3; i++) {
		delete kept[0];
		kept[0] = kept[1];
		kept[1] = make();
	}
	return 0;
}
