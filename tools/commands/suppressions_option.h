/* SPDX-License-Identifier: Apache-2.0 */
/* suppressions_option: --suppressions=FILE, of all commands that flag something. */
#ifndef SEEP_COMMANDS_SUPPRESSIONS_OPTION_H
#define SEEP_COMMANDS_SUPPRESSIONS_OPTION_H

struct command;
struct suppressions;

#define SUPPRESSIONS_NAME "suppressions"
#define SUPPRESSIONS_OPTION                                                                        \
	{                                                                                          \
		.name = SUPPRESSIONS_NAME, .argument = "FILE",                                     \
		.help = "do not flag what the suppressions in FILE match, as LeakSanitizer "       \
			"(leak:NAME) or Valgrind write them; may be given more than once. A line " \
			"\"# seep: program=test_* max-bytes=64K max-blocks=10 "                    \
			"expires=2027-06-30 reason=...\" before one limits it.",                   \
	}

#define NO_BUILTIN_NAME "no_builtin_suppressions"
#define NO_BUILTIN_OPTION                                                                          \
	{                                                                                          \
		.name = NO_BUILTIN_NAME,                                                           \
		.help = "flag also what the C and C++ libraries lose by themselves, which no "     \
			"program can help.",                                                       \
	}

/* Reads the file; prints what is wrong with it and returns a negative errno value, or 0. */
int suppressions_option_take(const struct command *command, struct suppressions *suppressions,
			     const char *path);

#endif
