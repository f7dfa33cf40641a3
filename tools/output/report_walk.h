/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_walk: what of a report is shown, in which order, and what it comes to.
 *
 * One walk, many emitters: whether a report becomes text, JSON or another format, it is walked
 * here. Emitters only format what they are handed, so that all formats say the same.
 */
#ifndef SEEP_OUTPUT_REPORT_WALK_H
#define SEEP_OUTPUT_REPORT_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "tools/model/report.h"

/* What the reader wants to know before anything else. */
enum conclusion {
	CONCLUSION_LEAKS,	/* at least one site is flagged */
	CONCLUSION_GROWING,	/* none is, but some may become so */
	CONCLUSION_CALM,	/* no site grows */
	CONCLUSION_TOO_SHORT,	/* too few snapshots to judge growth; blocks are live */
	CONCLUSION_ALL_FREED,	/* nothing is live */
	CONCLUSION_NO_SNAPSHOT, /* the file holds none */
	CONCLUSION_UNSEEN,	/* the program does not allocate where we could see it */
	CONCLUSION_DIFF,	/* a diff has no verdict of its own: see `change` */
};

/* Sites that are left out, or all of them. */
struct site_sum {
	size_t count, flagged_count;
	uint64_t bytes, blocks;
	int64_t delta_bytes; /* diff only */
};

struct report_view {
	const struct report *report;
	struct site_sum rest; /* sites that are not shown, nor in a finding that is */
	enum conclusion conclusion;
	/* The first site of the kind that the conclusion is about; null where there is none. */
	const struct report_site *foremost;
	/* Sites that are one leak count once. */
	struct {
		size_t leak_count, lost_count, growing_count;
		double bytes_per_hour; /* of what the conclusion is about */
		uint64_t lost_bytes;   /* of the sites that are lost, with what they alone hold */
	} finding;
	/* Diff only. */
	struct {
		size_t grown_count, shrunk_count;
		int64_t grown_bytes, shrunk_bytes;
	} change;
};

/* Each returns 0 or a negative errno value, which ends the walk. `rank` counts from 1. */
struct report_emitter {
	int (*begin)(const struct report_view *view, void *context);
	int (*site)(const struct report_view *view, const struct report_site *site, size_t rank,
		    void *context);
	int (*end)(const struct report_view *view, void *context);
	/* For an emitter that wants the sites that are one leak as one; null for one that wants each
	 * site. */
	int (*finding)(const struct report_view *view, const struct report_finding *finding,
		       size_t rank, void *context);
};

/* Shows at most `limit` sites or findings, 0 for all; of a diff only those that changed. In a report
 * (not in a diff) they are the first ones of report->sites, or of report->entries for an emitter
 * with `finding`, so that only those need symbols.
 * Returns 0, -ENOMEM or what the emitter returned. */
int report_walk(const struct report *report, size_t limit, const struct report_emitter *emitter,
		void *context);

#endif
