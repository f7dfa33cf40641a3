/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence_text: why a site got its verdict, in a few plain sentences.
 *
 *     every one of 31 periods left 40 to 60 blocks that nothing freed
 *     98.7 % of its blocks are freed by session_close server.c:120, nearly all of those within 2.0 s
 *     it goes on in step with what else the process allocates
 */
#ifndef SEEP_OUTPUT_EVIDENCE_TEXT_H
#define SEEP_OUTPUT_EVIDENCE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct report_site;

#define EVIDENCE_LINES_MAX 6
#define EVIDENCE_LINE_BYTES 800

struct evidence_text {
	char lines[EVIDENCE_LINES_MAX][EVIDENCE_LINE_BYTES];
	size_t count;
};

/* Of what grows or has grown, and of what is lost; no line for anything else. Of a site that is not
 * decided the last one says what is missing. `snapshot_count` were judged; `is_group`: it is about the
 * sum of sites. Who frees is named where symbols have been filled in. */
struct evidence_text evidence_text_of(const struct report_site *site, bool is_group,
				      size_t snapshot_count);

#endif
