/* SPDX-License-Identifier: Apache-2.0 */
/* command_table: the verbs of seep, in the order in which a person meets them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/commands/command.h"

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

/* Damerau's distance between two words: letters added, left out, changed, or swapped with their
 * neighbour. Words longer than the table are as far apart as can be. */
static unsigned word_distance(const char *a, const char *b)
{
	enum { LONGEST = 32 };
	unsigned table[LONGEST + 1][LONGEST + 1];
	size_t a_length = strlen(a), b_length = strlen(b);

	if (a_length > LONGEST || b_length > LONGEST)
		return UINT32_MAX;
	for (size_t i = 0; i <= a_length; i++) {
		for (size_t j = 0; j <= b_length; j++) {
			if (!i || !j) {
				table[i][j] = (unsigned)(i + j);
				continue;
			}
			unsigned best = table[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (table[i - 1][j] + 1 < best)
				best = table[i - 1][j] + 1;
			if (table[i][j - 1] + 1 < best)
				best = table[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    table[i - 2][j - 2] + 1 < best)
				best = table[i - 2][j - 2] + 1;
			table[i][j] = best;
		}
	}
	return table[a_length][b_length];
}

const struct command *command_suggest(const char *typed)
{
	const struct command *nearest = NULL;
	unsigned nearest_distance = UINT32_MAX;

	for (const struct command *const *command = command_table; *command; command++) {
		unsigned distance = word_distance(typed, (*command)->name);
		/* A beginning of at least two letters is as good as one slip. */
		if (strlen(typed) >= 2 && strncmp(typed, (*command)->name, strlen(typed)) == 0)
			distance = 1;
		if (distance < nearest_distance) {
			nearest_distance = distance;
			nearest = *command;
		}
	}
	/* One slip in a short word, two or three in a long one. */
	return nearest_distance <= 1 + strlen(typed) / 4 ? nearest : NULL;
}
