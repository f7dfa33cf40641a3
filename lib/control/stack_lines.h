/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_lines: a stack as lines of text, each frame as module and offset.
 */
#ifndef LIB_CONTROL_STACK_LINES_H
#define LIB_CONTROL_STACK_LINES_H

#include <stdint.h>

#include "lib/base/buffer.h"

#define STACK_LINES_MAX 40u /* frames of one stack */

/* Innermost first, one frame a line: "    /usr/bin/server+0x1234", an address that addr2line and
 * `seep symbolize` take as it is. No frame of libseep, and none outside of main or a thread's first function. */
void stack_lines_add(struct buffer *text, uint32_t stack);

/* A text without its zero byte, and a number. */
void stack_lines_add_text(struct buffer *text, const char *part);
void stack_lines_add_number(struct buffer *text, uint64_t number);

#endif
