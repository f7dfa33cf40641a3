/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_suppressions: a file of suppressions, or a baseline, read and applied to a report.
 */
#include <string.h>

#include "tests/fuzz/demand.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/hostile_file.h"
#include "tests/unit/tools/sample_report.h"
#include "tools/model/baseline.h"
#include "tools/model/error.h"
#include "tools/model/suppression.h"

#define NOW_UNIX_S 1700000000

static void apply(struct suppressions *suppressions)
{
	struct sample *sample = sample_of_all_verdicts();

	sample_group(sample, 2);
	DEMAND(suppressions_apply(suppressions, &sample->report, NOW_UNIX_S), "no memory");
	for (size_t i = 0; i < suppressions->count; i++)
		for (size_t s = 0; s < sample->report.site_count; s++)
			suppression_matches(&suppressions->list[i], &sample->report.sites[s]);
	free(sample);
}

static void demand_line(const struct error *error)
{
	DEMAND(*error->text && !strchr(error->text, '\n'), "no sentence: '%s'", error->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct suppressions suppressions = {0}, known = {0};
	struct error error = {""};
	const char *path = hostile_file(data, size);

	if (suppressions_read(&suppressions, path, &error) < 0)
		demand_line(&error);
	else
		apply(&suppressions);
	suppressions_free(&suppressions);
	if (baseline_read(&known, path, false, &error) < 0)
		demand_line(&error);
	else
		apply(&known);
	suppressions_free(&known);
	return 0;
}
