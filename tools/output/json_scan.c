/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_scan: the words are those of the text report; a scan that failed has no totals but says why.
 */
#include "tools/output/json_scan.h"

#include <string.h>

#include "tools/model/profile.h"
#include "tools/model/report.h"
#include "tools/model/scan.h"
#include "tools/output/json_values.h"
#include "tools/output/lost_text.h"

static json_t *amount(uint64_t bytes, uint64_t blocks)
{
	return json_pack("{s:o, s:o}", "bytes", json_value_count(bytes), "blocks",
			 json_value_count(blocks));
}

static const char *outcome_name(uint16_t outcome)
{
	static const char *const names[] = {
		[SEEP_SCAN_DONE] = "done",	     [SEEP_SCAN_NO_COPY] = "no_copy",
		[SEEP_SCAN_NO_MEMORY] = "no_memory", [SEEP_SCAN_FAILED] = "failed",
		[SEEP_SCAN_SAMPLED] = "sampled",     [SEEP_SCAN_LOST] = "lost",
		[SEEP_SCAN_TOO_LATE] = "too_late",
	};
	return outcome < sizeof(names) / sizeof(*names) ? names[outcome] : "unknown";
}

static json_t *totals_object(const struct seep_scan *raw)
{
	if (raw->outcome != SEEP_SCAN_DONE)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o}", "definitely_lost",
			 amount(raw->definitely_bytes, raw->definitely_blocks), "indirectly_lost",
			 amount(raw->indirectly_bytes, raw->indirectly_blocks), "possibly_lost",
			 amount(raw->possibly_bytes, raw->possibly_blocks), "reachable",
			 amount(raw->reachable_bytes, raw->reachable_blocks));
}

json_t *json_scan_object(const struct report *report)
{
	const struct scan *scan = report->scan;

	if (!scan)
		return json_null();
	const struct seep_scan *raw = &scan->raw;
	uint64_t lost_blocks = report->profile->snapshots[report->last_snapshot].raw.lost_blocks;
	return json_pack("{s:s, s:s, s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o}", "outcome",
			 outcome_name(raw->outcome), "text",
			 lost_text_sentence(scan, lost_blocks).text, "snapshot",
			 json_value_count(raw->snapshot), "t_s", json_real(scan->time_s),
			 "confirmed", !!(raw->flags & SEEP_SCAN_IS_CONFIRMED), "stopped",
			 !!(raw->flags & SEEP_SCAN_IS_STOPPED), "pause_ms",
			 json_real((double)raw->pause_ns / 1e6), "work_ms",
			 json_real((double)raw->work_ns / 1e6), "threads",
			 json_value_count(raw->threads), "unread_threads",
			 json_value_count(raw->unread_threads), "totals", totals_object(raw));
}

json_t *json_reachability_object(const struct report_site *site)
{
	const struct scanned_site *scanned = site->scanned;

	if (!scanned)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "definitely_lost",
			 amount(scanned->definitely.bytes, scanned->definitely.blocks),
			 "indirectly_lost",
			 amount(scanned->indirectly.bytes, scanned->indirectly.blocks),
			 "possibly_lost", amount(scanned->possibly.bytes, scanned->possibly.blocks),
			 "reachable", amount(scanned->reachable.bytes, scanned->reachable.blocks),
			 "held_by_lost", amount(scanned->below.bytes, scanned->below.blocks));
}
