/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_tour: a thread on its way through the maze, in one build of it after the other.
 */
#include "tests/unit/lib/stack_tour.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "tests/support/lib_life.h"
#include "tests/support/lib_random.h"
#include "tests/unit/lib/stack_coroutine.h"
#include "tests/unit/lib/stack_oracle.h"

#define NOINLINE __attribute__((noinline))
#define OTHER_STACK_BYTES (512u << 10)
#define LEFT_FREE_BYTES (96u << 10)
#define THREAD_STACK_BYTES (1u << 20) /* used of it */

#define X(way) extern const struct stack_maze_way stack_maze_##way;
MAZE_WAYS
#undef X

static const struct {
	const char *name;
	const struct stack_maze_way *way;
} all_ways[] = {
#define X(way) {#way, &stack_maze_##way},
	MAZE_WAYS
#undef X
};

#define ALL_WAYS (sizeof(all_ways) / sizeof(all_ways[0]))
_Static_assert(ALL_WAYS < STACK_ORACLE_BUILDS, "each has its count");

const struct stack_maze_way *stack_tour_ways[ALL_WAYS];
const char *stack_tour_names[ALL_WAYS];
uint32_t stack_tour_count;

/* Of the thread. Code that may move to another one calls functions for it, see stack_shadow_here. */
static struct lib_random first_source;
static __thread struct lib_random source;
static __thread char *other_stack;
static __thread int depth_in_handler;
static __thread void (*end_of_thread)(void);

static NOINLINE uint32_t choose(uint32_t limit)
{
	return (uint32_t)lib_random_below(&source, limit);
}

static NOINLINE bool is_on_other_stack(void)
{
	uintptr_t address = (uintptr_t)__builtin_frame_address(0);

	return address - (uintptr_t)other_stack < OTHER_STACK_BYTES;
}

static NOINLINE bool is_full(void)
{
	uintptr_t address = (uintptr_t)__builtin_frame_address(0);

	if (is_on_other_stack())
		return address - (uintptr_t)other_stack < LEFT_FREE_BYTES;
	return address < stack_shadow_here()->lowest;
}

static NOINLINE bool expect_trap(int depth)
{
	depth_in_handler = depth < 3 ? depth : 3;
	return true;
}

static int elsewhere(int depth, int x)
{
	uint32_t mark = stack_shadow_enter(__builtin_return_address(0), STACK_OTHER_BUILD);
	int result = stack_tour_ways[choose(stack_tour_count)]->wander(depth, x);

	stack_shadow_leave(mark);
	return result;
}

/* A signal that libc sends to its own thread. */
static NOINLINE void interrupt(int depth)
{
	uint32_t mark = stack_shadow_enter(__builtin_return_address(0), STACK_CALL);

	expect_trap(depth);
	raise(choose(2) ? SIGUSR1 : SIGUSR2);
	stack_shadow_back(mark);
	stack_oracle_look(STACK_ORACLE_NO_BUILD, STACK_CALL);
	stack_shadow_leave(mark);
}

static NOINLINE enum stack_feature feature_of_handler(int number)
{
	const uint64_t handlers =
		1ull << STACK_HANDLER | 1ull << STACK_HANDLER_ELSEWHERE | 1ull << STACK_TRAP;

	if ((stack_shadow_features() & handlers) != 0)
		return STACK_HANDLER_IN_HANDLER;
	if (is_on_other_stack())
		return STACK_HANDLER_ELSEWHERE;
	return number == SIGILL || number == SIGTRAP ? STACK_TRAP : STACK_HANDLER;
}

/* SIGUSR1 and SIGILL come to the stack that is in use, SIGUSR2 and SIGTRAP to another one. All of them
 * may interrupt their own handler. */
static void handle(int number, siginfo_t *info, void *interrupted)
{
	ucontext_t *context = interrupted;
	bool is_trap = number == SIGILL || number == SIGTRAP;
	enum stack_feature feature = feature_of_handler(number);
	uint32_t gap = stack_shadow_gap(is_trap ? STACK_SHADOW_TRAP : STACK_SHADOW_SIGNAL,
					(void *)context->uc_mcontext.gregs[REG_RIP], feature);
	uint32_t mark = stack_shadow_enter(__builtin_return_address(0), feature);
	int depth = depth_in_handler;

	(void)info;
	stack_oracle_look(STACK_ORACLE_NO_BUILD, feature);
	if (depth > 0) {
		stack_tour_ways[choose(stack_tour_count)]->wander(depth, number);
		stack_oracle_look(STACK_ORACLE_NO_BUILD, feature);
	}
	if (number == SIGILL)
		context->uc_mcontext.gregs[REG_RIP] += 2; /* ud2 */
	stack_shadow_leave(mark);
	stack_shadow_leave(gap);
}

static bool is_in_handler(void)
{
	const uint64_t handlers = 1ull << STACK_HANDLER | 1ull << STACK_HANDLER_ELSEWHERE |
				  1ull << STACK_HANDLER_IN_HANDLER | 1ull << STACK_TRAP;

	return (stack_shadow_features() & handlers) != 0;
}

/* What a coroutine does while frames of a handler are live on the other stack would be written over by
 * its own handlers. */
static void resume(void)
{
	uint32_t mark;

	if (is_on_other_stack())
		return;
	mark = stack_shadow_enter(__builtin_return_address(0), STACK_CALL);
	stack_coroutine_resume(choose, stack_tour_ways[choose(stack_tour_count)]->live);
	stack_oracle_look(STACK_ORACLE_NO_BUILD, STACK_CALL);
	stack_shadow_leave(mark);
}

/* Not out of a handler: its return tells the kernel about the thread's other stack, and the thread may
 * be another one. */
static void yield(void)
{
	uint32_t mark;

	if (!stack_coroutine_is_here() || is_in_handler())
		return;
	mark = stack_shadow_enter(__builtin_return_address(0), STACK_CALL);
	stack_coroutine_yield();
	stack_oracle_look(STACK_ORACLE_NO_BUILD, STACK_COROUTINE_AGAIN);
	stack_shadow_leave(mark);
}

/* A destructor lets nothing out, a coroutine's stack does not end where the thread's does, and while an
 * exception is being handled libstdc++ lets no foreign one be caught. */
static void end_thread(void)
{
	if (end_of_thread == NULL || stack_coroutine_is_here() ||
	    stack_shadow_here()->destructors > 0 || stack_shadow_here()->is_ending ||
	    stack_shadow_exceptions()->caught != NULL)
		return;
	end_of_thread();
}

static const struct stack_maze maze = {
	.choose = choose,
	.look = stack_oracle_look,
	.is_full = is_full,
	.interrupt = interrupt,
	.expect_trap = expect_trap,
	.elsewhere = elsewhere,
	.resume = resume,
	.yield = yield,
	.end_thread = end_thread,
};

static void do_nothing(void)
{
}

static void resume_silently(void)
{
	uint32_t mark = stack_shadow_enter(__builtin_return_address(0), STACK_CALL);

	stack_coroutine_resume(choose, stack_tour_ways[choose(stack_tour_count)]->live);
	stack_shadow_leave(mark);
}

static void yield_silently(void)
{
	uint32_t mark;

	if (!stack_coroutine_is_here())
		return;
	mark = stack_shadow_enter(__builtin_return_address(0), STACK_CALL);
	stack_coroutine_yield();
	stack_shadow_leave(mark);
}

static void look_away(uint32_t build, enum stack_feature feature)
{
	(void)build;
	(void)feature;
}

static void not_interrupt(int depth)
{
	(void)depth;
}

static bool have_no_trap(int depth)
{
	(void)depth;
	return false;
}

static const struct stack_maze silent_maze = {
	.choose = choose,
	.look = look_away,
	.is_full = is_full,
	.interrupt = not_interrupt,
	.expect_trap = have_no_trap,
	.elsewhere = elsewhere,
	.resume = resume_silently,
	.yield = yield_silently,
	.end_thread = do_nothing,
};

static bool can_run(const char *name)
{
	return strstr(name, "_avx2") == NULL || __builtin_cpu_supports("avx2");
}

static void begin_all(const struct stack_maze *wanted)
{
	for (uint32_t i = 0; i < stack_tour_count; i++)
		stack_tour_ways[i]->begin(wanted, i);
}

void stack_tour_start(void)
{
	stack_tour_count = 0;
	for (uint32_t i = 0; i < ALL_WAYS; i++) {
		if (!can_run(all_ways[i].name)) {
			printf("          left out, the processor cannot run it: %s\n",
			       all_ways[i].name);
			continue;
		}
		stack_tour_ways[stack_tour_count] = all_ways[i].way;
		stack_tour_names[stack_tour_count++] = all_ways[i].name;
	}
	begin_all(&maze);
	first_source = lib_random_start();
}

void stack_tour_use_handlers(void)
{
	struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_NODEFER};

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	action.sa_flags |= SA_ONSTACK;
	sigaction(SIGUSR2, &action, NULL);
	sigaction(SIGTRAP, &action, NULL);
}

NOINLINE void stack_tour_begin_thread(uint32_t number, enum stack_feature feature)
{
	struct stack_shadow *shadow = stack_shadow_make();
	stack_t other = {.ss_size = OTHER_STACK_BYTES};

	source.state = first_source.state + number * 1000003ull;
	other_stack = mmap(NULL, OTHER_STACK_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	other.ss_sp = other_stack;
	if (other_stack == MAP_FAILED || sigaltstack(&other, NULL) != 0)
		abort();
	shadow->lowest = (uintptr_t)__builtin_frame_address(0) - THREAD_STACK_BYTES;
	shadow->features = 1ull << feature;
	stack_shadow_use(shadow);
}

int stack_tour_set_up(void **state)
{
	(void)state;
	lib_life_start();
	stack_tour_start();
	stack_tour_begin_thread(0, STACK_CALL);
	return 0;
}

NOINLINE void stack_tour_end_thread(void)
{
	const stack_t none = {.ss_flags = SS_DISABLE};

	sigaltstack(&none, NULL);
	munmap(other_stack, OTHER_STACK_BYTES);
	other_stack = NULL;
	munmap(stack_shadow_here(), sizeof(struct stack_shadow));
	stack_shadow_use(NULL);
}

static NOINLINE void go(uint32_t way, int depth, void (*begin)(void))
{
	stack_shadow_enter(__builtin_return_address(0), STACK_CALL);
	if (begin != NULL)
		begin();
	stack_tour_ways[way]->go(depth);
	/* Not a jump: this function has said that it is there. */
	__asm__ volatile("" ::: "memory");
}

static void reset(struct stack_shadow *shadow)
{
	shadow->count = shadow->leaving_count = shadow->destructors = 0;
}

NOINLINE void stack_tour_go(uint32_t way, int depth, void (*end)(void))
{
	end_of_thread = end;
	reset(stack_shadow_here());
	stack_oracle_note_base(stack_shadow_here());
	stack_shadow_enter(__builtin_return_address(0), STACK_CALL);
	go(way, depth, NULL);
	reset(stack_shadow_here());
}

NOINLINE void stack_tour_go_silently(uint32_t way, int depth, void (*begin)(void))
{
	begin_all(&silent_maze);
	reset(stack_shadow_here());
	stack_oracle_note_base(stack_shadow_here());
	stack_shadow_enter(__builtin_return_address(0), STACK_CALL);
	go(way, depth, begin);
	reset(stack_shadow_here());
	begin_all(&maze);
}
