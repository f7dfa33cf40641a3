/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings_options: lines of the table in seep/settings.h as options of a command.
 *
 * static const struct command_option options[] = {SEEP_THRESHOLDS(SETTINGS_OPTION){0}};
 */
#ifndef SEEP_COMMANDS_SETTINGS_OPTIONS_H
#define SEEP_COMMANDS_SETTINGS_OPTIONS_H

#include "seep/settings.h"
#include "tools/commands/command.h"

/* A setting that is on or off, and off at first, is switched on by its mere name (--quiet). */
#define SETTINGS_ARGUMENT(values, initial)                                                         \
	(__builtin_strcmp(values, "on|off") == 0 && __builtin_strcmp(initial, "off") == 0          \
		 ? NULL                                                                            \
		 : values)

#define SETTINGS_OPTION(key_, letter_, type_, values_, initial_, help_)                            \
	{.name = #key_,                                                                            \
	 .letter = (letter_),                                                                      \
	 .argument = SETTINGS_ARGUMENT(values_, initial_),                                         \
	 .is_argument_optional = __builtin_strcmp(#type_, "SHARE") == 0,                           \
	 .initial = SETTINGS_ARGUMENT(values_, initial_) ? (initial_) : NULL,                      \
	 .help = (help_)},

/* Every command that has settings can read them from a file. */
#define SETTINGS_FILE_OPTION                                                                       \
	{                                                                                          \
		.name = "settings", .argument = "FILE",                                            \
		.help = "read settings from FILE: lines KEY = VALUE with the keys of seep run's "  \
			"options, and "                                                            \
			"sections [site FUNCTION] with other values of max-site-growth and "       \
			"max-site-live for the sites that have a function of this name (* and ? "  \
			"as in file names) on their stack. What stands on the command line wins.", \
	}

#endif
