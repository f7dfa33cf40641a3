/* SPDX-License-Identifier: Apache-2.0 */
/*
 * findings: what a check that the program has asked for came to, as text for a person.
 */
#ifndef LIB_CONTROL_FINDINGS_H
#define LIB_CONTROL_FINDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "seep/snapshot_format.h"

#define FINDINGS_SITES_MAX 16u /* the rest is counted */

/* A site that was found: the blocks and bytes that count, and of lost ones how many of them are
 * indirectly lost. */
struct finding {
	uint32_t stack;
	uint64_t blocks, bytes;
	uint64_t indirect_blocks, indirect_bytes;
};

/* The largest of those that were found, by falling bytes. */
struct found_sites {
	struct finding sites[FINDINGS_SITES_MAX];
	uint32_t count; /* in `sites` */
	uint64_t all;	/* found */
};
void found_sites_add(struct found_sites *found, const struct finding *finding);

/* Of what scan_check has found; ends with a zero byte. Empty where nothing is lost; where nobody could look it
 * says why. */
void findings_write_lost(struct buffer *text, const struct seep_scan *scan,
			 const struct buffer *sites);

/* Whether nothing is lost for certain, and some blocks may be: registers could not be read, or the
 * kernel not be asked what it holds. */
bool findings_are_unsure(const struct seep_scan *scan);

/* Where it could not be found out, for this reason: a negative errno value. */
void findings_write_error(struct buffer *text, int error);

/* Of sites that have kept growing over so many rounds. */
void findings_write_growth(struct buffer *text, const struct found_sites *found, uint32_t rounds);

#endif
