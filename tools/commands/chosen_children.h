/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chosen_children: which child processes a run follows, as a user says it with --children.
 */
#ifndef SEEP_COMMANDS_CHOSEN_CHILDREN_H
#define SEEP_COMMANDS_CHOSEN_CHILDREN_H

#include <stdbool.h>

struct error;
struct settings_text;

/* Writes each folder of the list as the kernel calls it, for the library compares it with the paths
 * of programs: absolute, without links, "." and "..". Returns 0; a negative errno value and a sentence
 * where one is not there. */
int chosen_children_resolve(struct settings_text *settings, struct error *error);

/* True when `value` names programs or folders, and not `program` (a path) or a folder above it. */
bool chosen_children_leave_out(const char *value, const char *program);

#endif
