/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_options: options that mean the same wherever a command has them.
 */
#ifndef SEEP_COMMANDS_SHARED_OPTIONS_H
#define SEEP_COMMANDS_SHARED_OPTIONS_H

#include "tools/commands/command.h"

#define OUTPUT_OPTION                                                                              \
	{                                                                                          \
		.name = "output", .letter = 'o', .argument = "FILE",                               \
		.help = "write to FILE instead of standard output.",                               \
	}

#define SYSROOT_OPTION                                                                             \
	{                                                                                          \
		.name = "sysroot", .argument = "DIR",                                              \
		.help = "look for the program and its libraries below DIR, for a file from "       \
			"another machine or a container.",                                         \
	}

#define NO_SYMBOLS_OPTION                                                                          \
	{                                                                                          \
		.name = "no-symbols",                                                              \
		.help = "show modules and offsets; reads no debug information.",                   \
	}

#endif
