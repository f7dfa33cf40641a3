/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrong_free_search: frees by the wrong family, found in what the file says of who frees; and the free that
 * has ended the program.
 */
#ifndef SEEP_SYMBOLS_WRONG_FREE_SEARCH_H
#define SEEP_SYMBOLS_WRONG_FREE_SEARCH_H

#include <stdbool.h>

struct report;
struct stack_frames;

/* Makes report->wrong_frees, with frames. Of what is not certain nothing is said: where the program has
 * operators or a malloc of its own, a module that is not here any more, a call that names nobody. False
 * without memory. */
bool wrong_free_search(struct stack_frames *frames, struct report *report);

#endif
