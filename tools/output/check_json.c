/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_json: seep.check/1, with a seep.report/1 of each file. The outcome comes last, because it is
 * known last.
 */
#include <errno.h>
#include <time.h>

#include "tools/model/report.h"
#include "tools/output/check_format.h"
#include "tools/output/json_report.h"
#include "tools/output/json_suppression.h"

static int begin(struct check_writer *writer)
{
	fputs("{\"schema\":\"seep.check/1\",\n \"processes\":[", writer->stream);
	return 0;
}

static int file(struct check_writer *writer, const struct report *report,
		const struct check_sums *sums, const char *source)
{
	(void)source;
	fputs(sums->file_count ? "," : "", writer->stream);
	int result = json_report_write(
		writer->stream, report,
		&(struct json_report_options){.has_findings_only = true, .is_one_line = true});
	return result == -EIO ? 0 : result;
}

static int end(struct check_writer *writer, const struct check_outcome *outcome)
{
	const struct check_sums *sums = outcome->sums;
	FILE *stream = writer->stream;

	fputs("],\n \"command\":", stream);
	if (outcome->words) {
		fputs("{\"words\":", stream);
		json_write_words(stream, outcome->words);
		fprintf(stream, ",\"status\":%d}", outcome->program_status);
	} else {
		fputs("null", stream);
	}
	fputs(",\n \"suppressions\":", stream);
	json_suppression_write_all(stream, outcome->suppressions, time(NULL));
	fprintf(stream,
		",\n \"leaks\":%zu,\"lost\":%zu,\"suppressed\":%zu,\"thresholds_crossed\":%zu,"
		"\"unreadable\":%zu,\n \"passed\":%s,\"exit_status\":%d}\n",
		sums->leak_count, sums->lost_count, sums->suppressed_count, sums->crossing_count,
		sums->failed_count,
		check_has_finding(sums) || sums->failed_count ? "false" : "true",
		outcome->exit_status);
	return 0;
}

const struct check_format check_format_json = {
	.name = "json", .begin = begin, .file = file, .end = end};
