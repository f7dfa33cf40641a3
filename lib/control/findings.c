/* SPDX-License-Identifier: Apache-2.0 */
/*
 * findings: what a check that the program has asked for came to, as text for a person.
 *
 *   Runs in   the helper; where there is none, and for growth, a thread of the program
 *   Locks     none
 *   Memory    the buffer
 *   Calls     none
 *   Failure   buffer.is_failed: there is no text
 */
#include "lib/control/findings.h"

#include <errno.h>
#include <string.h>

#include "lib/control/stack_lines.h"
#include "lib/record/live_block.h"

#include "lib/base/poison.h"

void found_sites_add(struct found_sites *found, const struct finding *finding)
{
	uint32_t place = found->count < FINDINGS_SITES_MAX ? found->count : FINDINGS_SITES_MAX;

	found->all++;
	while (place > 0 && found->sites[place - 1].bytes < finding->bytes)
		place--;
	if (place == FINDINGS_SITES_MAX)
		return;
	if (found->count < FINDINGS_SITES_MAX)
		found->count++;
	memmove(&found->sites[place + 1], &found->sites[place],
		(found->count - 1 - place) * sizeof(found->sites[0]));
	found->sites[place] = *finding;
}

static void add_count(struct buffer *text, uint64_t count, const char *noun)
{
	stack_lines_add_number(text, count);
	stack_lines_add_text(text, " ");
	stack_lines_add_text(text, noun);
	if (count != 1)
		stack_lines_add_text(text, "s");
}

static void add_amount(struct buffer *text, uint64_t blocks, uint64_t bytes)
{
	add_count(text, bytes, "byte");
	stack_lines_add_text(text, " in ");
	add_count(text, blocks, "block");
}

static void add_rest(struct buffer *text, const struct found_sites *found)
{
	if (found->all > found->count) {
		stack_lines_add_text(text, "and ");
		add_count(text, found->all - found->count, "more site");
		stack_lines_add_text(text, "\n");
	}
	buffer_add(text, "", 1);
}

/* ---- lost ---------------------------------------------------------------------------------- */

struct reader {
	const uint8_t *next, *end;
};

static uint64_t take(struct reader *reader)
{
	uint64_t value = 0;

	for (uint32_t shift = 0; reader->next < reader->end && shift < 64; shift += 7) {
		uint8_t byte = *reader->next++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			break;
	}
	return value;
}

/* See SEEP_RECORD_SCAN. */
static void find_lost(const struct buffer *sites, uint32_t count, struct found_sites *found)
{
	struct reader reader = {sites->start + sizeof(struct seep_scan),
				sites->start + sites->bytes};
	uint32_t stack = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct finding finding;

		stack += (uint32_t)take(&reader);
		finding.stack = stack;
		finding.blocks = take(&reader);
		finding.bytes = take(&reader);
		finding.indirect_blocks = take(&reader);
		finding.indirect_bytes = take(&reader);
		finding.blocks += finding.indirect_blocks;
		finding.bytes += finding.indirect_bytes;
		/* Possibly lost, reachable, what hangs under it, and under whom it hangs. */
		for (uint32_t skipped = 0; skipped < 7; skipped++)
			take(&reader);
		if (finding.blocks > 0)
			found_sites_add(found, &finding);
	}
}

static const char *why_not(const struct seep_scan *scan)
{
	switch ((enum seep_scan_outcome)scan->outcome) {
	case SEEP_SCAN_DONE:
		break;
	case SEEP_SCAN_NO_COPY:
		return "the kernel makes no copy of the process";
	case SEEP_SCAN_NO_MEMORY:
		return "there was not enough memory to look";
	case SEEP_SCAN_FAILED:
		return "the copy of the process ended before it was done";
	case SEEP_SCAN_SAMPLED:
		return "with --sample most blocks are not known, nor what they hold";
	case SEEP_SCAN_LOST:
		return "some blocks could not be recorded, and what they hold is not known";
	case SEEP_SCAN_TOO_LATE:
		return "the process was just ending";
	}
	return "it is not known why";
}

static void add_error(struct buffer *text, int error)
{
	const char *words = strerrordesc_np(error);

	stack_lines_add_text(text, ": ");
	stack_lines_add_text(text, words == NULL ? "unknown error" : words);
}

void findings_write_error(struct buffer *text, int error)
{
	stack_lines_add_text(text, "it could not be checked");
	if (error == -EOVERFLOW) {
		stack_lines_add_text(text, ": the ");
		stack_lines_add_number(text, LIVE_BLOCK_EPOCH_MAX);
		stack_lines_add_text(text,
				     " moments, checks and snapshots of a process are used up");
	} else if (error == -ESRCH) {
		stack_lines_add_text(text, ": seep's process beside this one is gone");
	} else if (error == -ECANCELED) {
		stack_lines_add_text(text, ": the thread has begun other rounds, outside of these");
	} else {
		add_error(text, -error);
	}
	stack_lines_add_text(text, "\n");
	buffer_add(text, "", 1);
}

static void write_why_not(struct buffer *text, const struct seep_scan *scan)
{
	stack_lines_add_text(text, "what is lost is not known: ");
	stack_lines_add_text(text, why_not(scan));
	if (scan->error > 0 && scan->error <= 128)
		add_error(text, scan->error);
	stack_lines_add_text(text, "\n");
	buffer_add(text, "", 1);
}

static void write_lost_site(struct buffer *text, const struct finding *site)
{
	add_amount(text, site->blocks, site->bytes);
	stack_lines_add_text(text, site->indirect_blocks == site->blocks ? " indirectly lost"
									 : " definitely lost");
	if (site->indirect_blocks > 0 && site->indirect_blocks < site->blocks) {
		stack_lines_add_text(text, " (");
		add_count(text, site->indirect_blocks, "block");
		stack_lines_add_text(text, " of them indirectly)");
	}
	stack_lines_add_text(text, ", allocated at\n");
	stack_lines_add(text, site->stack);
}

bool findings_are_unsure(const struct seep_scan *scan)
{
	return scan->outcome == SEEP_SCAN_DONE &&
	       (scan->unread_threads > 0 || (scan->flags & SEEP_SCAN_IS_BLIND) != 0) &&
	       scan->definitely_blocks + scan->indirectly_blocks == 0 && scan->possibly_blocks > 0;
}

static void write_unsure(struct buffer *text, const struct seep_scan *scan)
{
	stack_lines_add_text(text, "what is lost is not known: ");
	add_count(text, scan->possibly_blocks, "block");
	stack_lines_add_text(
		text, scan->unread_threads > 0
			      ? " may be held by registers of threads, which could not be read\n"
			      : " may be held by the kernel, which could not be asked\n");
	buffer_add(text, "", 1);
}

void findings_write_lost(struct buffer *text, const struct seep_scan *scan,
			 const struct buffer *sites)
{
	struct found_sites found = {.count = 0};

	if (scan->outcome != SEEP_SCAN_DONE) {
		write_why_not(text, scan);
		return;
	}
	if (findings_are_unsure(scan)) {
		write_unsure(text, scan);
		return;
	}
	if (sites->bytes > sizeof(struct seep_scan))
		find_lost(sites, scan->site_count, &found);
	if (found.all == 0)
		return;
	for (uint32_t i = 0; i < found.count; i++)
		write_lost_site(text, &found.sites[i]);
	add_rest(text, &found);
}

/* ---- growth -------------------------------------------------------------------------------- */

void findings_write_growth(struct buffer *text, const struct found_sites *found, uint32_t rounds)
{
	if (found->all == 0)
		return;
	for (uint32_t i = 0; i < found->count; i++) {
		const struct finding *site = &found->sites[i];

		add_amount(text, site->blocks, site->bytes);
		stack_lines_add_text(text, " more after ");
		add_count(text, rounds, "more round");
		stack_lines_add_text(text, ", growing all the time, allocated at\n");
		stack_lines_add(text, site->stack);
	}
	add_rest(text, found);
}
