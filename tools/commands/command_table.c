/* SPDX-License-Identifier: Apache-2.0 */
/* command_table: the verbs of seep, in the order in which a person meets them. */
#include <stdint.h>
#include <string.h>

#include "tools/commands/command.h"
#include "tools/commands/near_word.h"

const struct command *const command_table[] = {
	&command_run,	    &command_report, &command_check, &command_diff,   &command_snapshots,
	&command_snapshot,  &command_mark,   &command_scan,  &command_export, &command_doctor,
	&command_symbolize, &command_help,   NULL,
};

static const struct command_option seep_options[] = {
	{.name = "version", .letter = 'V', .help = "print the version and exit."},
	{0},
};

const struct command command_seep = {
	.name = "seep",
	.summary = "find the call stacks whose memory keeps growing",
	.arguments = "COMMAND [OPTIONS] [ARG...]",
	.description =
		"seep follows every allocation of a program that it starts and writes a snapshot "
		"now and then; from the snapshots it says which allocation sites accumulate "
		"memory, how fast and since when. The program needs no recompiling, only to be "
		"dynamically linked.\n\n"
		"Start the program with seep run. Then, while it still runs or after it has "
		"ended (also when it was killed), read its file with seep report.",
	.options = seep_options,
	.examples = "seep run ./server\tstart a program; its file is seep.server.PID.seep\n"
		    "seep report seep.server.4711.seep\twhat accumulates, with stacks\n"
		    "seep report 4711\tthe same about a process that is still running\n",
};

const struct command *command_find(const char *name)
{
	for (const struct command *const *command = command_table; *command; command++)
		if (strcmp((*command)->name, name) == 0)
			return *command;
	return NULL;
}

const struct command *command_suggest(const char *typed)
{
	const struct command *nearest = NULL;
	unsigned nearest_distance = UINT32_MAX;

	for (const struct command *const *command = command_table; *command; command++) {
		unsigned distance = near_word_distance(typed, (*command)->name);
		if (distance < nearest_distance) {
			nearest_distance = distance;
			nearest = *command;
		}
	}
	return near_word_is_near(typed, nearest_distance) ? nearest : NULL;
}
