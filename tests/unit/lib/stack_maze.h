/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_maze: a program that makes stacks of every shape.
 *
 * stack_maze.cc is compiled many times, by each compiler, at each level of optimization, with and
 * without frame pointers; each object has one function stack_maze_COMPILER_LEVEL_sp or _fp.
 */
#ifndef TESTS_UNIT_LIB_STACK_MAZE_H
#define TESTS_UNIT_LIB_STACK_MAZE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the maze needs of the test. */
struct stack_maze {
	/* 0 to limit - 1. */
	uint32_t (*choose)(uint32_t limit);
	/* Looks at the stack as it is now. */
	void (*look)(void);
	/* Has `look` called in a signal handler on another stack. */
	void (*interrupt)(void);
};

/* One way through the maze, `depth` calls deep and more. */
typedef void stack_maze_way(const struct stack_maze *maze, int depth);

#ifdef __cplusplus
}
#endif

#endif
