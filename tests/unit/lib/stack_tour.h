/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_tour: a thread on its way through the maze (stack_maze), in one build of it after the other.
 *
 * Brings what the maze asks for: random choices, looks by the oracle, signal handlers, coroutines.
 */
#ifndef TESTS_UNIT_LIB_STACK_TOUR_H
#define TESTS_UNIT_LIB_STACK_TOUR_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/unit/lib/stack_maze.h"

/* Every build that this processor can run. */
extern const struct stack_maze_way *stack_tour_ways[];
extern const char *stack_tour_names[];
extern uint32_t stack_tour_count;

/* Once: knows the builds and prints the seed. */
void stack_tour_start(void);

/* For cmocka: starts the library, a tour, and the thread that runs the tests. */
int stack_tour_set_up(void **state);

/* In each test that goes through the maze: cmocka has handlers of its own, which it sets for each test. */
void stack_tour_use_handlers(void);

/* In each thread, before its first way: its own random numbers, its own stack for signals and its own
 * shadow; then after it. */
void stack_tour_begin_thread(uint32_t number, enum stack_feature feature);
void stack_tour_end_thread(void);

/* Goes through build number `way` once. Inside, end_thread may be called: null where it must not. */
void stack_tour_go(uint32_t way, int depth, void (*end_thread)(void));

/* With neither looks nor signals, for whoever looks from outside: calls `begin` just
 * before. */
void stack_tour_go_silently(uint32_t way, int depth, void (*begin)(void));

#endif
