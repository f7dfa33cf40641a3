/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_request: what `seep report` was asked for, of one file.
 */
#include "tools/commands/report_request.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "tools/commands/operand.h"
#include "tools/commands/report_resolve.h"
#include "tools/commands/snapshot_folder.h"
#include "tools/commands/unseen_memory.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"
#include "tools/output/json_report.h"
#include "tools/output/sink.h"
#include "tools/output/text_report.h"

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

int report_request_range(const struct report_request *request, const struct operand *operand,
			 const struct thresholds *thresholds, struct report_options *range,
			 struct error *error)
{
	*range = (struct report_options){.min_bytes = request->min_bytes,
					 .flag_minor = request->flag_minor,
					 .is_kept = thresholds_concern_site,
					 .context = thresholds};
	return find_range(request, operand, range, error);
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
	struct report_options range;
	struct report *report = NULL;
	size_t known_notes = count_notes(symbols_notes(symbols));
	int result = report_request_range(request, operand, &thresholds, &range, error);

	if (result == 0)
		result = report_build(operand->profile, &range, &report, error);
	if (result == 0)
		result = report_resolve(report, &thresholds, request->suppressions, symbols,
					request->top ? request->top : SYMBOLS_OF_ALL_SITES, error);
	/* Not before there is something to write: the file of -o may be yesterday's report. */
	if (result == 0 && !sink->stream)
		result = sink_open(sink, request->output, error);
	else if (result == 0 && request->format == REPORT_TEXT)
		fputs("\n\n", sink->stream);
	if (result < 0)
		goto out;
	if (request->format == REPORT_JSON) {
		result = json_report_write(sink->stream, report,
					   &(struct json_report_options){
						   .site_limit = request->top,
						   .is_one_line = is_one_line,
					   });
	} else {
		const char *const *notes = symbols_notes(symbols);
		char children[PATH_MAX];
		size_t children_count =
			snapshot_folder_of_children(operand->path, operand->profile->pid, children);
		char unseen[UNSEEN_MEMORY_BYTES];
		bool has_unseen =
			unseen_memory_describe(operand->profile, request->symbols.sysroot, unseen);
		result = text_report_write(sink->stream, report,
					   &(struct text_report_options){
						   .style = sink->style,
						   .site_limit = request->top,
						   .has_full_stacks = request->has_full_stacks,
						   .source = operand->text,
						   .children = children_count ? children : NULL,
						   .children_count = children_count,
						   .unseen = has_unseen ? unseen : NULL,
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

int report_request_write(const struct report_request *request, const char *text,
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
