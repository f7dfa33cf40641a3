/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reachability: what a scan makes of the judgements of a run, see scan.h.
 *
 * What is definitely lost is a leak, however little it is and whatever the site does over time: nobody
 * can free it any more. A site that grows and of which the larger part can still be reached remains a
 * leak, for that part has another cause; else the word is `lost`. What is possibly lost flags nothing.
 *
 * What only lost blocks hold is lost with them: sites of such blocks are one finding with the site
 * that they hang under, where the file names it.
 */
#ifndef SEEP_MODEL_REACHABILITY_H
#define SEEP_MODEL_REACHABILITY_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/model/scan.h"
#include "tools/model/verdict.h"

struct arena;
struct finding_list;
struct judgement;
struct profile;

/* Judges the sites anew by the scan that tells of snapshot index `last`; does nothing where there is
 * none. `judgements` are those of profile->sites. */
void reachability_judge(const struct profile *profile, size_t last, struct judgement *judgements);

/* The same of findings, and adds those that are what one site has lost; after the sites. The list lies
 * in `arena`. Returns false without memory. */
bool reachability_judge_findings(const struct profile *profile, size_t last,
				 const struct judgement *judgements, struct arena *arena,
				 struct finding_list *findings);

/* All blocks of the site that the scan has seen; and those that are definitely or indirectly lost. */
struct block_sum reachability_all(const struct scanned_site *site);
struct block_sum reachability_lost(const struct scanned_site *site);

/* Bytes and blocks that are gone with its definitely lost blocks: what only they hold may be of the same
 * site. */
uint64_t reachability_gone(const struct scanned_site *site);
uint64_t reachability_gone_blocks(const struct scanned_site *site);

/* Of so much that is lost. */
enum severity reachability_severity(uint64_t bytes);

/* Adds what was found of one site to that of another. */
void reachability_add(struct scanned_site *sum, const struct scanned_site *site);

#endif
