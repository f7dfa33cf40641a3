/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_maze: a program that makes stacks of every shape.
 *
 * Random recursion through frames with alloca, with over-aligned locals, with destructors that look
 * while an exception passes, with setjmp; exceptions, longjmp and coroutines; tail calls; frames
 * with many saved registers and with large locals; functions reached through pointers and virtual
 * calls; handlers of signals on the same and on another stack.
 */
#include "tests/unit/lib/stack_maze.h"

#include <alloca.h>
#include <csetjmp>
#include <cstring>
#include <ucontext.h>

#ifndef MAZE
#define MAZE stack_maze_plain
#endif

#define NOINLINE __attribute__((noinline))

namespace
{

const struct stack_maze *maze;

/* Jumps lead only outwards, within one context. */
const int jumps_max = 64;
jmp_buf jumps[jumps_max];
int jump_count;

const int coroutine_count = 4;
const size_t coroutine_bytes = 256 << 10;
ucontext_t main_context, coroutines[coroutine_count];
alignas(64) char coroutine_stacks[coroutine_count][coroutine_bytes];
int current = -1; /* coroutine that runs; -1: none */
bool coroutines_exist;

volatile int sink;

NOINLINE int wander(int depth, int x);

NOINLINE int take_variable_room(int depth, int x)
{
	volatile char *room = static_cast<volatile char *>(alloca(16 + maze->choose(300)));

	room[0] = static_cast<char>(x);
	return wander(depth - 1, x + 1) + room[0];
}

/* gcc realigns the stack through another register (DRAP) when there are stack arguments too. */
NOINLINE int align_locals(int depth, int x, int, int, int, int, int on_stack, long also_on_stack)
{
	alignas(64) volatile char locals[128];

	locals[x & 63] = static_cast<char>(on_stack);
	maze->look();
	return wander(depth - 1, x) + locals[x & 63] + static_cast<int>(also_on_stack);
}

NOINLINE int align_variable_room(int depth, int x)
{
	alignas(32) volatile double locals[8];
	volatile char *room = static_cast<volatile char *>(alloca(1 + maze->choose(100)));

	locals[x & 7] = x;
	room[0] = 1;
	return wander(depth - 1, x) + static_cast<int>(locals[x & 7]) + room[0];
}

struct looks_when_left {
	char room[40];
	~looks_when_left()
	{
		if (maze->choose(4) == 0)
			maze->look();
	}
};

NOINLINE int catch_what_comes(int depth, int x)
{
	looks_when_left guard;
	int result = 0;

	guard.room[0] = static_cast<char>(x);
	try {
		result = wander(depth - 1, x) + guard.room[0];
	} catch (int thrown) {
		maze->look();
		result = thrown;
	}
	return result + 1;
}

NOINLINE int throw_it_again(int depth, int x)
{
	try {
		looks_when_left guard;

		guard.room[1] = 2;
		return wander(depth - 1, x) + guard.room[1];
	} catch (...) {
		maze->look();
		throw;
	}
}

struct jump_left {
	int mine;
	~jump_left()
	{
		jump_count = mine;
	}
};

NOINLINE int come_back_by_jump(int depth, int x)
{
	volatile int result;

	if (jump_count >= jumps_max || current >= 0)
		return wander(depth - 1, x) + 2;
	jump_left left = {jump_count++};
	if (setjmp(jumps[left.mine]) == 0) {
		result = wander(depth - 1, x);
	} else {
		maze->look();
		result = 7;
	}
	return result + 1;
}

/* Enough values alive over the call that all saved registers are used. */
NOINLINE int use_all_registers(int depth, int x)
{
	int a = sink + x, b = sink * 3, c = sink ^ x, d = sink + 5, e = sink - 9, f = sink | 1;
	int result = wander(depth - 1, x);

	maze->look();
	return result + a * b + c * d + e * f + (a ^ c) + (b ^ d) + (e & a);
}

NOINLINE int take_much_room(int depth, int x)
{
	volatile char room[20000];

	room[x & 1023] = static_cast<char>(x);
	return wander(depth - 1, x) + room[x & 1023];
}

/* The call in tail position becomes a jump where the compiler optimizes. */
NOINLINE int jump_on(int depth, int x)
{
	if (x & 1)
		maze->look();
	return wander(depth - 1, x + 3);
}

NOINLINE int jump_on_twice(int depth, int x)
{
	sink = x;
	return jump_on(depth, x ^ 1);
}

struct shape {
	virtual NOINLINE int go(int depth, int x)
	{
		return wander(depth - 1, x) + 1;
	}
	virtual ~shape() = default;
};

struct round_shape : shape {
	int go(int depth, int x) override
	{
		looks_when_left guard;

		guard.room[2] = 3;
		return shape::go(depth, x) + guard.room[2];
	}
};

NOINLINE int go_through_pointers(int depth, int x)
{
	shape plain;
	round_shape round;
	shape *volatile chosen = (x & 1) ? static_cast<shape *>(&round) : &plain;
	int (*volatile step)(int, int) = jump_on_twice;

	return (x & 2) ? chosen->go(depth, x) : step(depth, x);
}

NOINLINE int end_of_the_way(int x)
{
	uint32_t what = maze->choose(24);

	maze->look();
	if (what == 0 && current < 0 && jump_count > 0)
		longjmp(jumps[maze->choose(static_cast<uint32_t>(jump_count))], 1);
	if (what < 6)
		throw static_cast<int>(maze->choose(7));
	if (what < 10 && current >= 0) {
		int self = current;

		current = -1;
		swapcontext(&coroutines[self], &main_context);
		current = self;
		maze->look();
	}
	if (what == 10)
		maze->interrupt();
	return x;
}

NOINLINE int wander(int depth, int x)
{
	volatile char local[24];
	int result = 0;

	local[x & 7] = static_cast<char>(x);
	maze->look();
	if (depth <= 0)
		return end_of_the_way(x);
	for (uint32_t i = 0, ways = 1 + maze->choose(2); i < ways; i++) {
		switch (maze->choose(12)) {
		case 0:
			result += take_variable_room(depth, x);
			break;
		case 1:
			result += align_locals(depth, x, 1, 2, 3, 4, 5, 6);
			break;
		case 2:
			result += align_variable_room(depth, x);
			break;
		case 3:
			result += catch_what_comes(depth, x);
			break;
		case 4:
			result += throw_it_again(depth, x);
			break;
		case 5:
			result += come_back_by_jump(depth, x);
			break;
		case 6:
			result += use_all_registers(depth, x);
			break;
		case 7:
			/* Not on a coroutine's small stack. */
			result += current < 0 ? take_much_room(depth, x) : jump_on(depth, x);
			break;
		case 8:
			result += jump_on_twice(depth, x);
			break;
		case 9:
			result += go_through_pointers(depth, x);
			break;
		default:
			result += wander(depth - 1, x + static_cast<int>(i));
			break;
		}
		maze->look();
	}
	return result + local[x & 7];
}

void run_coroutine(int self)
{
	for (;;) {
		try {
			wander(6, self);
		} catch (int) {
			maze->look();
		}
		current = -1;
		swapcontext(&coroutines[self], &main_context);
		current = self;
	}
}

void make_coroutines()
{
	for (int i = 0; i < coroutine_count; i++) {
		getcontext(&coroutines[i]);
		coroutines[i].uc_stack.ss_sp = coroutine_stacks[i];
		coroutines[i].uc_stack.ss_size = coroutine_bytes;
		coroutines[i].uc_link = &main_context;
		makecontext(&coroutines[i], reinterpret_cast<void (*)()>(run_coroutine), 1, i);
	}
	coroutines_exist = true;
}

NOINLINE void resume(int chosen)
{
	current = chosen;
	swapcontext(&main_context, &coroutines[chosen]);
	current = -1;
	maze->look();
}

} // namespace

extern "C" NOINLINE stack_maze_way MAZE;
extern "C" void MAZE(const struct stack_maze *wanted, int depth)
{
	maze = wanted;
	jump_count = 0;
	current = -1;
	if (!coroutines_exist)
		make_coroutines();
	try {
		sink = wander(depth, static_cast<int>(maze->choose(8)));
	} catch (int thrown) {
		sink = thrown;
		maze->look();
	}
	resume(static_cast<int>(maze->choose(coroutine_count)));
}
