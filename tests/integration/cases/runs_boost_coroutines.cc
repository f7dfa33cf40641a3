/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runs_boost_coroutines: on stacks from malloc and on such with a guard page, some of which are left in
 * the middle: then boost throws an exception through them.
 *
 * links: -lboost_context
 * expect: lost_blocks=0 lost_stacks=0
 * file: unknown_frees=0
 * function keep: live_blocks=700 live_bytes=28000 allocations=700
 * function held_by_frame: live_blocks=0
 */
#include <boost/context/fixedsize_stack.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>
#include <boost/coroutine2/coroutine.hpp>
#include <cstdlib>
#include <vector>

using coroutine = boost::coroutines2::coroutine<int>;

static void *blocks[700];
static int block_count;

__attribute__((noinline)) static void *keep()
{
	void *volatile block = malloc(40);

	return block;
}

struct held_by_frame {
	void *block = malloc(500);
	~held_by_frame()
	{
		free(block);
	}
};

static void produce(coroutine::push_type &sink)
{
	held_by_frame held;

	for (int i = 0; i < 10; i++) {
		std::vector<int> work(static_cast<size_t>(100 + i));

		blocks[block_count++] = keep();
		sink(i + work[0]);
	}
}

template <class stack> static void take(int count)
{
	coroutine::pull_type source(stack(), produce);

	for (int i = 1; i < count; i++)
		source();
}

int main()
{
	for (int i = 0; i < 50; i++) {
		take<boost::context::fixedsize_stack>(10);
		take<boost::context::protected_fixedsize_stack>(4);
	}
	return block_count != 700;
}
