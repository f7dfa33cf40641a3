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
#include "tools/model/process_tree.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/suppression.h"
#include "tools/output/merged_findings.h"
#include "tools/output/number_text.h"
#include "tools/output/process_brief.h"
#include "tools/output/shell_word.h"
#include "tools/output/sink.h"
#include "tools/output/text_line.h"

struct folder_file {
	const char *path;
	struct process_brief brief;
	struct process_file process;
	size_t news; /* of what is flagged: what no other before it has */
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

/* `operand` and `report` are to be released whatever it returns. */
static int open_report(const struct report_request *request, const char *path,
		       struct thresholds *thresholds, struct operand *operand,
		       struct report **report, struct error *error)
{
	struct report_options range;
	int result = operand_open(operand, path, error);

	*report = NULL;
	if (result < 0)
		return result;
	*thresholds = thresholds_with_logged(&request->thresholds, operand->profile);
	result = report_request_range(request, operand, thresholds, &range, error);
	return result < 0 ? result : report_build(operand->profile, &range, report, error);
}

static struct process_file process_of(const struct profile *profile)
{
	return (struct process_file){
		.pid = profile->pid,
		.parent = profile->forked_from ? profile->forked_from : profile->parent_pid,
		.start_ticks = profile->start_ticks,
		.started_unix_ns = profile->started_unix_ns,
	};
}

static int judge(const struct report_request *request, struct folder_file *file,
		 struct symbols *symbols, struct error *error)
{
	struct thresholds thresholds;
	struct report *report;
	struct operand operand;
	int result = open_report(request, file->path, &thresholds, &operand, &report, error);

	if (result == 0)
		result = symbols_find_wrong_frees(symbols, report, error);
	if (result == 0)
		result = report_suppress(report, request->suppressions, symbols, error);
	if (result == 0)
		result = check_thresholds(&thresholds, report, request->suppressions, symbols,
					  error);
	if (result == 0)
		file->process = process_of(operand.profile);
	if (result == 0)
		result = report_join_findings(report, symbols, error);
	if (result == 0 && process_brief_make(&file->brief, report) < 0)
		result = error_set(error, ENOMEM, "not enough memory for the report of %s",
				   file->path);
	report_free(report);
	operand_close(&operand);
	return result;
}

/* Of one that has a finding. */
static int merge(const struct report_request *request, struct folder_file *file,
		 struct symbols *symbols, struct merged_findings *found, struct error *error)
{
	struct thresholds thresholds;
	struct report *report;
	struct operand operand;
	int result = open_report(request, file->path, &thresholds, &operand, &report, error);

	if (result == 0)
		result = report_resolve(report, &thresholds, request->suppressions, symbols,
					SYMBOLS_OF_ALL_SITES, error);
	if (result == 0 && merged_findings_add(found, report) < 0)
		result = error_set(error, ENOMEM, "not enough memory for the findings of %s",
				   file->path);
	if (result == 0)
		file->news = merged_findings_news(found);
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
		while (before < i &&
		       !process_file_is_same(&files[before].process, &files[i].process))
			before++;
		processes += before == i;
	}
	return processes;
}

static void write_title(const struct sink *sink, const char *path, const struct folder_file *files,
			size_t count, size_t leaking)
{
	size_t processes = count_processes(files, count), crossings = 0, wrong_frees = 0;
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
	for (size_t i = 0; i < count; i++) {
		crossings += files[i].brief.crossing_count;
		wrong_frees += files[i].brief.wrong_free_count;
	}
	if (crossings)
		text_line_print(&line, INK_ALARM, ", %zu threshold%s crossed", crossings,
				number_plural(crossings));
	if (wrong_frees)
		text_line_print(&line, INK_ALARM, ", %zu wrong free%s", wrong_frees,
				number_plural(wrong_frees));
	text_line_end(&line);
}

/* What several processes have in common, for which only one of them has its report. */
static void write_merged(const struct sink *sink, const struct merged_findings *found)
{
	char title[FINDING_TITLE_BYTES];
	struct text_line line;
	bool has_any = false;

	for (const struct merged_finding *finding = found->first; finding;
	     finding = finding->next) {
		if (finding->process_count < 2)
			continue;
		if (!has_any) {
			fputc('\n', sink->stream);
			text_line_begin(&line, sink->stream, &sink->style);
			text_line_put(&line, INK_TITLE, "In several processes:");
			text_line_end(&line);
		}
		has_any = true;
		merged_finding_title(finding, title);
		text_paragraph(sink->stream, &sink->style, INK_PLAIN, "  ", 2, title);
	}
}

/* Everybody, below who has started it. */
static int write_tree(const struct sink *sink, struct folder_file *files, size_t count,
		      bool follows_reports)
{
	struct process_file *processes = calloc(count, sizeof(*processes));
	size_t *order = calloc(count, sizeof(*order));
	struct text_line line;
	int result = processes && order ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && result == 0; i++)
		processes[i] = files[i].process;
	if (result == 0)
		result = process_tree_order(processes, count, order);
	if (result == 0 && follows_reports) {
		fputs("\n\n", sink->stream);
		text_line_begin(&line, sink->stream, &sink->style);
		text_line_put(&line, INK_TITLE, "All processes:");
		text_line_end(&line);
	}
	for (size_t i = 0; i < count && result == 0; i++) {
		struct process_brief *brief = &files[order[i]].brief;
		brief->depth = processes[order[i]].depth;
		process_brief_write(sink->stream, &sink->style, brief);
	}
	free(processes);
	free(order);
	return result;
}

static void write_next(const struct sink *sink, const char *path)
{
	char word[SHELL_WORD_BYTES], command[SHELL_WORD_BYTES + 32];

	fputc('\n', sink->stream);
	snprintf(command, sizeof(command), "seep report %s", shell_word(path, word));
	text_command(sink->stream, &sink->style, INK_PLAIN, "Next: ", 6,
		     "one of them in full:", command);
}

/* Something that no line says. */
static bool has_more(const struct process_brief *brief)
{
	return brief->crossing_count || brief->wrong_free_count;
}

/* In text those that have something to say which nobody has said before, in full, and all in a line each; in
 * JSON all. */
static int write_judged(const struct report_request *request, const char *path,
			struct folder_file *files, size_t count, struct symbols *symbols,
			struct sink *sink)
{
	const bool is_text = request->format == REPORT_TEXT;
	struct merged_findings *found = merged_findings_new();
	struct error error = {""};
	size_t leaking = 0, with_finding;
	int status = EXIT_CLEAN;
	bool has_report = false;

	while (leaking < count && files[leaking].brief.flagged_count)
		leaking++;
	with_finding = leaking;
	while (with_finding < count && has_more(&files[with_finding].brief))
		with_finding++;
	if (!found) {
		status = command_fail("%s: not enough memory", request->command->name);
		goto out;
	}
	if (is_text) {
		if (!sink->stream && sink_open(sink, request->output, &error) < 0) {
			status = command_fail("%s: %s", request->command->name, error.text);
			goto out;
		}
		write_title(sink, path, files, count, leaking);
		for (size_t i = 0; i < leaking; i++)
			if (merge(request, &files[i], symbols, found, &error) < 0)
				status = command_fail("%s: %s", request->command->name, error.text);
		write_merged(sink, found);
		/* Those that leak are looked at once more. */
		suppressions_start_again(request->suppressions);
	}
	for (size_t i = 0; i < (is_text ? with_finding : count); i++) {
		if (is_text && !files[i].news && !has_more(&files[i].brief))
			continue;
		has_report = true;
		if (report_request_write(request, files[i].path, symbols, sink, true, &error) < 0)
			status = command_fail("%s: %s", request->command->name, error.text);
	}
	if (is_text && write_tree(sink, files, count, has_report) < 0)
		status = command_fail("%s: not enough memory", request->command->name);
	if (is_text && with_finding < count)
		write_next(sink, files[with_finding].path);
out:
	merged_findings_free(found);
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
