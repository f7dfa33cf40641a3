/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin_that_mixes_allocators: makes with new what others free, and frees what they have made with new. With
 * -DHAS_OWN_OPERATORS its new is malloc and its delete is free, as in programs that bring an allocator: then
 * all of it is right. With -DIS_INLINE nobody can see these operators, for they are inlined; nor where
 * the linker does not export them (a source cannot hide them: <new> has declared them). With
 * -DHAS_NO_SIZED_DELETE one was forgotten, and is the C++ library's.
 */
#include <cstddef>
#include <cstdlib>
#include <new>

#define GO_ON __asm__ volatile("")

#ifdef IS_INLINE
#define OWN __attribute__((always_inline)) inline
#else
#define OWN
#endif

#ifdef HAS_OWN_OPERATORS
OWN void *operator new(size_t bytes)
{
	void *block = malloc(bytes);
	if (!block)
		abort();
	return block;
}

OWN void operator delete(void *block) noexcept
{
	free(block);
	GO_ON;
}

#ifndef HAS_NO_SIZED_DELETE
OWN void operator delete(void *block, size_t) noexcept
{
	free(block);
	GO_ON;
}
#endif
#endif

extern "C" void *plugin_make()
{
	void *block = new long;
	GO_ON;
	return block;
}

extern "C" void plugin_free(void *block)
{
	delete static_cast<long *>(block);
	GO_ON;
}

/* So that there is something of C++ in it. */
extern "C" void plugin_throw()
{
	throw 7;
}
