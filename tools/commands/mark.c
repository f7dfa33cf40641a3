/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mark: `seep mark PID LABEL`, says that a running program is back in a state that it had before.
 */
#include <stdio.h>

#include "tools/commands/command.h"
#include "tools/commands/target.h"
#include "tools/model/error.h"
#include "tools/output/number_text.h"

static const struct command_option options[] = {
	{0},
};

static int run(const struct command *self, int argc, char **argv)
{
	struct seep_control_answer answer;
	struct error error;
	char name[64], path[TARGET_PATH_BYTES];
	int status;
	pid_t pid;
	int operand = command_parse(self, argc, argv, 0, NULL, NULL, &status);

	if (operand < 0)
		return status;
	if (argc - operand != 2)
		return command_fail("mark: %s; see 'seep mark --help'",
				    operand == argc ? "the PID of a process and a label are missing"
				    : argc - operand == 1 ? "the label is missing"
							  : "one PID and one label at a time");
	const char *label = argv[operand + 1];
	if (!*label)
		return command_fail(
			"mark: the label is empty; name the state that the program is in");
	if (target_check_label(label, &error) < 0 ||
	    target_parse_pid(argv[operand], &pid, &error) < 0 ||
	    target_mark(pid, label, &answer, &error) < 0)
		return command_fail("mark: %s", error.text);

	/* Where the file cannot be opened from here its own name is the best there is. */
	if (target_answer_path(pid, &answer, path, NULL) < 0)
		snprintf(path, sizeof(path), "%s", answer.path);
	command_say("mark %s at snapshot %u of %s (%d): %s in %s blocks → %s", label,
		    answer.snapshot, target_name(pid, name, sizeof(name)), (int)pid,
		    number_bytes(answer.live_bytes).text, number_count(answer.live_blocks).text,
		    path);
	return EXIT_CLEAN;
}

const struct command command_mark = {
	.name = "mark",
	.summary = "say that a running program is back in the same state",
	.arguments = "PID LABEL",
	.description =
		"Asks the program with this PID, which must run under seep, to write a snapshot "
		"that says: this is the state called LABEL. Returns when it is in the file.\n\n"
		"Give the same label whenever the program is back in the same state: all sessions "
		"closed, the cache emptied, the same document open again. What has grown from one "
		"such mark to the next was not given back, and nothing tells a leak sooner: seep "
		"report asks from the fifth mark of a label on. Marks are only compared with those "
		"of the same label; a site that is level at one label is no leak, whatever it does "
		"at others. A label has at most 127 bytes, and is not a number, first or last.\n\n"
		"A program that can be changed marks itself: include seep.h and call "
		"seep_mark(\"LABEL\"), which does nothing when nobody is watching. seep snapshots "
		"lists the marks. When the file has reached its largest size, every second old "
		"mark of each label goes.",
	.options = options,
	.examples = "seep mark 4711 idle\tthe server 4711 has no session now\n"
		    "seep snapshots seep.server.4711.seep\tthe marks, with numbers and labels\n"
		    "seep diff seep.server.4711.seep@12 seep.server.4711.seep@31"
		    "\twhat grew between two of them\n",
	.run = run,
};
