/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export: `seep export --format=F FILE`, the sites of one snapshot for another tool.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "tools/commands/command.h"
#include "tools/commands/operand.h"
#include "tools/commands/option_value.h"
#include "tools/commands/shared_options.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/scan.h"
#include "tools/output/folded.h"
#include "tools/output/lost_text.h"
#include "tools/output/sink.h"
#include "tools/symbols/symbols.h"

struct export_request {
	const struct command *command;
	bool has_format;
	enum folded_value value;
	bool is_lost; /* only what is lost of it */
	const char *snapshot, *output;
	struct symbols_options symbols;
};

static const struct command_option options[] = {
	{
		.name = "format",
		.argument = "folded",
		.help = "folded: one line for each stack, outermost function first, as "
			"flamegraph.pl, "
			"inferno and speedscope read it.",
	},
	{
		.name = "value",
		.argument = "live_bytes|live_blocks|allocations|allocated_bytes",
		.initial = "live_bytes",
		.help = "what is counted: what is live in the snapshot, or everything that was "
			"allocated up to it.",
	},
	{
		.name = "lost",
		.help = "count of what is live only what was definitely or indirectly lost when "
			"that "
			"was last looked at (--scan, seep scan).",
	},
	{
		.name = "snapshot",
		.argument = "SNAP",
		.initial = "last",
		.help = "the state to export: a number or label as shown by seep snapshots, first, "
			"last, or -N counted from the end. FILE@SNAP means the same.",
	},
	OUTPUT_OPTION,
	SYSROOT_OPTION,
	NO_SYMBOLS_OPTION,
	{0},
};

static int take_option(const struct command_option *option, const char *value, void *context)
{
	struct export_request *request = context;
	size_t choice;

	if (strcmp(option->name, "format") == 0) {
		request->has_format = true;
		return option_value_choice(request->command, option, value, &choice);
	}
	if (strcmp(option->name, "value") == 0)
		return folded_value_of(value, &request->value) < 0
			       ? option_value_choice(request->command, option, value, &choice)
			       : 0;
	if (strcmp(option->name, "lost") == 0)
		request->is_lost = true;
	else if (strcmp(option->name, "snapshot") == 0)
		request->snapshot = value;
	else if (strcmp(option->name, "output") == 0)
		request->output = value;
	else if (strcmp(option->name, "sysroot") == 0)
		request->symbols.sysroot = value;
	else if (strcmp(option->name, "no-symbols") == 0)
		request->symbols.has_modules_only = true;
	return 0;
}

/* Stores what is counted in the place of what is live. */
static bool count_lost_only(struct export_request *request)
{
	if (request->value != FOLDED_LIVE_BYTES && request->value != FOLDED_LIVE_BLOCKS)
		return false;
	request->value =
		request->value == FOLDED_LIVE_BYTES ? FOLDED_LOST_BYTES : FOLDED_LOST_BLOCKS;
	return true;
}

/* An empty export would say that nothing is lost. */
static int check_scan(const struct export_request *request, const struct operand *operand,
		      const struct report *report, struct error *error)
{
	const struct scan *scan = report->scan;

	if (!request->is_lost || (scan && scan->raw.outcome == SEEP_SCAN_DONE))
		return 0;
	if (!scan)
		return error_set(error, ENODATA,
				 "%s does not say what is lost; a run with --scan=exit does, or "
				 "seep scan of a running program",
				 operand->text);
	return error_set(error, ENODATA, "%s: %s", operand->text, lost_text_sentence(scan, 0).text);
}

static int write_export(const struct export_request *request, const struct operand *operand,
			struct symbols *symbols, struct error *error)
{
	struct report *report = NULL;
	struct sink sink;
	size_t snapshot;
	int result = operand_find_snapshot(operand, request->snapshot ? request->snapshot : "last",
					   &snapshot, error);

	if (result == 0)
		result = report_build(operand->profile,
				      &(struct report_options){
					      .snapshot_limit = snapshot + 1,
					      /* Sites whose blocks are freed have allocations. */
					      .keep_empty_sites = true,
				      },
				      &report, error);
	if (result == 0)
		result = check_scan(request, operand, report, error);
	if (result == 0)
		result = symbols_resolve(symbols, report, SYMBOLS_OF_ALL_SITES, error);
	if (result == 0)
		result = sink_open(&sink, request->output, error);
	if (result < 0)
		goto out;
	result = folded_write(sink.stream, report, snapshot, request->value);
	if (result < 0)
		error_set(error, -result, "not enough memory for the stacks of %s", operand->path);
	int closed = sink_close(&sink, result < 0 ? NULL : error);
	result = result < 0 ? result : closed;
out:
	report_free(report);
	return result;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct export_request request = {.command = self, .value = FOLDED_LIVE_BYTES};
	struct error error = {""};
	struct operand operand;
	int status;
	int first = command_parse(self, argc, argv, 0, take_option, &request, &status);

	if (first < 0)
		return status;
	if (!request.has_format)
		return command_fail(
			"export: --format is missing; --format=folded makes input for a "
			"flame graph");
	if (request.is_lost && !count_lost_only(&request))
		return command_fail("export: what is lost is live: --lost goes with "
				    "--value=live_bytes or live_blocks");
	if (argc - first != 1)
		return command_fail("export: %s; see 'seep export --help'",
				    first == argc ? "no FILE was given" : "one FILE at a time");
	request.symbols.show_progress = isatty(STDERR_FILENO);
	struct symbols *symbols = symbols_new(&request.symbols);
	if (!symbols)
		return command_fail("export: not enough memory");
	status = EXIT_CLEAN;
	if (operand_open(&operand, argv[first], &error) < 0 ||
	    write_export(&request, &operand, symbols, &error) < 0)
		status = command_fail("export: %s", error.text);
	operand_close(&operand);
	symbols_free(symbols);
	return status;
}

const struct command command_export = {
	.name = "export",
	.summary = "the sites of a snapshot for another tool, as a flame graph",
	.arguments = "--format=F [OPTIONS] FILE|PID",
	.description =
		"Writes all stacks of one snapshot with one number each, in a format that other "
		"tools "
		"read. Inlined functions are frames of their own; a ';' in a function's name is "
		"written as ':'.",
	.options = options,
	.examples =
		"seep export --format=folded run.seep | flamegraph.pl > live.svg\twhat is live\n"
		"seep export --format=folded --value=allocations run.seep\twho allocates most "
		"often\n"
		"seep export --format=folded --lost run.seep\twho has lost it\n",
	.run = run,
};
