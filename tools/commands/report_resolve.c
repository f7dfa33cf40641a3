/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_resolve: a report's functions and lines, what of it is known, and the thresholds that it has
 * crossed.
 *
 * Things that need each other: a threshold may be for sites with a certain function, and a site that
 * has crossed one wants to be seen with its own; a suppression is for functions, and what it matches
 * makes room for other sites. Reading debug information takes longest, so where nothing asks for
 * functions the sites are known first.
 */
#include "tools/commands/report_resolve.h"

#include <errno.h>
#include <time.h>

#include "tools/commands/command.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/suppression.h"
#include "tools/model/threshold.h"
#include "tools/symbols/symbols.h"

static int check(struct report *report, const struct thresholds *thresholds, struct error *error)
{
	int result = thresholds_check(thresholds, report);

	return result < 0 ? error_set(error, -result, "not enough memory for the thresholds") : 0;
}

static size_t with_crossing_sites(const struct report *report, size_t site_limit)
{
	for (size_t i = 0; i < report->crossing_count; i++) {
		const struct report_site *site = report->crossings[i].site;
		if (site && (size_t)(site - report->sites) >= site_limit)
			site_limit = (size_t)(site - report->sites) + 1;
	}
	return site_limit;
}

/* So many sites stand before the last one that is flagged, by itself or as a part of a finding. */
static size_t count_accused(const struct report *report)
{
	size_t count = 0;

	for (size_t i = 0; i < report->site_count; i++) {
		const struct report_site *site = &report->sites[i];
		if (site->judgement.is_flagged ||
		    (site->finding && site->finding->sum.judgement.is_flagged))
			count = i + 1;
	}
	return count;
}

int report_suppress(struct report *report, struct suppressions *suppressions,
		    struct symbols *symbols, struct error *error)
{
	const struct profile *profile = report->profile;
	size_t count = count_accused(report);
	struct error own_error;

	/* A mistake of the program's keeps nobody from seeing what leaks. */
	if (profile->suppressions &&
	    suppressions_add_program(suppressions, profile->exe, profile->suppressions,
				     &own_error) < 0)
		command_fail("%s; none of them counts", own_error.text);
	suppressions_apply_wrong_frees(suppressions, report, time(NULL));
	if (!suppressions->count || !count)
		return 0;
	int result = symbols_resolve(symbols, report, count, error);
	if (result == 0 && !suppressions_apply(suppressions, report, time(NULL)))
		result = error_set(error, ENOMEM, "not enough memory for the suppressions");
	return result;
}

/* Which of what is lost comes from one place is told with functions: those that only allocate for others are
 * no place. */
int report_join_findings(struct report *report, struct symbols *symbols, struct error *error)
{
	size_t lost_count = 0;
	int result = 0;

	for (size_t i = 0; i < report->entry_count; i++)
		lost_count +=
			report_entry_site(&report->entries[i])->judgement.verdict == VERDICT_LOST;
	if (lost_count > 1)
		result = symbols_resolve(symbols, report, count_accused(report), error);
	if (result == 0 && !report_join(report))
		result = error_set(error, ENOMEM, "not enough memory for the findings");
	return result;
}

int report_resolve(struct report *report, const struct thresholds *thresholds,
		   struct suppressions *suppressions, struct symbols *symbols, size_t site_limit,
		   struct error *error)
{
	int result = symbols_find_wrong_frees(symbols, report, error);

	if (result == 0)
		result = report_suppress(report, suppressions, symbols, error);
	if (result == 0)
		result = report_join_findings(report, symbols, error);
	if (result < 0)
		return result;
	if (thresholds_need_symbols(thresholds)) {
		result = symbols_resolve(symbols, report, SYMBOLS_OF_ALL_SITES, error);
		return result < 0 ? result : check(report, thresholds, error);
	}
	result = check(report, thresholds, error);
	if (result < 0)
		return result;
	return symbols_resolve(symbols, report, with_crossing_sites(report, site_limit), error);
}
