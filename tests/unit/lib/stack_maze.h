/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_maze: a program that makes stacks of every shape.
 *
 * stack_maze.cc is compiled many times, by each compiler, at each level of optimization, with and
 * without frame pointers, and with the options of distributions; each object has one
 * stack_maze_COMPILER_LEVEL_FLAVOUR.
 */
#ifndef TESTS_UNIT_LIB_STACK_MAZE_H
#define TESTS_UNIT_LIB_STACK_MAZE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/unit/lib/stack_shadow.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the maze needs of the test. */
struct stack_maze {
	/* 0 to limit - 1. */
	uint32_t (*choose)(uint32_t limit);
	/* Looks at the stack as it is now. */
	void (*look)(uint32_t build, enum stack_feature feature);
	/* Little is left of the stack that the caller is on. */
	bool (*is_full)(void);
	/* A handler of a signal, on this or on another stack, goes on from here. */
	void (*interrupt)(int depth);
	/* Where an instruction of the maze is about to do it; false: it must not. */
	bool (*expect_trap)(int depth);
	/* The same way through another build. */
	int (*elsewhere)(int depth, int x);
	/* To a coroutine, or back from one, or neither where that is not possible now. */
	void (*resume)(void);
	void (*yield)(void);
	/* Unwinds the whole thread, if it is one that may end. */
	void (*end_thread)(void);
};

/* One build. */
struct stack_maze_way {
	void (*begin)(const struct stack_maze *maze, uint32_t build);
	/* One way through the maze, `depth` calls deep and more, and a look at some coroutines. */
	void (*go)(int depth);
	/* A part of a way; throws int and jumps. */
	int (*wander)(int depth, int x);
	/* What a coroutine does. */
	void (*live)(void);
	/* Calls itself `depth` times; looks on the way down and on the way up at each depth that is a
	 * multiple of `step`. */
	int (*descend)(int depth, int step);
};

#ifdef __cplusplus
}
#endif

#endif
