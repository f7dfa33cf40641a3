/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lost_text: what a scan has found, in plain sentences.
 *
 * The words are Valgrind's, which everybody knows: definitely, indirectly and possibly lost.
 */
#include "tools/output/lost_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/model/reachability.h"
#include "tools/model/report.h"
#include "tools/output/number_text.h"

/* ---- one site ---- */

static void add_line(struct lost_text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_line(struct lost_text *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text->lines[text->count++], LOST_TEXT_BYTES, format, arguments);
	va_end(arguments);
}

/* "all 40 blocks (1.20 KiB) are", "its only block (40 B) is", "3 of 120 blocks (96 B) are" */
static void name_part(struct block_sum part, struct block_sum all, char *text, size_t size)
{
	if (part.blocks >= all.blocks && all.blocks == 1)
		snprintf(text, size, "its only block (%s) is", number_bytes(part.bytes).text);
	else if (part.blocks >= all.blocks)
		snprintf(text, size, "all %s blocks (%s) are", number_count(part.blocks).text,
			 number_bytes(part.bytes).text);
	else
		snprintf(text, size, "%s of %s blocks (%s) %s", number_count(part.blocks).text,
			 number_count(all.blocks).text, number_bytes(part.bytes).text,
			 part.blocks == 1 ? "is" : "are");
}

static void add_definitely(struct lost_text *text, const struct scanned_site *site,
			   struct block_sum all)
{
	char part[256], below[192] = "";
	bool is_one = site->definitely.blocks == 1;

	name_part(site->definitely, all, part, sizeof(part));
	if (site->below.blocks)
		snprintf(below, sizeof(below), ", with %s in %s block%s that only %s",
			 number_bytes(site->below.bytes).text,
			 number_count(site->below.blocks).text, number_plural(site->below.blocks),
			 is_one ? "it holds" : "they hold");
	add_line(text, "%s definitely lost%s", part, below);
}

struct lost_text lost_text_of(const struct report_site *site)
{
	const struct scanned_site *scanned = site->scanned;
	struct lost_text text = {.count = 0};
	char part[256];

	if (!scanned)
		return text;
	const struct block_sum all = reachability_all(scanned);
	const enum verdict verdict = site->judgement.verdict;
	if (scanned->definitely.blocks) {
		add_definitely(&text, scanned, all);
	} else if (scanned->indirectly.blocks) {
		name_part(scanned->indirectly, all, part, sizeof(part));
		add_line(&text, "%s indirectly lost: only lost blocks point to %s", part,
			 scanned->indirectly.blocks == 1 ? "it" : "them");
	}
	if (scanned->possibly.blocks) {
		const struct scan *scan = site->profile ? site->profile->scan : NULL;
		/* Of a program that goes on, the youngest blocks cannot be told yet. */
		bool is_sure = scan && scan->raw.flags & SEEP_SCAN_IS_STOPPED &&
			       !(scan->raw.flags & SEEP_SCAN_IS_CONFIRMED) &&
			       !(scan->raw.flags & SEEP_SCAN_IS_BLIND) && !scan->raw.unread_threads;
		name_part(scanned->possibly, all, part, sizeof(part));
		add_line(&text, "%s possibly lost: no pointer to %s start %s", part,
			 scanned->possibly.blocks == 1 ? "its" : "their",
			 is_sure ? "is left" : "was seen");
	}
	if (!text.count && scanned->reachable.blocks &&
	    (verdict == VERDICT_LEAK || verdict == VERDICT_GROWING))
		add_line(&text, "none of it is lost: the program still holds all of it");
	return text;
}

/* ---- the process ---- */

struct lost_sentence lost_text_brief(const struct scan *scan)
{
	const struct seep_scan *raw = &scan->raw;
	struct lost_sentence brief = {""};

	if (raw->outcome != SEEP_SCAN_DONE || !raw->definitely_blocks)
		return brief;
	int used = snprintf(brief.text, sizeof(brief.text), "%s block%s (%s) definitely lost",
			    number_count(raw->definitely_blocks).text,
			    number_plural(raw->definitely_blocks),
			    number_bytes(raw->definitely_bytes).text);
	if (raw->indirectly_blocks)
		snprintf(brief.text + used, sizeof(brief.text) - (size_t)used, ", %s (%s) with %s",
			 number_count(raw->indirectly_blocks).text,
			 number_bytes(raw->indirectly_bytes).text,
			 raw->definitely_blocks == 1 ? "it" : "them");
	return brief;
}

bool lost_text_is_news(const struct scan *scan)
{
	return scan->raw.outcome != SEEP_SCAN_DONE || scan->raw.definitely_blocks ||
	       scan->raw.possibly_blocks;
}

static struct lost_sentence done_sentence(const struct scan *scan)
{
	const struct seep_scan *raw = &scan->raw;
	struct lost_sentence sentence = lost_text_brief(scan);
	char possibly[256] = "", unread[192] = "", pause[96] = "";
	const char *blind = "";

	/* Strings that lie behind a head of their own look so, and are no leak. */
	const char *how = *sentence.text || raw->flags & SEEP_SCAN_IS_BLIND
				  ? ""
				  : ": they are held, if at all, by pointers into them";
	if (raw->possibly_blocks)
		snprintf(possibly, sizeof(possibly), "%s%s block%s (%s) possibly lost%s",
			 *sentence.text ? "; " : "nothing is definitely lost; ",
			 number_count(raw->possibly_blocks).text,
			 number_plural(raw->possibly_blocks),
			 number_bytes(raw->possibly_bytes).text, how);
	/* Of a process that has ended without waiting for it nobody knows how many it had. */
	if (raw->unread_threads > raw->threads)
		snprintf(unread, sizeof(unread),
			 "; the registers of its threads were gone, so that less is called "
			 "definitely lost");
	else if (raw->unread_threads)
		snprintf(unread, sizeof(unread),
			 "; the registers of %s thread%s could not be read, so that less is "
			 "called definitely lost",
			 number_count(raw->unread_threads).text,
			 number_plural(raw->unread_threads));
	if (raw->flags & SEEP_SCAN_IS_CLOSED)
		blind = "; the program has changed its user or is not dumpable, so that it is not "
			"known what the kernel keeps for it, and nothing is called definitely "
			"lost; start it as that user";
	else if (raw->flags & SEEP_SCAN_IS_BLIND)
		blind = "; not all that may hold pointers could be looked at (such as what the "
			"kernel "
			"keeps for it), so that nothing is called definitely lost";
	if (raw->pause_ns && raw->reason != SEEP_REASON_FINAL)
		snprintf(pause, sizeof(pause), "; the program stood still for %s",
			 number_duration((double)raw->pause_ns / 1e9).text);
	size_t used = strlen(sentence.text);
	snprintf(sentence.text + used, sizeof(sentence.text) - used, "%s%s%s%s%s",
		 used || *possibly ? "" : "nothing is lost, every block can be reached", possibly,
		 unread, blind, pause);
	return sentence;
}

static const char *why_no_copy(int error)
{
	switch (error) {
	case ENOMEM:
		return "there was not enough memory for a copy of the process (with "
		       "vm.overcommit_memory=2 as much again is needed)";
	case EAGAIN:
		return "a limit of processes is reached (ulimit -u, pids.max), and a copy of the "
		       "process is one more";
	case EPERM:
	case ENOSYS:
	case EACCES:
		return "the program may not make a copy of itself (clone is forbidden, as by a "
		       "seccomp filter)";
	default:
		return "the kernel made no copy of the process";
	}
}

struct lost_sentence lost_text_sentence(const struct scan *scan, uint64_t lost_blocks)
{
	static const char unknown[] = "what is lost is not known: ";
	struct lost_sentence sentence = {""};
	char why[512] = "";
	const int error = scan->raw.error;

	switch ((enum seep_scan_outcome)scan->raw.outcome) {
	case SEEP_SCAN_DONE:
		return done_sentence(scan);
	case SEEP_SCAN_NO_COPY:
		snprintf(why, sizeof(why), "%s%s%s; everything else in this report holds",
			 why_no_copy(error), error > 0 ? ": " : "",
			 error > 0 ? strerror(error) : "");
		break;
	case SEEP_SCAN_NO_MEMORY:
		snprintf(why, sizeof(why),
			 "there was not enough memory to look at the copy of the process; scan it "
			 "earlier, or give it more room");
		break;
	case SEEP_SCAN_FAILED:
		if (error > 128)
			snprintf(
				why, sizeof(why),
				"the copy of the process was ended by signal %d (%s) before it was "
				"done; try it again",
				error - 128, strsignal(error - 128));
		else if (error == ENOENT)
			snprintf(why, sizeof(why),
				 "what memory the program has could not be read from /proc; mount "
				 "it");
		else
			snprintf(why, sizeof(why),
				 "the copy of the process ended before it was done%s%s; try it "
				 "again",
				 error > 0 ? ": " : "", error > 0 ? strerror(error) : "");
		break;
	case SEEP_SCAN_SAMPLED:
		snprintf(why, sizeof(why),
			 "with --sample most blocks are not known, nor what they hold; run it "
			 "without");
		break;
	case SEEP_SCAN_LOST:
		snprintf(why, sizeof(why),
			 "%s block%s could not be recorded, and what %s hold%s is not known",
			 lost_blocks ? number_count(lost_blocks).text : "some",
			 number_plural(lost_blocks), lost_blocks == 1 ? "it" : "they",
			 lost_blocks == 1 ? "s" : "");
		break;
	case SEEP_SCAN_TOO_LATE:
		snprintf(why, sizeof(why),
			 "the program was gone before it could be copied (killed, or replaced by "
			 "exec); --scan=5m looks while it runs");
		break;
	default:
		snprintf(why, sizeof(why), "why, only a newer seep can tell");
		break;
	}
	snprintf(sentence.text, sizeof(sentence.text), "%s%s", unknown, why);
	return sentence;
}
