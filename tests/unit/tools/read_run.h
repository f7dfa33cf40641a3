/* SPDX-License-Identifier: Apache-2.0 */
/* read_run: a run that a test writes record by record, read back, and the report on it. */
#ifndef SEEP_TESTS_READ_RUN_H
#define SEEP_TESTS_READ_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/profile_writer.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/model/report.h"

struct read_run {
	struct profile_writer writer;
	struct profile *profile;
	struct report *report;
	uint32_t snapshots; /* for the test */
};

static inline struct report *report_on(const struct profile *profile,
				       const struct report_options *options)
{
	struct report *report;
	struct error error = {""};
	if (report_build(profile, options, &report, &error) != 0)
		fail_msg("%s", error.text);
	return report;
}

static inline struct report_site *report_site_on(const struct report *report, uint32_t stack)
{
	for (size_t i = 0; i < report->site_count; i++)
		if (report->sites[i].stack == stack)
			return &report->sites[i];
	fail_msg("the report has no site of stack %u", stack);
	return NULL;
}

/* The program exits, and its file is read. */
static inline void read_run_finish(struct read_run *run)
{
	profile_writer_end(&run->writer, SEEP_END_EXIT, 0);
	run->profile = profile_writer_read(&run->writer);
	assert_int_equal(run->profile->damage.damaged_records, 0);
	run->report = report_on(run->profile, NULL);
}

static inline void read_run_free(struct read_run *run)
{
	report_free(run->report);
	profile_free(run->profile);
	profile_writer_free(&run->writer);
}

#endif
