/* SPDX-License-Identifier: Apache-2.0 */
/*
 * name_tool: the tool, asked for the names of functions.
 */
#ifndef LIB_CONTROL_NAME_TOOL_H
#define LIB_CONTROL_NAME_TOOL_H

#include "lib/base/buffer.h"

/* Puts functions and lines in place of the addresses in a text that ends with a zero byte. Where that is not
 * possible the text stays as it is: there is no tool, it takes too long, or something went wrong. For
 * the helper process only: nobody else may have a child. */
void name_tool_ask(struct buffer *text);

#endif
