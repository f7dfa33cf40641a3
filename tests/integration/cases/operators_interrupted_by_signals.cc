/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operators_interrupted_by_signals: a library's operators for interrupts_operator_new; no case of
 * its own. A signal comes before, between and after what they do.
 */
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <new>

void *operator new(std::size_t bytes)
{
	raise(SIGUSR1);
	void *block = malloc(bytes);
	raise(SIGUSR1);
	return block;
}

void operator delete(void *block) noexcept
{
	raise(SIGUSR1);
	free(block);
	raise(SIGUSR1);
}

void operator delete(void *block, std::size_t) noexcept
{
	operator delete(block);
}
