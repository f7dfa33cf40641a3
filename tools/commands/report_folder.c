/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_folder: the reports of the snapshot files in a folder, such as those of a run's child processes.
 */
#include "tools/commands/report_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/commands/command.h"
#include "tools/commands/operand.h"
#include "tools/commands/report_request.h"
#include "tools/commands/report_resolve.h"
#include "tools/commands/snapshot_folder.h"
#include "tools/model/error.h"
#include "tools/model/report.h"
#include "tools/model/suppression.h"
#include "tools/output/process_brief.h"
#include "tools/output/shell_word.h"
#include "tools/output/sink.h"
#include "tools/output/text_line.h"

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
	struct report_options range;
	struct report *report = NULL;
	struct operand operand;
	int result = operand_open(&operand, file->path, error);

	if (result == 0) {
		thresholds = thresholds_with_logged(&request->thresholds, operand.profile);
		result = report_request_range(request, &operand, &thresholds, &range, error);
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
	if (request->format == REPORT_TEXT) {
		in_full = with_finding;
		if (!sink->stream && sink_open(sink, request->output, &error) < 0)
			return command_fail("%s: %s", request->command->name, error.text);
		write_title(sink, path, files, count, leaking);
	}
	for (size_t i = 0; i < in_full; i++)
		if (report_request_write(request, files[i].path, symbols, sink, true, &error) < 0)
			status = command_fail("%s: %s", request->command->name, error.text);
	write_briefs(sink, files + in_full, count - in_full, in_full > 0);
	return status;
}

int report_folder_write(const struct report_request *request, const char *path,
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
