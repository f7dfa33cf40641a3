/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_resolve: a report's functions and lines, and the thresholds that it has crossed.
 *
 * Two things that need each other: a threshold may be for sites with a certain function, and a
 * site that has crossed one wants to be seen with its own. Reading debug information takes
 * longest, so where no threshold asks for functions the sites are known first.
 */
#include "tools/commands/report_resolve.h"

#include <errno.h>

#include "tools/model/error.h"
#include "tools/model/report.h"
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

int report_resolve(struct report *report, const struct thresholds *thresholds,
		   struct symbols *symbols, size_t site_limit, struct error *error)
{
	int result;

	if (thresholds_need_symbols(thresholds)) {
		result = symbols_resolve(symbols, report, 0, error);
		return result < 0 ? result : check(report, thresholds, error);
	}
	result = check(report, thresholds, error);
	if (result < 0)
		return result;
	if (site_limit)
		site_limit = with_crossing_sites(report, site_limit);
	return symbols_resolve(symbols, report, site_limit, error);
}
