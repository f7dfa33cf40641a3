/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_judgement: the files of a run that has ended, judged one after the other.
 *
 * This may only take a moment, for somebody waits for his prompt.
 */
#include "tools/commands/run_judgement.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/commands/report_resolve.h"
#include "tools/commands/run_files.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/suppression.h"
#include "tools/model/wrong_free.h"
#include "tools/output/memory_text.h"
#include "tools/symbols/symbols.h"

struct symbols *run_judgement_symbols(void)
{
	unsetenv("DEBUGINFOD_URLS");
	return symbols_new(&(struct symbols_options){.show_progress = true});
}

/* Names take longest, and most programs leak nothing. */
static int put_findings_together(struct report *report, struct suppressions *suppressions,
				 struct error *error)
{
	struct symbols *symbols = run_judgement_symbols();
	int result = symbols ? symbols_find_wrong_frees(symbols, report, error)
			     : error_set(error, ENOMEM, "not enough memory");

	if (result == 0 && (report_leak_count(report) || report->wrong_free_count))
		result = report_suppress(report, suppressions, symbols, error);
	if (result == 0 && report_leak_count(report))
		result = report_join_findings(report, symbols, error);
	else if (result == 0 && !report_join(report))
		result = error_set(error, ENOMEM, "not enough memory for the findings");
	symbols_free(symbols);
	return result;
}

int run_judgement_report(const struct profile *profile, const struct report_options *options,
			 struct suppressions *suppressions, struct report **report,
			 struct error *error)
{
	int result = report_build(profile, options, report, error);

	if (result == 0)
		result = put_findings_together(*report, suppressions, error);
	return result;
}

/* Sites that are one leak count once, see report_entry. */
static size_t count_lasting(const struct report *report)
{
	size_t count = 0;

	for (size_t i = 0; i < report->entry_count; i++) {
		const struct report_site *site = report_entry_site(&report->entries[i]);
		count += site->judgement.is_flagged && site->live_blocks;
	}
	return count;
}

static double sum_flagged_growth(const struct report *report)
{
	double bytes_per_hour = 0;

	for (size_t i = 0; i < report->entry_count; i++) {
		const struct judgement *judgement =
			&report_entry_site(&report->entries[i])->judgement;
		if (judgement->is_flagged && judgement->growth.bytes_per_hour > 0)
			bytes_per_hour += judgement->growth.bytes_per_hour;
	}
	return bytes_per_hour;
}

static void count_known(struct run_file *file, const struct report *report)
{
	for (size_t i = 0; i < report->site_count; i++) {
		const struct report_site *site = &report->sites[i];
		const struct suppressed_amount amount = suppressed_amount(site);
		if (!report_site_is_known(site))
			continue;
		file->known_count++;
		file->known_bytes += amount.bytes;
		file->known_blocks += amount.blocks;
	}
}

static void note(struct run_file *file, const struct report *report)
{
	const struct profile *profile = report->profile;

	count_known(file, report);
	snprintf(file->name, sizeof(file->name), "%s", profile->name ? profile->name : "?");
	file->is_unseen = profile_is_unseen(profile);
	file->leak_count = report_leak_count(report);
	file->lasting_leak_count = count_lasting(report);
	file->leak_bytes_per_hour = sum_flagged_growth(report);
	file->wrong_free_count = wrong_frees_count(report);
	if (!memory_text_brief(report, file->memory))
		file->memory[0] = '\0';
	if (profile->self_check) {
		file->checked = profile->self_check->raw.compared;
		file->different = profile->self_check->raw.different;
	}
}

int run_judgement_make(struct run_files *run_files, struct suppressions *suppressions,
		       struct error *error)
{
	const struct report_options options = {0};
	int first_failure = 0;

	for (size_t i = 0; i < run_files->count; i++) {
		struct run_file *file = &run_files->files[i];
		struct error *reason = first_failure ? NULL : error;
		struct profile *profile = NULL;
		struct report *report = NULL;
		int result = profile_read(file->path, &profile, reason);
		if (result == -ENOENT && i != run_files->root) {
			run_files_drop(run_files, i--);
			continue;
		}
		if (result == 0)
			result = run_judgement_report(profile, &options, suppressions, &report,
						      reason);
		if (result == 0)
			note(file, report);
		else if (!first_failure)
			first_failure = result;
		report_free(report);
		profile_free(profile);
	}
	return first_failure;
}
