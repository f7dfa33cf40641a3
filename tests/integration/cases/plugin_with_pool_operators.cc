/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin_with_pool_operators: a plug-in for opens_plugins_with_operators; no case of its own. Its
 * operator delete accepts nothing but what its operator new gave out.
 */
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>

static char pool[1 << 16];
static size_t used;

void *operator new(size_t bytes)
{
	void *block = pool + used;

	used += (bytes + 15) & ~15ul;
	return block;
}

void operator delete(void *block) noexcept
{
	if ((char *)block < pool || (char *)block >= pool + sizeof(pool))
		abort();
}

void operator delete(void *block, size_t) noexcept
{
	operator delete(block);
}

int *volatile number;

extern "C" void plugin_go()
{
	number = new int(5);
	if ((char *)number < pool || (char *)number >= pool + sizeof(pool))
		abort();
	printf("pool %d\n", *number);
	delete number;
}
