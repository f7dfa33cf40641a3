/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checked_files: snapshot files, asked one after the other whether there is a finding in them.
 *
 * One at a time: the files of a build can be thousands. What was found stands in the output before
 * it is known whether it was all, so the outcome comes last, also in JSON.
 */
#include "tools/commands/checked_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/commands/child_process.h"
#include "tools/commands/command.h"
#include "tools/commands/operand.h"
#include "tools/commands/program_check.h"
#include "tools/commands/report_resolve.h"
#include "tools/commands/snapshot_folder.h"
#include "tools/commands/test_driver.h"
#include "tools/model/baseline.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/suppression_draft.h"
#include "tools/model/verdict.h"
#include "tools/model/wrong_free.h"
#include "tools/symbols/symbols.h"

/* ---- one file ---- */

/* What is no leak of the tests is said once. */
static void note_driver(struct check_sums *sums, const struct report *report)
{
	const char *name = report->profile->name;
	size_t count = 0;

	for (size_t i = 0; i < report->site_count; i++) {
		const struct report_site *site = &report->sites[i];
		count += report_site_is_known(site) && site->suppression->is_of_drivers;
	}
	if (count && !sums->driver_site_count)
		snprintf(sums->driver, sizeof(sums->driver), "%s", name ? name : "?");
	sums->driver_site_count += count;
}

static void add_sums(struct check_sums *sums, const struct report *report, bool is_driver)
{
	sums->file_count++;
	if (is_driver)
		note_driver(sums, report);
	for (size_t i = 0; i < report->site_count; i++) {
		const struct report_site *site = &report->sites[i];
		sums->suppressed_count +=
			report_site_is_known(site) && !site->suppression->is_builtin;
	}
	size_t wrong_frees = report->wrong_free_count - wrong_frees_count(report);
	sums->suppressed_wrong_frees += wrong_frees;
	sums->suppressed_count += wrong_frees;
	sums->short_count += report->snapshot_count < VERDICT_MIN_SNAPSHOTS;
}

/* Flagged ones come first: so many of them need symbols, mostly none, and then no debug information is
 * opened, which takes longer than a short test runs. */
static size_t count_to_resolve(const struct report *report)
{
	size_t count = 0, leaks = report_leak_count(report);

	while (count < report->site_count && report->sites[count].judgement.is_flagged)
		count++;
	return leaks > count ? leaks : count;
}

static int check_operand(struct checked_files *checked, const struct operand *operand,
			 struct error *error)
{
	const struct profile *profile = operand->profile;
	const struct thresholds thresholds = thresholds_with_logged(&checked->thresholds, profile);
	struct report_options range = {.flag_minor = checked->flag_minor,
				       .flag_growing =
					       checked->fails_on & 1u << FINDING_RULE_GROWTH,
				       .is_kept = thresholds_concern_site,
				       .context = &thresholds};
	struct report *report = NULL;
	size_t last;
	int result = 0;

	if (profile_is_unseen(profile))
		return error_set(error, ENODATA,
				 "nothing was seen of %s (%u): its malloc is its own and comes "
				 "before any preloaded one, see seep doctor; --children can leave "
				 "out what others start",
				 profile->name, profile->pid);
	if (operand->snapshot) {
		result = operand_find_snapshot(operand, NULL, &last, error);
		if (result < 0)
			return result;
		range.snapshot_limit = last + 1;
	}
	bool is_driver = checked->children &&
			 test_driver_is(profile, checked->children, checked->is_program);

	suppressions_note_process(&checked->suppressions, profile);
	suppressions_look_at(&checked->suppressions, is_driver);
	result = report_build(profile, &range, &report, error);
	if (result == 0)
		result = report_resolve(report, &thresholds, &checked->suppressions,
					checked->symbols, count_to_resolve(report), error);
	if (result == 0 && checked->baseline && !baseline_add(checked->baseline, report))
		result = error_set(error, ENOMEM, "not enough memory for the baseline");
	if (result == 0 && checked->draft && !suppression_draft_add(checked->draft, report))
		result = error_set(error, ENOMEM, "not enough memory for the suppressions");
	if (result == 0 && (merged_findings_add(checked->found, report) < 0 ||
			    (checked->format->file &&
			     checked->format->file(&checked->writer, report, &checked->sums,
						   checked->found, operand->text) < 0)))
		result = error_set(error, ENOMEM, "not enough memory for the report of %s",
				   operand->path);
	if (result == 0)
		add_sums(&checked->sums, report, is_driver);
	report_free(report);
	return result;
}

static void fail(struct checked_files *checked, const struct error *error)
{
	command_fail("check: %s", error->text);
	checked->sums.failed_count++;
}

/* A name without a slash is that of a file here before it is one of PATH. */
static bool is_program(const char *name)
{
	char here[PATH_MAX], path[PATH_MAX];
	struct error ignored;
	bool is_here = !strchr(name, '/') && access(name, F_OK) == 0;

	snprintf(here, sizeof(here), "%s%s", is_here ? "./" : "", name);
	return program_check_find(here, path, &ignored) == 0;
}

static void check_file(struct checked_files *checked, const char *name)
{
	struct error error = {""};
	struct operand operand;
	int result = operand_open(&operand, name, &error);

	if (result == 0)
		result = check_operand(checked, &operand, &error);
	operand_close(&operand);
	/* The first thing that everybody forgets. */
	if ((result == -EINVAL || result == -ENOENT) && is_program(name))
		error_set(&error, -result,
			  "%s is a program, and no snapshot file; to run and check it, write "
			  "seep check -- %s",
			  name, name);
	if (result < 0)
		fail(checked, &error);
}

void checked_files_add(struct checked_files *checked, const char *name)
{
	struct snapshot_folder folder;
	struct error error;

	if (!snapshot_folder_is(name)) {
		check_file(checked, name);
		return;
	}
	if (snapshot_folder_list(&folder, name, &error) < 0) {
		fail(checked, &error);
	} else {
		/* The files of a run, with what has run the others. */
		checked->children = folder.count > 1 ? "all" : NULL;
		for (size_t i = 0; i < folder.count; i++)
			check_file(checked, folder.paths[i]);
		checked->children = NULL;
	}
	snapshot_folder_free(&folder);
}

/* ---- the whole ---- */

int checked_files_begin(struct checked_files *checked, struct error *error)
{
	struct check_writer *writer = &checked->writer;

	writer->stream = checked->sink->stream;
	writer->style = checked->sink->style;
	if (!getcwd(checked->folder, sizeof(checked->folder)))
		checked->folder[0] = '\0';
	writer->folder = checked->folder;
	checked->found = merged_findings_new();
	return !checked->found || (checked->format->begin && checked->format->begin(writer) < 0)
		       ? error_set(error, ENOMEM, "not enough memory")
		       : 0;
}

int checked_files_end(struct checked_files *checked, char *const *words,
		      const struct child_process *child, int exit_status, struct error *error)
{
	const struct check_outcome outcome = {
		.sums = &checked->sums,
		.found = checked->found,
		.fails_on = checked->fails_on,
		.writes_baseline = checked->baseline != NULL,
		.suppressions = &checked->suppressions,
		.notes = symbols_notes(checked->symbols),
		.words = words,
		.program_status = child ? child_process_status(child) : 0,
		.exit_status = exit_status,
	};

	return checked->format->end(&checked->writer, &outcome) < 0
		       ? error_set(error, ENOMEM, "not enough memory for the result")
		       : 0;
}
