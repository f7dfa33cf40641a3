/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot: `seep snapshot PID`, one snapshot of a running program, now.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tools/commands/command.h"
#include "tools/commands/target.h"
#include "tools/model/error.h"
#include "tools/output/number_text.h"

static const struct command_option options[] = {
	{
		.name = "label",
		.argument = "TEXT",
		.help = "a name for the snapshot, shown by seep snapshots and understood as "
			"FILE@TEXT by seep diff; at most 127 bytes, and not a number, first or "
			"last.",
	},
	{0},
};

static int take(const struct command_option *option, const char *value, void *context)
{
	struct error error;

	(void)option;
	if (target_check_label(value, &error) < 0) {
		command_fail("snapshot: --label: %s", error.text);
		return -EINVAL;
	}
	*(const char **)context = value;
	return 0;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct seep_control_answer answer;
	struct error error;
	const char *label = NULL;
	char name[64], path[TARGET_PATH_BYTES];
	int status;
	pid_t pid;
	int operand = command_parse(self, argc, argv, 0, take, &label, &status);

	if (operand < 0)
		return status;
	if (argc - operand != 1)
		return command_fail("snapshot: %s; see 'seep snapshot --help'",
				    operand == argc ? "the PID of a process is missing"
						    : "one PID at a time");
	if (target_parse_pid(argv[operand], &pid, &error) < 0 ||
	    target_snapshot(pid, label, &answer, &error) < 0)
		return command_fail("snapshot: %s", error.text);

	/* Where the file cannot be opened from here its own name is the best there is. */
	if (target_answer_path(pid, &answer, path, NULL) < 0)
		snprintf(path, sizeof(path), "%s", answer.path);
	command_say("snapshot %u of %s (%d): %s in %s blocks → %s", answer.snapshot,
		    target_name(pid, name, sizeof(name)), (int)pid,
		    number_bytes(answer.live_bytes).text, number_count(answer.live_blocks).text,
		    path);
	return EXIT_CLEAN;
}

const struct command command_snapshot = {
	.name = "snapshot",
	.summary = "take a snapshot of a running program now",
	.arguments = "[OPTIONS] PID",
	.description =
		"Asks the program with this PID, which must run under seep, to write a snapshot, "
		"and "
		"returns when it is in the file. Neither ptrace nor root is needed for a program "
		"of one's own.\n\n"
		"Two snapshots around a piece of work, with a label each, show with seep diff what "
		"that work left behind. Where the program does the same work again and again, "
		"seep mark is the better tool.",
	.options = options,
	.examples = "seep snapshot 4711\ttake one\n"
		    "seep snapshot 4711 --label=before\ttake one that is called before\n"
		    "seep diff seep.server.4711.seep@before seep.server.4711.seep@after"
		    "\twhat grew between two of them\n",
	.run = run,
};
