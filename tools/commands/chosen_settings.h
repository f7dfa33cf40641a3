/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chosen_settings: what a command was told, by whom it was told last: the environment, the file of
 * --settings, the command line.
 */
#ifndef SEEP_COMMANDS_CHOSEN_SETTINGS_H
#define SEEP_COMMANDS_CHOSEN_SETTINGS_H

#include <stdbool.h>

#include "tools/commands/settings_file.h"
#include "tools/commands/settings_text.h"
#include "tools/model/threshold.h"

struct command;
struct command_option;
struct error;

struct chosen_settings {
	struct settings_text all;  /* that count; as they were typed before _complete */
	struct settings_file file; /* all zeros without --settings */
	const char *path;	   /* of that file; null for none */
};

int chosen_settings_make(struct chosen_settings *chosen, struct error *error);
void chosen_settings_free(struct chosen_settings *chosen);

/* Takes --settings and the options that are settings; one that is only called as a setting is
 * for the caller to take before. Returns 1 when it was one of these, 0 when it was another
 * option, -EINVAL with a message printed. */
int chosen_settings_take(struct chosen_settings *chosen, const struct command *command,
			 const struct command_option *option, const char *value);

/* Puts what was not typed under it: the file's settings, and under these the environment's (a
 * text as in SEEP_OPTIONS, null for none). */
int chosen_settings_complete(struct chosen_settings *chosen, const char *environment,
			     struct error *error);

/* Those among them. They live as long as `chosen`. */
struct thresholds chosen_settings_thresholds(const struct chosen_settings *chosen);

#endif
