/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff: `seep diff OLD[@SNAP] NEW[@SNAP]`, what grew between two snapshots.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/commands/command.h"
#include "tools/commands/operand.h"
#include "tools/commands/option_value.h"
#include "tools/commands/shared_options.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/output/json_report.h"
#include "tools/output/sink.h"
#include "tools/output/text_report.h"
#include "tools/symbols/symbols.h"

#define SITES_IN_TEXT 10

enum { FORMAT_TEXT, FORMAT_JSON };

/* Choices of --sort are those of enum diff_order, in its order. */

struct diff_request {
	const struct command *command;
	size_t format, order;
	const char *output;
	size_t top;
	bool has_top;
	bool has_full_stacks;
	struct symbols_options symbols;
};

static const struct command_option options[] = {
	{
		.name = "format",
		.argument = "text|json",
		.initial = "text",
		.help = "for a person, or for a program.",
	},
	OUTPUT_OPTION,
	{
		.name = "top",
		.argument = "N",
		.initial = "10, in JSON all",
		.help = "show N sites; 0 for all that changed.",
	},
	{
		.name = "sort",
		.argument = "aged|bytes|blocks",
		.initial = "aged",
		.help = "the largest growth first: of what has reached an age at which blocks of "
			"its "
			"site are kept; of all bytes; of the number of blocks.",
	},
	{.name = "full-stacks", .help = "show every frame of every stack."},
	SYSROOT_OPTION,
	NO_SYMBOLS_OPTION,
	{0},
};

static int take_option(const struct command_option *option, const char *value, void *context)
{
	struct diff_request *request = context;

	if (strcmp(option->name, "format") == 0)
		return option_value_choice(request->command, option, value, &request->format);
	if (strcmp(option->name, "sort") == 0)
		return option_value_choice(request->command, option, value, &request->order);
	if (strcmp(option->name, "top") == 0) {
		request->has_top = true;
		return option_value_count(request->command, option, value, &request->top);
	}
	if (strcmp(option->name, "output") == 0)
		request->output = value;
	else if (strcmp(option->name, "full-stacks") == 0)
		request->has_full_stacks = true;
	else if (strcmp(option->name, "sysroot") == 0)
		request->symbols.sysroot = value;
	else if (strcmp(option->name, "no-symbols") == 0)
		request->symbols.has_modules_only = true;
	return 0;
}

/* Two names of one file are one run: its sites are compared by stack, which is exact. */
static bool are_same_file(const struct operand *left, const struct operand *right)
{
	struct stat left_status, right_status;

	return stat(left->path, &left_status) == 0 && stat(right->path, &right_status) == 0 &&
	       left_status.st_dev == right_status.st_dev &&
	       left_status.st_ino == right_status.st_ino;
}

/* Where the operand names a label that several snapshots have, as marks do: the first or the last one
 * of these. */
static bool find_mark(const struct operand *operand, bool is_last, size_t *index)
{
	const struct profile *profile = operand->profile;
	size_t count = 0;

	for (size_t i = 0; operand->snapshot && i < profile->snapshot_count; i++)
		if (strcmp(profile->snapshots[i].label, operand->snapshot) == 0 &&
		    (count++ == 0 || is_last))
			*index = i;
	return count > 1;
}

static int resolve(struct report *report, void *context, struct error *error)
{
	return symbols_resolve(context, report, SYMBOLS_OF_ALL_SITES, error);
}

static int write_diff(const struct diff_request *request, const struct report *report,
		      struct symbols *symbols, const struct operand *old, const struct operand *new,
		      struct sink *sink, struct error *error)
{
	/* Not before there is something to write: the file of -o may be yesterday's diff. */
	int result = sink_open(sink, request->output, error);

	if (result < 0)
		return result;
	if (request->format == FORMAT_JSON)
		result = json_report_write(
			sink->stream, report,
			&(struct json_report_options){.site_limit = request->top});
	else
		result = text_diff_write(sink->stream, report,
					 &(struct text_report_options){
						 .style = sink->style,
						 .site_limit = request->top,
						 .has_full_stacks = request->has_full_stacks,
						 .source = new->path,
						 .old_source = old->path,
						 .notes = symbols_notes(symbols),
					 });
	if (result == -EIO)
		result = 0; /* sink_close says why */
	if (result < 0)
		error_set(error, -result, "not enough memory for the diff of %s and %s", old->path,
			  new->path);
	return result;
}

/* The newer end of one operand alone: the last mark of its label where it has several, so that FILE@idle
 * is all that grew from one idle state to another; else the last snapshot. */
static int find_end(const struct operand *operand, size_t *index, struct error *error)
{
	if (find_mark(operand, true, index))
		return 0;
	return profile_find_snapshot(operand->profile, "last", index, error);
}

/* One operand alone is the whole run: from its first snapshot, or the one named, to the last. */
static int compare(const struct diff_request *request, const char *old_text, const char *new_text,
		   struct symbols *symbols, struct sink *sink, struct error *error)
{
	struct operand old = {0}, new = {0};
	struct report *report = NULL;
	size_t old_index, new_index;
	int result = operand_open(&old, old_text, error);

	if (result == 0 && new_text)
		result = operand_open(&new, new_text, error);
	if (result < 0)
		goto out;
	const struct operand *newer = new_text ? &new : &old;
	const struct profile *profile = newer->profile;
	bool is_one_file = !new_text || are_same_file(&old, &new);
	const struct profile *old_profile = is_one_file ? profile : old.profile;
	if (!find_mark(&old, !is_one_file, &old_index))
		result =
			operand_find_snapshot(&old, new_text ? "last" : "first", &old_index, error);
	if (result == 0 && !new_text)
		result = find_end(&old, &new_index, error);
	else if (result == 0 && !find_mark(&new, true, &new_index))
		result = operand_find_snapshot(&new, "last", &new_index, error);
	if (result < 0)
		goto out;
	if (old_profile == profile && old_index == new_index) {
		result =
			error_set(error, EINVAL,
				  "both sides are snapshot %u of %s; name two, as in FILE@3 FILE@7 "
				  "('seep snapshots' lists them)",
				  profile->snapshots[new_index].number, newer->path);
		goto out;
	}
	if (old_profile == profile && old_index > new_index) {
		result = error_set(
			error, EINVAL,
			"snapshot %u of %s is later than snapshot %u; name the older one first",
			profile->snapshots[old_index].number, newer->path,
			profile->snapshots[new_index].number);
		goto out;
	}
	result = diff_build(old_profile, old_index, profile, new_index, resolve, symbols, &report,
			    error);
	if (result == 0 && request->order != DIFF_BY_AGED)
		diff_sort(report, request->order);
	if (result == 0)
		result = write_diff(request, report, symbols, &old, newer, sink, error);
out:
	report_free(report);
	operand_close(&new);
	operand_close(&old);
	return result;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct diff_request request = {.command = self};
	struct error error = {""};
	struct sink sink = {0};
	int status;
	int first = command_parse(self, argc, argv, 0, take_option, &request, &status);

	if (first < 0)
		return status;
	if (first == argc || argc - first > 2)
		return command_fail("diff: %s; see 'seep diff --help'",
				    first == argc ? "no FILE was given"
						  : "more than two FILEs were given");
	if (!request.has_top && request.format == FORMAT_TEXT)
		request.top = SITES_IN_TEXT;
	request.symbols.show_progress = isatty(STDERR_FILENO);
	struct symbols *symbols = symbols_new(&request.symbols);
	if (!symbols)
		return command_fail("diff: not enough memory");
	status = EXIT_CLEAN;
	if (compare(&request, argv[first], first + 1 < argc ? argv[first + 1] : NULL, symbols,
		    &sink, &error) < 0)
		status = command_fail("diff: %s", error.text);
	if (sink_close(&sink, &error) < 0)
		status = command_fail("diff: %s", error.text);
	symbols_free(symbols);
	return status;
}

const struct command command_diff = {
	.name = "diff",
	.summary = "what grew between two snapshots, of one file or of two",
	.arguments = "[OPTIONS] OLD[@SNAP] [NEW[@SNAP]]",
	.description =
		"Compares two states: of one run (FILE@3 FILE@7), or of two runs, say of an older "
		"and a newer build. Sites of one run are matched exactly, those of two runs by the "
		"functions of their stacks, so that other lines, files, optimisations or another "
		"name of the program do no harm.\n\n"
		"Each line says what a site grew or shrank by, and what it holds now. First comes "
		"what will stay: growth by blocks that have reached an age at which few blocks of "
		"their site are freed. What requests in flight happen to hold stands below, "
		"however much it is, and a line calls it traffic; --sort=bytes puts it by its "
		"size.\n\n"
		"SNAP is a number or label as shown by seep snapshots, first, last, or -N counted "
		"from the end; without it the last snapshot is meant. One FILE alone is compared "
		"from its first snapshot to its last, FILE@SNAP alone from that one to its last. "
		"Of a "
		"label that seep mark has given several times, OLD is the first and NEW the last "
		"such mark of one run: FILE@idle alone says what grew from idle to idle. "
		"The PID of a running process can stand for its file.\n\n"
		"The exit status is 0 whether or not something grew, 2 when the work could not be "
		"done.",
	.options = options,
	.examples =
		"seep diff seep.server.4711.seep\twhat grew over the whole run\n"
		"seep diff run.seep@before run.seep@after\tbetween two labelled snapshots\n"
		"seep diff run.seep@idle\tbetween the first and the last mark of this label\n"
		"seep diff --sort=bytes run.seep@-2 run.seep\tall that the last interval brought\n"
		"seep diff old.seep new.seep\tbetween the ends of two runs\n",
	.run = run,
};
