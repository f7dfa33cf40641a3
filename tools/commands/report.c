/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: `seep report FILE|PID|FOLDER`, what accumulates, with verdicts and stacks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/commands/chosen_settings.h"
#include "tools/commands/command.h"
#include "tools/commands/operand.h"
#include "tools/commands/option_value.h"
#include "tools/commands/report_resolve.h"
#include "tools/commands/settings_options.h"
#include "tools/commands/shared_options.h"
#include "tools/commands/snapshot_folder.h"
#include "tools/commands/suppressions_option.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/suppression.h"
#include "tools/output/json_report.h"
#include "tools/output/process_brief.h"
#include "tools/output/shell_word.h"
#include "tools/output/sink.h"
#include "tools/output/text_line.h"
#include "tools/output/text_report.h"
#include "tools/symbols/symbols.h"

#define SITES_IN_TEXT 10

enum { FORMAT_TEXT, FORMAT_JSON };

struct report_request {
	const struct command *command;
	size_t format;
	const char *output;
	size_t top;
	bool has_top;
	bool has_full_stacks;
	bool flag_minor;
	uint64_t min_bytes;
	struct symbols_options symbols;
	const char *from, *to;
	struct chosen_settings settings;
	struct thresholds thresholds;
	struct suppressions *suppressions;
};

static const struct command_option options[] = {
	{
		.name = "format",
		.argument = "text|json",
		.initial = "text",
		.help = "for a person, or for a program. Several FILEs in JSON, or those of a "
			"FOLDER, are one document to a line.",
	},
	OUTPUT_OPTION,
	{
		.name = "top",
		.argument = "N",
		.initial = "10, in JSON all",
		.help = "show N sites; 0 for all.",
	},
	{
		.name = "all",
		.help = "flag every leak, also those in a crowd: where more than 50 sites "
			"accumulate, as in a compiler that keeps something of each function until "
			"it ends, a leak counts as growing while it is less than 10 % of them all "
			"and less than 1 % of what is live.",
	},
	{.name = "full-stacks", .help = "show every frame of every stack."},
	{
		.name = "min-bytes",
		.argument = "SIZE",
		.initial = "0",
		.help = "leave out sites that hold less than SIZE, unless they are flagged.",
	},
	{
		.name = "from",
		.argument = "SNAP",
		.initial = "first",
		.help = "judge only what happened from this snapshot on, for example after a "
			"warm-up: a "
			"number, a label, first, last, or -N counted from the end.",
	},
	{
		.name = "to",
		.argument = "SNAP",
		.initial = "last",
		.help = "judge as if the run had ended with this snapshot.",
	},
	SYSROOT_OPTION,
	SUPPRESSIONS_OPTION,
	NO_SYMBOLS_OPTION,
	SEEP_THRESHOLDS(SETTINGS_OPTION) SETTINGS_FILE_OPTION,
	{0},
};

static int take_option(const struct command_option *option, const char *value, void *context)
{
	struct report_request *request = context;
	const struct command *command = request->command;

	/* Not the setting of that name. */
	if (strcmp(option->name, "output") == 0) {
		request->output = value;
		return 0;
	}
	int taken = chosen_settings_take(&request->settings, command, option, value);
	if (taken)
		return taken < 0 ? taken : 0;
	if (strcmp(option->name, "format") == 0)
		return option_value_choice(command, option, value, &request->format);
	if (strcmp(option->name, "top") == 0) {
		request->has_top = true;
		return option_value_count(command, option, value, &request->top);
	}
	if (strcmp(option->name, "min-bytes") == 0)
		return option_value_bytes(command, option, value, &request->min_bytes);
	if (strcmp(option->name, "all") == 0)
		request->flag_minor = true;
	else if (strcmp(option->name, "full-stacks") == 0)
		request->has_full_stacks = true;
	else if (strcmp(option->name, "from") == 0)
		request->from = value;
	else if (strcmp(option->name, "to") == 0)
		request->to = value;
	else if (strcmp(option->name, "sysroot") == 0)
		request->symbols.sysroot = value;
	else if (strcmp(option->name, "no-symbols") == 0)
		request->symbols.has_modules_only = true;
	else if (strcmp(option->name, SUPPRESSIONS_NAME) == 0)
		return suppressions_option_take(command, request->suppressions, value);
	return 0;
}

/* --from, --to and FILE@SNAP, which means --to. */
static int find_range(const struct report_request *request, const struct operand *operand,
		      struct report_options *range, struct error *error)
{
	size_t last;
	int result;

	if (request->from) {
		result = profile_find_snapshot(operand->profile, request->from,
					       &range->first_snapshot, error);
		if (result < 0)
			return result;
	}
	if (!request->to && !operand->snapshot)
		return 0;
	result = operand_find_snapshot(operand, request->to, &last, error);
	if (result < 0)
		return result;
	range->snapshot_limit = last + 1;
	if (range->first_snapshot > last)
		return error_set(error, EINVAL,
				 "snapshot '%s' is later than '%s'; 'seep snapshots %s' lists them",
				 request->from, operand->snapshot ? operand->snapshot : request->to,
				 operand->path);
	return 0;
}

static size_t count_notes(const char *const *notes)
{
	size_t count = 0;

	while (notes && notes[count])
		count++;
	return count;
}

static int write_report(const struct report_request *request, struct symbols *symbols,
			struct operand *operand, struct sink *sink, bool is_one_line,
			struct error *error)
{
	const struct thresholds thresholds =
		thresholds_with_logged(&request->thresholds, operand->profile);
	struct report_options range = {.min_bytes = request->min_bytes,
				       .flag_minor = request->flag_minor,
				       .is_kept = thresholds_concern_site,
				       .context = &thresholds};
	struct report *report = NULL;
	size_t known_notes = count_notes(symbols_notes(symbols));
	int result = find_range(request, operand, &range, error);

	if (result == 0)
		result = report_build(operand->profile, &range, &report, error);
	if (result == 0)
		result = report_resolve(report, &thresholds, request->suppressions, symbols,
					request->top ? request->top : SYMBOLS_OF_ALL_SITES, error);
	/* Not before there is something to write: the file of -o may be yesterday's report. */
	if (result == 0 && !sink->stream)
		result = sink_open(sink, request->output, error);
	else if (result == 0 && request->format == FORMAT_TEXT)
		fputs("\n\n", sink->stream);
	if (result < 0)
		goto out;
	if (request->format == FORMAT_JSON) {
		result = json_report_write(sink->stream, report,
					   &(struct json_report_options){
						   .site_limit = request->top,
						   .is_one_line = is_one_line,
					   });
	} else {
		const char *const *notes = symbols_notes(symbols);
		result = text_report_write(sink->stream, report,
					   &(struct text_report_options){
						   .style = sink->style,
						   .site_limit = request->top,
						   .has_full_stacks = request->has_full_stacks,
						   .source = operand->text,
						   .notes = notes ? notes + known_notes : NULL,
					   });
	}
	if (result == -EIO)
		result = 0; /* sink_close says why */
	if (result < 0)
		error_set(error, -result, "not enough memory for the report of %s", operand->path);
out:
	report_free(report);
	return result;
}

static int open_and_write(const struct report_request *request, const char *text,
			  struct symbols *symbols, struct sink *sink, bool is_one_line,
			  struct error *error)
{
	struct operand operand;
	int result = operand_open(&operand, text, error);

	if (result == 0)
		result = write_report(request, symbols, &operand, sink, is_one_line, error);
	operand_close(&operand);
	return result;
}

/* ---- a folder ---------------------------------------------------------------------------------
 */

struct folder_file {
	const char *path;
	struct process_brief brief;
};

/* Functions and lines take longest, and most files have nothing to show: only where thresholds ask for
 * them. */
static int check_thresholds(const struct thresholds *thresholds, struct report *report,
			    struct suppressions *suppressions, struct symbols *symbols,
			    struct error *error)
{
	if (thresholds_need_symbols(thresholds))
		return report_resolve(report, thresholds, suppressions, symbols,
				      SYMBOLS_OF_ALL_SITES, error);
	return thresholds_check(thresholds, report) < 0
		       ? error_set(error, ENOMEM, "not enough memory for the thresholds")
		       : 0;
}

static int judge(const struct report_request *request, struct folder_file *file,
		 struct symbols *symbols, struct error *error)
{
	struct thresholds thresholds = request->thresholds;
	struct report_options range = {.min_bytes = request->min_bytes,
				       .flag_minor = request->flag_minor,
				       .is_kept = thresholds_concern_site,
				       .context = &thresholds};
	struct report *report = NULL;
	struct operand operand;
	int result = operand_open(&operand, file->path, error);

	if (result == 0) {
		thresholds = thresholds_with_logged(&request->thresholds, operand.profile);
		result = find_range(request, &operand, &range, error);
	}
	if (result == 0)
		result = report_build(operand.profile, &range, &report, error);
	if (result == 0)
		result = report_suppress(report, request->suppressions, symbols, error);
	if (result == 0)
		result = check_thresholds(&thresholds, report, request->suppressions, symbols,
					  error);
	if (result == 0 && process_brief_make(&file->brief, report) < 0)
		result = error_set(error, ENOMEM, "not enough memory for the report of %s",
				   file->path);
	report_free(report);
	operand_close(&operand);
	return result;
}

static int compare_files(const void *a, const void *b)
{
	const struct folder_file *one = a, *other = b;
	int order = process_brief_compare(&one->brief, &other->brief);

	return order ? order : strcmp(one->path, other->path);
}

/* An exec gives a process a second file. */
static size_t count_processes(const struct folder_file *files, size_t count)
{
	size_t processes = 0;

	for (size_t i = 0; i < count; i++) {
		size_t before = 0;
		while (before < i && files[before].brief.pid != files[i].brief.pid)
			before++;
		processes += before == i;
	}
	return processes;
}

static void write_title(const struct sink *sink, const char *path, const struct folder_file *files,
			size_t count, size_t leaking)
{
	size_t processes = count_processes(files, count), crossings = 0;
	size_t leaking_processes = count_processes(files, leaking);
	struct text_line line;

	text_line_begin(&line, sink->stream, &sink->style);
	text_line_print(&line, INK_TITLE, "%s: %zu process%s, ", path, processes,
			processes == 1 ? "" : "es");
	if (leaking && processes == 1)
		text_line_put(&line, INK_ALARM, "which leaks");
	else if (leaking)
		text_line_print(&line, INK_ALARM, "%zu of them leak%s", leaking_processes,
				leaking_processes == 1 ? "s" : "");
	else
		text_line_put(&line, INK_CALM, "none leaks");
	for (size_t i = 0; i < count; i++)
		crossings += files[i].brief.crossing_count;
	if (crossings)
		text_line_print(&line, INK_ALARM, ", %zu threshold%s crossed", crossings,
				crossings == 1 ? "" : "s");
	text_line_end(&line);
}

/* Those that need no report of their own. */
static void write_briefs(const struct sink *sink, const struct folder_file *files, size_t count,
			 bool follows_reports)
{
	char word[SHELL_WORD_BYTES], command[SHELL_WORD_BYTES + 32];
	struct text_line line;

	if (count == 0)
		return;
	text_line_begin(&line, sink->stream, &sink->style);
	if (follows_reports) {
		fputs("\n\n", sink->stream);
		text_line_put(&line, INK_CALM, "Without a finding");
		text_line_put(&line, INK_TITLE, ":");
		text_line_end(&line);
	}
	for (size_t i = 0; i < count; i++)
		process_brief_write(sink->stream, &sink->style, &files[i].brief);
	fputc('\n', sink->stream);
	snprintf(command, sizeof(command), "seep report %s", shell_word(files[0].path, word));
	text_command(sink->stream, &sink->style, INK_PLAIN, "Next: ", 6,
		     "one of them in full:", command);
}

/* Those with a finding first and in full; of the others, in text, one line each. */
static int write_judged(const struct report_request *request, const char *path,
			const struct folder_file *files, size_t count, struct symbols *symbols,
			struct sink *sink)
{
	struct error error = {""};
	size_t leaking = 0, with_finding, in_full = count;
	int status = EXIT_CLEAN;

	while (leaking < count && files[leaking].brief.flagged_count)
		leaking++;
	with_finding = leaking;
	while (with_finding < count && files[with_finding].brief.crossing_count)
		with_finding++;
	if (request->format == FORMAT_TEXT) {
		in_full = with_finding;
		if (!sink->stream && sink_open(sink, request->output, &error) < 0)
			return command_fail("%s: %s", request->command->name, error.text);
		write_title(sink, path, files, count, leaking);
	}
	for (size_t i = 0; i < in_full; i++)
		if (open_and_write(request, files[i].path, symbols, sink, true, &error) < 0)
			status = command_fail("%s: %s", request->command->name, error.text);
	write_briefs(sink, files + in_full, count - in_full, in_full > 0);
	return status;
}

static int write_folder(const struct report_request *request, const char *path,
			struct symbols *symbols, struct sink *sink)
{
	struct snapshot_folder folder;
	struct folder_file *files = NULL;
	struct error error = {""};
	size_t count = 0;
	int status = EXIT_CLEAN;

	if (snapshot_folder_list(&folder, path, &error) < 0) {
		status = command_fail("%s: %s", request->command->name, error.text);
		goto out;
	}
	files = calloc(folder.count, sizeof(*files));
	if (!files) {
		status = command_fail("%s: not enough memory", request->command->name);
		goto out;
	}
	for (size_t i = 0; i < folder.count; i++) {
		files[count].path = folder.paths[i];
		if (judge(request, &files[count], symbols, &error) == 0)
			count++;
		else
			status = command_fail("%s: %s", request->command->name, error.text);
	}
	qsort(files, count, sizeof(*files), compare_files);
	/* Those that leak are looked at once more. */
	suppressions_start_again(request->suppressions);
	if (count && write_judged(request, path, files, count, symbols, sink) != EXIT_CLEAN)
		status = EXIT_CANNOT;
out:
	free(files);
	snapshot_folder_free(&folder);
	return status;
}

static int write_all(const struct report_request *request, int count, char **texts,
		     struct symbols *symbols, struct sink *sink)
{
	int status = EXIT_CLEAN;

	for (int i = 0; i < count; i++) {
		struct error error = {""};
		if (snapshot_folder_is(texts[i])) {
			if (write_folder(request, texts[i], symbols, sink) != EXIT_CLEAN)
				status = EXIT_CANNOT;
			continue;
		}
		/* The other files of a process tree are still worth reading. */
		if (open_and_write(request, texts[i], symbols, sink, count > 1, &error) < 0)
			status = command_fail("%s: %s", request->command->name, error.text);
	}
	return status;
}

static int report_on(struct report_request *request, int count, char **texts)
{
	struct error error = {""};
	struct sink sink = {0};
	int status;

	if (count == 0)
		return command_fail("report: no FILE or PID was given; see 'seep report --help'");
	if (chosen_settings_complete(&request->settings, NULL, &error) < 0)
		return command_fail("report: %s", error.text);
	request->thresholds = chosen_settings_thresholds(&request->settings);
	if (!request->has_top && request->format == FORMAT_TEXT)
		request->top = SITES_IN_TEXT;
	request->symbols.show_progress = isatty(STDERR_FILENO);
	struct symbols *symbols = symbols_new(&request->symbols);
	if (!symbols)
		return command_fail("report: not enough memory");
	status = write_all(request, count, texts, symbols, &sink);
	if (sink_close(&sink, &error) < 0)
		status = command_fail("report: %s", error.text);
	symbols_free(symbols);
	return status;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct suppressions suppressions = {0};
	struct report_request request = {.command = self, .suppressions = &suppressions};
	struct error error;
	int status;

	if (chosen_settings_make(&request.settings, &error) < 0)
		return command_fail("report: %s", error.text);
	int first = command_parse(self, argc, argv, 0, take_option, &request, &status);
	if (first >= 0)
		status = report_on(&request, argc - first, argv + first);
	chosen_settings_free(&request.settings);
	suppressions_free(&suppressions);
	return status;
}

const struct command command_report = {
	.name = "report",
	.summary = "what accumulates, with verdicts and stacks",
	.arguments = "[OPTIONS] FILE|PID|FOLDER...",
	.description =
		"Reads the snapshot file of a run, or of a process that is still running under "
		"seep, "
		"and says for each allocation site whether it leaks: what it holds, how fast it "
		"grows, since when, and the stack from the program's own function outwards.\n\n"
		"The sites that need attention come first: flagged ones, then by growth per hour, "
		"then by size. The verdicts: lost (nothing points to it any more, as a scan has "
		"found) and leak (its old blocks keep growing in number, or a "
		"buffer that realloc makes ever longer) are flagged, the latter also where the "
		"program frees "
		"it all as it ends, which the report then says; growing is not decided yet; "
		"saturating grows ever less; "
		"plateau grew and stopped; periodic comes and goes; stable does nothing; unfreed "
		"was "
		"live when a run ended that was too short to judge growth. Under each of the first "
		"three stands why. Sites that are one leak, such as all callers of a wrapper that "
		"forgets "
		"to free, are one entry, which --top=0 unfolds.\n\n"
		"What is lost is known where it was looked at: by seep scan, or in a run with "
		"--scan. What is definitely lost is flagged, be it one block, with what only that "
		"held; what is possibly lost is named. Who holds what leaks or grows, and can be "
		"reached, is named too.\n\n"
		"Behind the sites stands what the memory of the process as a whole is made of, and "
		"a verdict on it: a leak, growth at other sites, fragmentation, free memory that "
		"the allocator does not return, growth outside malloc, or stable. A short run has "
		"none.\n\n"
		"Of a FOLDER, such as the one in which seep run keeps the files of child "
		"processes, those files come first and in full that show a leak; of each other "
		"there is one line. Files in folders below it are left alone.\n\n"
		"A file is good whatever happened to the program, kill -9 included. The exit "
		"status "
		"is 0 whether or not there are leaks, 2 when a FILE could not be read or the "
		"report "
		"not be written.",
	.options = options,
	.examples =
		"seep report seep.server.4711.seep\tthe report of a run\n"
		"seep report seep.make.4711.children\tthe child processes of a run\n"
		"seep report 4711\ttake a snapshot of a running process and report\n"
		"seep report --from=5 seep.server.4711.seep\tleave out the warm-up\n"
		"seep report --format=json seep.server.4711.seep | jq '.sites[] | select(.flagged)'"
		"\tthe flagged sites for a script\n",
	.run = run,
};
