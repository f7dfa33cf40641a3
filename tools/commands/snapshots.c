/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshots: `seep snapshots FILE`, the snapshots in a file.
 */
#include "tools/commands/command.h"
#include "tools/commands/operand.h"
#include "tools/commands/shared_options.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/output/sink.h"
#include "tools/output/snapshot_list.h"

static const struct command_option options[] = {
	OUTPUT_OPTION,
	{0},
};

static int take_option(const struct command_option *option, const char *value, void *context)
{
	(void)option;
	*(const char **)context = value;
	return 0;
}

static int run(const struct command *self, int argc, char **argv)
{
	const char *output = NULL;
	struct error error = {""};
	struct operand operand;
	struct sink sink;
	int status;
	int first = command_parse(self, argc, argv, 0, take_option, &output, &status);

	if (first < 0)
		return status;
	if (argc - first != 1)
		return command_fail("snapshots: %s; see 'seep snapshots --help'",
				    first == argc ? "no FILE was given" : "one FILE at a time");
	status = EXIT_CLEAN;
	if (operand_open(&operand, argv[first], &error) < 0 ||
	    sink_open(&sink, output, &error) < 0) {
		status = command_fail("snapshots: %s", error.text);
	} else {
		snapshot_list_write(sink.stream, &sink.style, operand.profile);
		if (sink_close(&sink, &error) < 0)
			status = command_fail("snapshots: %s", error.text);
	}
	operand_close(&operand);
	return status;
}

const struct command command_snapshots = {
	.name = "snapshots",
	.summary = "the snapshots in a file",
	.arguments = "[OPTIONS] FILE|PID",
	.description =
		"Lists the snapshots in a file: number, time since the start of the run, why it "
		"was "
		"taken, live bytes and their change since the one before, live blocks, allocations "
		"since the start, resident memory of the process (RSS) and label.\n\n"
		"Numbers and labels are what FILE@SNAP takes. Numbers are missing where old "
		"snapshots were dropped to keep the file small.",
	.options = options,
	.examples =
		"seep snapshots seep.server.4711.seep\tlist them\n"
		"seep diff seep.server.4711.seep@3 seep.server.4711.seep@7\tcompare two of them\n",
	.run = run,
};
