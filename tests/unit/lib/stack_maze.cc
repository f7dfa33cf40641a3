/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_maze: a program that makes stacks of every shape.
 *
 * Random recursion through the frames of STACK_FEATURES: with alloca and variable arrays, over-aligned,
 * large, with all registers saved; through exceptions that are caught, thrown again, replaced, and
 * thrown while another one passes; through longjmp, signal handlers, coroutines, tail calls, callbacks
 * of libc and the frames of other builds. Every function tells the shadow that it is there.
 */
#include "tests/unit/lib/stack_maze.h"

#include <alloca.h>
#include <csetjmp>
#include <cstdarg>
#include <cstdlib>

#define NOINLINE __attribute__((noinline))
#define INLINE inline __attribute__((always_inline))

/* At the beginning of a function, and before each of its returns. */
#define HERE __builtin_return_address(0)
#define ENTER(feature) const uint32_t mark = stack_shadow_enter(HERE, STACK_##feature)
#define LEAVE() stack_shadow_leave(mark)
#define LOOK(feature) maze->look(build, STACK_##feature)

/* A call in tail position becomes a jump where the compiler optimizes, and where it must. */
#if defined(__clang__) && defined(__has_cpp_attribute)
#if __has_cpp_attribute(clang::musttail)
#define MUST_JUMP [[clang::musttail]]
#endif
#endif
#ifndef MUST_JUMP
#define MUST_JUMP
#endif

namespace
{

const struct stack_maze *maze;
uint32_t build;

volatile int sink;

NOINLINE int wander(int depth, int x);

const uint64_t handler_features =
	1ull << STACK_HANDLER | 1ull << STACK_HANDLER_ELSEWHERE | 1ull << STACK_TRAP;

/* Whether a handler was left by an exception or a jump that ended in the function with this mark. */
INLINE bool back_out_of_handler(uint32_t mark)
{
	uint64_t before = stack_shadow_features();

	stack_shadow_back(mark);
	return (before & ~stack_shadow_features() & handler_features) != 0;
}

#define LOOK_AFTER_CATCH()                                                                         \
	do {                                                                                       \
		if (back_out_of_handler(mark))                                                     \
			LOOK(THROWN_FROM_HANDLER);                                                 \
		else                                                                               \
			LOOK(CAUGHT);                                                              \
	} while (0)

NOINLINE int take_variable_room(int depth, int x)
{
	ENTER(ALLOCA);
	volatile char *room = static_cast<volatile char *>(alloca(16 + maze->choose(300)));

	room[0] = static_cast<char>(x);
	int result = wander(depth - 1, x + 1) + room[0];
	LEAVE();
	return result;
}

NOINLINE int take_variable_array(int depth, int x)
{
	ENTER(VARIABLE_ARRAY);
	int result = 0;

	for (uint32_t i = 0; i < 2; i++) {
		volatile int room[1 + maze->choose(200)];

		room[0] = x;
		LOOK(CALL);
		result += wander(depth - 1, x + 1) + room[0];
	}
	LEAVE();
	return result;
}

/* gcc realigns the stack through another register (DRAP) when there are stack arguments too. */
NOINLINE int align_locals(int depth, int x, int, int, int, int, int on_stack, long also_on_stack)
{
	ENTER(ALIGNED_64);
	alignas(64) volatile char locals[128];

	locals[x & 63] = static_cast<char>(on_stack);
	LOOK(CALL);
	int result = wander(depth - 1, x) + locals[x & 63] + static_cast<int>(also_on_stack);
	LEAVE();
	return result;
}

NOINLINE int align_variable_room(int depth, int x)
{
	ENTER(ALIGNED_32);
	alignas(32) volatile double locals[8];
	volatile char *room = static_cast<volatile char *>(alloca(1 + maze->choose(100)));

	locals[x & 7] = x;
	room[0] = 1;
	int result = wander(depth - 1, x) + static_cast<int>(locals[x & 7]) + room[0];
	LEAVE();
	return result;
}

NOINLINE int align_to_page(int depth, int x)
{
	ENTER(ALIGNED_4096);
	alignas(4096) volatile char page[4096];

	page[x & 4095] = 1;
	LOOK(CALL);
	int result = wander(depth - 1, x) + page[x & 4095];
	LEAVE();
	return result;
}

/* Enters its function and leaves it, however that happens. What runs in a landing pad is out of line,
 * lest the place of a return address depend on inlining. */
NOINLINE void look_when_left(uint32_t mark)
{
	const uint32_t own = stack_shadow_enter(HERE, STACK_UNWINDING);

	if (maze->choose(4) == 0)
		LOOK(UNWINDING);
	stack_shadow_leave(own);
	stack_shadow_leave(mark);
}

struct looks_when_left {
	uint32_t mark;
	volatile char room[40];

	INLINE looks_when_left(const void *pc, enum stack_feature feature)
	    : mark(stack_shadow_enter(pc, feature))
	{
	}
	INLINE ~looks_when_left()
	{
		stack_shadow_back(mark);
		look_when_left(mark);
	}
};

NOINLINE int catch_what_comes(int depth, int x)
{
	looks_when_left here(HERE, STACK_CATCHES);
	const uint32_t mark = here.mark;
	int result = 0;

	here.room[0] = static_cast<char>(x);
	try {
		result = wander(depth - 1, x) + here.room[0];
	} catch (int thrown) {
		LOOK_AFTER_CATCH();
		result = thrown;
	}
	return result + 1;
}

NOINLINE int throw_it_again(int depth, int x)
{
	looks_when_left here(HERE, STACK_CATCHES);
	const uint32_t mark = here.mark;

	try {
		return wander(depth - 1, x);
	} catch (...) {
		LOOK_AFTER_CATCH();
		LOOK(THROWN_AGAIN);
		throw;
	}
}

/* An exception with a life of its own; libstdc++ ends it. */
struct thrown_thing {
	int value;

	explicit INLINE thrown_thing(int with) : value(with)
	{
	}
	INLINE thrown_thing(const thrown_thing &other) : value(other.value)
	{
	}
	INLINE ~thrown_thing()
	{
		end();
	}
	static NOINLINE void end()
	{
		const uint32_t gap =
			stack_shadow_gap(STACK_SHADOW_LIBC, nullptr, STACK_EXCEPTION_ENDS);
		ENTER(EXCEPTION_ENDS);

		LOOK(EXCEPTION_ENDS);
		LEAVE();
		stack_shadow_leave(gap);
	}
};

struct comes_back {
	uint32_t mark;
	INLINE ~comes_back()
	{
		stack_shadow_back(mark);
	}
};

NOINLINE void throw_thing(int x)
{
	ENTER(CATCHES);
	LOOK(CALL);
	if (x != 77)
		throw thrown_thing(x);
	LEAVE();
}

NOINLINE int catch_thing(int depth, int x)
{
	ENTER(CATCHES);
	volatile int result = 0;

	try {
		throw_thing(depth);
	} catch (const thrown_thing &thing) {
		comes_back before_its_end = {mark};

		stack_shadow_back(mark);
		LOOK(IN_CATCH);
		result = thing.value + wander(depth - 1, x);
	}
	LOOK(CAUGHT);
	LEAVE();
	return result;
}

/* Goes on while the exception is still being handled; another one may end it. */
NOINLINE int wander_in_catch(int depth, int x)
{
	ENTER(CATCHES);
	volatile int result = 0;

	try {
		result = wander(depth - 1, x);
	} catch (int thrown) {
		LOOK_AFTER_CATCH();
		LOOK(IN_CATCH);
		result = wander(depth - 2, thrown);
	}
	LEAVE();
	return result;
}

NOINLINE int replace_exception(int depth, int x)
{
	ENTER(CATCHES);
	int result;

	try {
		result = wander(depth - 1, x);
	} catch (int thrown) {
		stack_shadow_back(mark);
		LOOK(REPLACED);
		throw static_cast<int>(thrown * 2 + 1);
	}
	LEAVE();
	return result;
}

/* A destructor that goes on, and lets nothing out but a jump. */
NOINLINE void wander_when_left(uint32_t mark, int depth)
{
	const uint32_t own = stack_shadow_enter(HERE, STACK_UNWINDING);

	stack_shadow_here()->destructors++;
	try {
		sink = wander(depth, depth);
	} catch (int thrown) {
		stack_shadow_back(own);
		sink = thrown;
		LOOK(THROWN_IN_DESTRUCTOR);
	}
	stack_shadow_here()->destructors--;
	LOOK(UNWINDING);
	stack_shadow_leave(own);
	stack_shadow_leave(mark);
}

struct wanders_when_left {
	uint32_t mark;
	int depth;

	INLINE wanders_when_left(const void *pc, enum stack_feature feature, int how_deep)
	    : mark(stack_shadow_enter(pc, feature)), depth(how_deep)
	{
	}
	INLINE ~wanders_when_left()
	{
		stack_shadow_back(mark);
		wander_when_left(mark, depth);
	}
};

NOINLINE int wander_on_leaving(int depth, int x)
{
	wanders_when_left here(HERE, STACK_CATCHES, depth - 2);

	return wander(depth - 1, x) + 1;
}

struct jump_left {
	uint32_t mine;
	INLINE ~jump_left()
	{
		stack_shadow_here()->jump_count = mine;
	}
};

NOINLINE int come_back_by_jump(int depth, int x)
{
	ENTER(CALL);
	struct stack_shadow *shadow = stack_shadow_here();
	volatile int result;

	if (shadow->jump_count >= STACK_SHADOW_JUMPS) {
		result = wander(depth - 1, x) + 2;
		LEAVE();
		return result;
	}
	jump_left left = {shadow->jump_count++};
	const struct stack_exceptions before = *stack_shadow_exceptions();
	const uint32_t destructors = shadow->destructors;
	if (setjmp(shadow->jumps[left.mine].buffer) == 0) {
		result = wander(depth - 1, x);
	} else {
		*stack_shadow_exceptions() = before;
		shadow->destructors = destructors;
		if (back_out_of_handler(mark))
			LOOK(JUMPED_FROM_HANDLER);
		else
			LOOK(JUMPED);
		result = 7;
	}
	LEAVE();
	return result + 1;
}

/* Enough values alive over the call that all saved registers are used. */
NOINLINE int use_all_registers(int depth, int x)
{
	ENTER(ALL_REGISTERS);
	int a = sink + x, b = sink * 3, c = sink ^ x, d = sink + 5, e = sink - 9, f = sink | 1;
	int result = wander(depth - 1, x);

	LOOK(CALL);
	result += a * b + c * d + e * f + (a ^ c) + (b ^ d) + (e & a);
	LEAVE();
	return result;
}

NOINLINE int take_much_room(int depth, int x)
{
	ENTER(LARGE);
	volatile char room[20000];

	room[x & 1023] = static_cast<char>(x);
	int result = wander(depth - 1, x) + room[x & 1023];
	LEAVE();
	return result;
}

NOINLINE int sum_up(int count, ...)
{
	ENTER(MANY_ARGUMENTS);
	va_list list;
	int sum = 0;

	va_start(list, count);
	for (int i = 0; i < count; i++)
		sum += va_arg(list, int);
	va_end(list);
	LOOK(CALL);
	LEAVE();
	return sum;
}

/* Arguments pushed for a call are on the stack while another one is made. */
NOINLINE int pass_many_arguments(int depth, int x)
{
	ENTER(MANY_ARGUMENTS);
	int result = sum_up(11, x, x, x, x, x, x, sum_up(9, 1, 2, 3, 4, 5, 6, 7, 8, 9), x,
			    wander(depth - 1, x), x, sum_up(8, 8, 7, 6, 5, 4, 3, 2, 1));

	LEAVE();
	return result;
}

/* As a function of Windows: other registers are saved, among them those of vectors. */
NOINLINE __attribute__((ms_abi)) int obey_other_convention(int depth, int x)
{
	ENTER(OTHER_CONVENTION);
	int result = wander(depth - 1, x);

	LOOK(CALL);
	LEAVE();
	return result;
}

NOINLINE int jump_on(int depth, int x)
{
	if (x & 1) {
		ENTER(TAIL_CALL);
		LOOK(TAIL_CALL);
		LEAVE();
	}
	stack_shadow_jump(HERE);
	return wander(depth - 1, x + 3);
}

NOINLINE int jump_on_twice(int depth, int x)
{
	sink = x;
	stack_shadow_jump(HERE);
	return jump_on(depth, x & ~1);
}

NOINLINE int must_jump_on(int depth, int x)
{
	ENTER(MUST_TAIL);
	LOOK(MUST_TAIL);
	LEAVE();
	stack_shadow_jump(HERE);
	MUST_JUMP return wander(depth, x);
}

NOINLINE int begin_jumping(int depth, int x)
{
	ENTER(TAIL_CALL);
	int result = maze->choose(2) == 0 ? jump_on_twice(depth, x) : jump_on(depth, x);

	LOOK(TAIL_CALL);
	result += must_jump_on(depth - 1, x);
	LOOK(CALL);
	LEAVE();
	return result;
}

struct shape {
	virtual NOINLINE int go(int depth, int x)
	{
		ENTER(VIRTUAL_CALL);
		int result = wander(depth - 1, x) + 1;
		LEAVE();
		return result;
	}
	virtual ~shape() = default;
};

struct round_shape : shape {
	NOINLINE int go(int depth, int x) override
	{
		looks_when_left here(HERE, STACK_VIRTUAL_CALL);

		here.room[2] = 3;
		return shape::go(depth, x) + here.room[2];
	}
};

NOINLINE int go_through_pointers(int depth, int x)
{
	ENTER(VIRTUAL_CALL);
	shape plain;
	round_shape round;
	shape *volatile chosen = (x & 1) ? static_cast<shape *>(&round) : &plain;
	int (*volatile step)(int, int) = begin_jumping;

	int result = (x & 2) ? chosen->go(depth, x) : step(depth, x);
	LEAVE();
	return result;
}

struct sorted {
	int value, depth;
};

/* Its frames are below those of libc; exceptions and jumps go through both. */
int compare_values(const void *a, const void *b)
{
	const sorted *left = static_cast<const sorted *>(a);
	const sorted *right = static_cast<const sorted *>(b);
	ENTER(LIBC_CALLBACK);

	LOOK(LIBC_CALLBACK);
	if (maze->choose(8) == 0)
		sink = wander(left->depth, left->value);
	LEAVE();
	return left->value - right->value;
}

NOINLINE int sort(int depth, int x)
{
	ENTER(CALL);
	sorted values[4];

	for (int i = 0; i < 4; i++) {
		values[i].value = static_cast<int>(maze->choose(10));
		values[i].depth = depth - 2;
	}
	const uint32_t gap = stack_shadow_gap(STACK_SHADOW_LIBC, nullptr, STACK_LIBC_CALLBACK);
	qsort(values, 4, sizeof(values[0]), compare_values);
	stack_shadow_leave(gap);
	LOOK(CALL);
	LEAVE();
	return values[x & 3].value;
}

/* A signal that comes at an instruction of ours, not in libc. The handler knows which one, and lets the
 * program go on behind ud2; int3 is behind it already. */
NOINLINE int step_on_trap(int depth, int x)
{
	ENTER(CALL);
	if (!maze->expect_trap(depth - 1))
		sink = x;
	else if (x & 1)
		__asm__ volatile("ud2" ::: "memory");
	else
		__asm__ volatile("int3" ::: "memory");
	LOOK(CALL);
	LEAVE();
	return x;
}

NOINLINE int go_elsewhere(int depth, int x)
{
	ENTER(OTHER_BUILD);
	int result = maze->elsewhere(depth - 1, x);

	LOOK(CALL);
	LEAVE();
	return result;
}

NOINLINE int end_of_the_way(int x)
{
	ENTER(CALL);
	uint32_t what = maze->choose(32);
	struct stack_shadow *shadow = stack_shadow_here();

	LOOK(CALL);
	if (what < 2 && shadow->jump_count > 0 && !shadow->is_ending)
		longjmp(shadow->jumps[maze->choose(shadow->jump_count)].buffer, 1);
	if (what < 9)
		throw static_cast<int>(maze->choose(7));
	if (what < 14) {
		maze->yield();
		stack_shadow_back(mark);
		LOOK(COROUTINE_AGAIN);
	} else if (what < 16) {
		maze->resume();
		LOOK(CALL);
	} else if (what == 16) {
		maze->end_thread();
	}
	LEAVE();
	return x;
}

NOINLINE int wander(int depth, int x)
{
	ENTER(CALL);
	volatile char local[24];
	int result = 0;

	local[x & 7] = static_cast<char>(x);
	LOOK(CALL);
	if (depth <= 0 || maze->is_full()) {
		result = end_of_the_way(x);
		LEAVE();
		return result;
	}
	for (uint32_t i = 0, ways = 1 + maze->choose(2); i < ways; i++) {
		switch (maze->choose(30)) {
		case 0:
			result += take_variable_room(depth, x);
			break;
		case 1:
			result += take_variable_array(depth, x);
			break;
		case 2:
			result += align_locals(depth, x, 1, 2, 3, 4, 5, 6);
			break;
		case 3:
			result += align_variable_room(depth, x);
			break;
		case 4:
			result += align_to_page(depth, x);
			break;
		case 5:
		case 6:
			result += catch_what_comes(depth, x);
			break;
		case 7:
			result += throw_it_again(depth, x);
			break;
		case 8:
			result += catch_thing(depth, x);
			break;
		case 9:
			result += wander_in_catch(depth, x);
			break;
		case 10:
			result += replace_exception(depth, x);
			break;
		case 11:
			result += wander_on_leaving(depth, x);
			break;
		case 12:
		case 13:
			result += come_back_by_jump(depth, x);
			break;
		case 14:
			result += use_all_registers(depth, x);
			break;
		case 15:
			result += take_much_room(depth, x);
			break;
		case 16:
			result += pass_many_arguments(depth, x);
			break;
		case 17:
			/* Rarely: libunwind gives up there (stack_oracle.c). */
			result += maze->choose(10) == 0 ? obey_other_convention(depth, x)
							: take_variable_room(depth, x);
			break;
		case 18:
			result += begin_jumping(depth, x);
			break;
		case 19:
			result += go_through_pointers(depth, x);
			break;
		case 20:
			result += sort(depth, x);
			break;
		case 21:
			result += step_on_trap(depth, x);
			break;
		case 22:
			maze->interrupt(depth - 1);
			break;
		case 23:
			result += go_elsewhere(depth, x);
			break;
		case 24:
			maze->yield();
			LOOK(COROUTINE_AGAIN);
			break;
		case 25:
			maze->resume();
			break;
		default:
			result += wander(depth - 1, x + static_cast<int>(i));
			break;
		}
		LOOK(CALL);
	}
	LEAVE();
	return result + local[x & 7];
}

NOINLINE void live()
{
	ENTER(CALL);
	try {
		sink = wander(6, 1);
	} catch (int thrown) {
		LOOK_AFTER_CATCH();
		sink = thrown;
	}
	LEAVE();
}

NOINLINE void go(int depth)
{
	ENTER(CALL);
	stack_shadow_here()->jump_count = 0;
	try {
		sink = wander(depth, static_cast<int>(maze->choose(8)));
	} catch (int thrown) {
		LOOK_AFTER_CATCH();
		sink = thrown;
	}
	maze->resume();
	LOOK(CALL);
	LEAVE();
}

NOINLINE int descend(int depth, int step)
{
	ENTER(DEEP);
	volatile int local[2] = {depth, step};

	if (depth % step == 0)
		LOOK(DEEP);
	if (depth > 0)
		local[1] = descend(local[0] - 1, step) + 1;
	if (depth % step == 0)
		LOOK(DEEP);
	LEAVE();
	return local[1];
}

void begin(const struct stack_maze *wanted, uint32_t number)
{
	maze = wanted;
	build = number;
}

} // namespace

extern "C" const struct stack_maze_way MAZE;
extern "C" const struct stack_maze_way MAZE = {begin, go, wander, live, descend};
