/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option_value: what stands behind an option's '='.
 *
 * Each prints its own message through command_fail and returns -EINVAL for a text that is none.
 */
#ifndef SEEP_COMMANDS_OPTION_VALUE_H
#define SEEP_COMMANDS_OPTION_VALUE_H

#include <stddef.h>
#include <stdint.h>

struct command;
struct command_option;

/* A whole number. */
int option_value_count(const struct command *command, const struct command_option *option,
		       const char *text, size_t *count);

/* An exit status that says something: 1 to 255. */
int option_value_status(const struct command *command, const struct command_option *option,
			const char *text, size_t *status);

/* A number with optional K, M, G or T as in seep/settings.h. */
int option_value_bytes(const struct command *command, const struct command_option *option,
		       const char *text, uint64_t *bytes);

/* One of the words in option->argument, which are separated by '|'; stores its index. */
int option_value_choice(const struct command *command, const struct command_option *option,
			const char *text, size_t *index);

#endif
