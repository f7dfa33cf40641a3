/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool_call: a command of the tool in this process, and what it must keep to whatever it is given.
 */
#ifndef TESTS_FUZZ_TOOL_CALL_H
#define TESTS_FUZZ_TOOL_CALL_H

#include <stddef.h>

struct tool_call {
	int status;
	char *out, *err; /* what it has written, with a zero behind it */
	size_t out_bytes, err_bytes;
};

/* Runs `seep ARGUMENTS...` (ends with a null pointer). Demands what holds of all commands: status 0, 1 or 2,
 * with 2 one line on stderr that says why, UTF-8 without control characters on stdout, and on stderr nothing
 * that a terminal obeys. The result is overwritten by the next. */
const struct tool_call *tool_call(const char *const *arguments);

/* Demands the same of stdout: of what is for a person. */
void tool_call_demand_harmless(const struct tool_call *run);

/* Demands that it is JSON, as jansson reads it. */
void tool_call_demand_json(const struct tool_call *run);

#endif
