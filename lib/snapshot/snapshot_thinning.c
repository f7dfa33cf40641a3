/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_thinning: a shorter copy of a snapshot file, with every second old snapshot left out.
 *
 * Which ones go is decided before anything is written: of two neighbours the one that fewer merged
 * cohorts end with, so that what is left still divides the births of every site.
 *
 * The file is our own work of minutes ago, yet another program may have written into it: lengths
 * are checked, and whatever does not look right ends the copy with -EILSEQ; the old file then
 * stays.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    three buffers of a record's size, 16 bytes a snapshot. Not a mapping of the file: somebody
 *             might truncate it, and the SIGBUS would be the program's
 *   Calls     pread
 *   Failure   a negative errno value
 */
#include "lib/snapshot/snapshot_thinning.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/checksum.h"
#include "lib/base/syscalls.h"
#include "seep/control_protocol.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

#define LABELS_LOOKED_AT 256u /* for another one of the same */
#define ALERTS_KEPT                                                                                \
	16u /* with their snapshots: what a program crosses all the time may not fill the file */

struct record {
	struct seep_record_header header;
	struct buffer payload; /* used again for the next record */
};

/* Reads the header of the record at `offset`; false at the end of the file or where it makes no
 * sense. */
static bool read_header(int fd, uint64_t bytes, uint64_t offset, struct record *record)
{
	const size_t header_bytes = sizeof(record->header);

	return bytes - offset >= header_bytes &&
	       sys_call(SYS_pread64, fd, &record->header, header_bytes, offset) ==
		       (long)header_bytes &&
	       record->header.magic == SEEP_RECORD_MAGIC &&
	       record->header.payload_bytes <= bytes - offset - header_bytes;
}

static int read_payload(int fd, uint64_t offset, struct record *record)
{
	size_t bytes = record->header.payload_bytes;

	record->payload.bytes = 0;
	if (!buffer_reserve(&record->payload, bytes))
		return -ENOMEM;
	if (sys_call(SYS_pread64, fd, record->payload.start, bytes,
		     offset + sizeof(record->header)) != (long)bytes)
		return -EIO;
	record->payload.bytes = bytes;
	return 0;
}

static uint64_t record_bytes(const struct record *record)
{
	uint64_t bytes = sizeof(record->header) + record->header.payload_bytes;

	return (bytes + SEEP_RECORD_ALIGN - 1) / SEEP_RECORD_ALIGN * SEEP_RECORD_ALIGN;
}

/* A walk over the entries of a snapshot: the id and, as bytes, what follows it. */
struct entries {
	const uint8_t *next, *end;
	uint32_t left;
	uint64_t stack;
	const uint8_t *body;
	size_t body_bytes;
	bool is_bad;
};

static uint64_t take_varint(struct entries *entries)
{
	uint64_t value = 0;

	for (int shift = 0; shift < 70; shift += 7) {
		uint8_t byte;

		if (entries->next == entries->end)
			break;
		byte = *entries->next++;
		value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
		if ((byte & 0x80) == 0)
			return value;
	}
	entries->is_bad = true;
	return 0;
}

/* Moves to the next entry; false behind the last. */
static bool entries_next(struct entries *entries)
{
	uint64_t cohorts;

	if (entries->left == 0 || entries->is_bad)
		return false;
	entries->left--;
	entries->stack += take_varint(entries);
	entries->body = entries->next;
	for (int i = 0; i < 4; i++)
		take_varint(entries);
	cohorts = take_varint(entries);
	for (uint64_t i = 0; i < cohorts && !entries->is_bad; i++) {
		take_varint(entries);
		take_varint(entries);
		take_varint(entries);
	}
	entries->body_bytes = (size_t)(entries->next - entries->body);
	return !entries->is_bad;
}

static bool read_snapshot(const struct record *record, struct seep_snapshot *snapshot)
{
	if (record->header.payload_bytes < sizeof(*snapshot))
		return false;
	memcpy(snapshot, record->payload.start, sizeof(*snapshot));
	return snapshot->entries_offset <= record->header.payload_bytes &&
	       snapshot->entries_offset >= sizeof(*snapshot);
}

static struct entries entries_of(const uint8_t *payload, size_t bytes,
				 const struct seep_snapshot *snapshot)
{
	return (struct entries){.next = payload + snapshot->entries_offset,
				.end = payload + bytes,
				.left = snapshot->entry_count};
}

struct merge {
	struct buffer payload;
	uint64_t last_stack;
	uint32_t count;
};

static void put_entry(struct merge *merge, const struct entries *from)
{
	buffer_add_varint(&merge->payload, from->stack - merge->last_stack);
	buffer_add(&merge->payload, from->body, from->body_bytes);
	merge->last_stack = from->stack;
	merge->count++;
}

/* The newer snapshot with the entries of the older (dropped) one that it does not have itself. */
static int merge_snapshots(const uint8_t *older, size_t older_bytes, const struct record *newer,
			   struct buffer *result)
{
	struct seep_snapshot old_head, head;
	struct merge merge = {0};
	struct entries a, b;
	bool has_a, has_b;

	memcpy(&old_head, older, sizeof(old_head));
	if (!read_snapshot(newer, &head))
		return -EILSEQ;
	a = entries_of(older, older_bytes, &old_head);
	b = entries_of(newer->payload.start, newer->payload.bytes, &head);
	buffer_add(&merge.payload, newer->payload.start, head.entries_offset);
	has_a = entries_next(&a);
	has_b = entries_next(&b);
	while (has_a || has_b) {
		if (has_a && (!has_b || a.stack < b.stack)) {
			put_entry(&merge, &a);
			has_a = entries_next(&a);
			continue;
		}
		if (has_a && a.stack == b.stack)
			has_a = entries_next(&a);
		put_entry(&merge, &b);
		has_b = entries_next(&b);
	}
	if (a.is_bad || b.is_bad || merge.payload.is_failed) {
		bool is_bad = a.is_bad || b.is_bad;

		buffer_release(&merge.payload);
		return is_bad ? -EILSEQ : -ENOMEM;
	}
	/* What a keyframe left out did not exist; so neither did it in the merged one. */
	head.flags |= old_head.flags & SEEP_SNAPSHOT_IS_KEYFRAME;
	head.entry_count = merge.count;
	memcpy(merge.payload.start, &head, sizeof(head));
	buffer_release(result);
	*result = merge.payload;
	return 0;
}

/* What is known of a snapshot before the copy begins. */
struct candidate {
	uint32_t epoch;
	uint32_t label; /* checksum */
	bool is_labelled, is_mark, is_paired, is_dropped;
	bool is_alert; /* a threshold was crossed */
};

/* What a record of these types says replaces what the one before said. */
static const uint32_t newest_types[] = {SEEP_RECORD_SELF_CHECK, SEEP_RECORD_SAMPLES,
					SEEP_RECORD_FREES,	SEEP_RECORD_PINS,
					SEEP_RECORD_SCAN,	SEEP_RECORD_HOLDERS,
					SEEP_RECORD_SUPPRESSIONS, SEEP_RECORD_FATAL_FREE};
#define NEWEST_TYPES (sizeof(newest_types) / sizeof(newest_types[0]))

struct copying {
	snapshot_thinning_put *put;
	void *context;
	struct buffer carried;	  /* payload of dropped snapshots, merged; empty: none */
	struct buffer candidates; /* struct candidate, in the order of the file */
	uint32_t snapshots, seen, alerts;
	uint32_t to_come[NEWEST_TYPES]; /* records of a type of which the newest is kept */
};

static struct candidate *candidate_at(struct copying *copying, uint32_t index)
{
	return (struct candidate *)copying->candidates.start + index;
}

/* Whether cohorts that end with the epoch of `one` are merged later than those of `other`. */
static bool ends_wider_group(const struct candidate *one, const struct candidate *other)
{
	uint32_t one_next = one->epoch + 1, other_next = other->epoch + 1;

	return (one_next & -one_next) > (other_next & -other_next);
}

static void drop_one_of(struct candidate *older, struct candidate *newer)
{
	older->is_paired = newer->is_paired = true;
	if (ends_wider_group(older, newer))
		newer->is_dropped = true;
	else
		older->is_dropped = true;
}

/* Which of the old snapshots a round of pairing is about. */
typedef bool is_wanted(const struct candidate *candidate);

static bool is_ordinary(const struct candidate *candidate)
{
	return !candidate->is_labelled && !candidate->is_alert;
}

static bool is_lonely(const struct candidate *candidate)
{
	return candidate->is_labelled && !candidate->is_paired && !candidate->is_alert;
}

static bool is_lonely_mark(const struct candidate *candidate)
{
	return candidate->is_mark && is_lonely(candidate);
}

/* That somebody asked for by name. */
static bool is_lonely_request(const struct candidate *candidate)
{
	return !candidate->is_mark && is_lonely(candidate);
}

/* Of each two neighbours among the wanted one goes. One that is left without a neighbour stays,
 * unless it is the only one. */
static void drop_every_second(struct copying *copying, uint32_t end, is_wanted *wanted)
{
	struct candidate *before = NULL;
	bool has_pair = false;

	for (uint32_t i = 1; i < end; i++) {
		struct candidate *candidate = candidate_at(copying, i);

		if (!wanted(candidate))
			continue;
		if (before == NULL) {
			before = candidate;
			continue;
		}
		drop_one_of(before, candidate);
		has_pair = true;
		before = NULL;
	}
	if (before != NULL && !has_pair)
		before->is_dropped = true;
}

/* The next of its kind with the same label, not too far away; null where there is none. */
static struct candidate *next_of_label(struct copying *copying, uint32_t index, uint32_t end,
				       is_wanted *wanted)
{
	const struct candidate *candidate = candidate_at(copying, index);
	uint32_t looked_at = 0;

	for (uint32_t i = index + 1; i < end && looked_at < LABELS_LOOKED_AT; i++) {
		struct candidate *other = candidate_at(copying, i);

		if (!wanted(other))
			continue;
		if (other->label == candidate->label)
			return other;
		looked_at++;
	}
	return NULL;
}

static uint32_t count(struct copying *copying, uint32_t end, is_wanted *wanted)
{
	uint32_t result = 0;

	for (uint32_t i = 1; i < end; i++)
		result += wanted(candidate_at(copying, i));
	return result;
}

/* Of each two with the same label one goes. Where most have no second, of any two. Those that are no more
 * than `others` all stay. */
static void drop_labelled(struct copying *copying, uint32_t end, uint32_t others, is_wanted *wanted)
{
	uint32_t all = count(copying, end, wanted), lonely = 0;

	if (all <= others || all <= 1)
		return;
	for (uint32_t i = 1; i < end; i++) {
		struct candidate *candidate = candidate_at(copying, i), *next;

		if (!wanted(candidate))
			continue;
		next = next_of_label(copying, i, end, wanted);
		if (next != NULL)
			drop_one_of(candidate, next);
		else
			lonely++;
	}
	if (lonely > all / 2)
		drop_every_second(copying, end, wanted);
}

/* The first snapshot and the newest stay. What has a label came because somebody wanted it, perhaps by
 * the thousand: it stays for as long as there is more of what came by itself. Marks and what was asked
 * for do not count for each other, for many of the one are no reason to lose the few others. */
static void choose_dropped(struct copying *copying, uint32_t newest_kept)
{
	uint32_t end = copying->snapshots > newest_kept ? copying->snapshots - newest_kept : 0;
	uint32_t others = count(copying, end, is_ordinary);

	drop_every_second(copying, end, is_ordinary);
	drop_labelled(copying, end, others, is_lonely_mark);
	drop_labelled(copying, end, others, is_lonely_request);
}

static int copy_snapshot(struct copying *copying, const struct record *record)
{
	struct seep_snapshot head;
	bool is_dropped;
	int result;

	/* One more than there were: somebody changes the file while we read it. */
	if (!read_snapshot(record, &head) || copying->seen == copying->snapshots)
		return -EILSEQ;
	is_dropped = candidate_at(copying, copying->seen++)->is_dropped;
	if (copying->carried.bytes > 0 && (head.flags & SEEP_SNAPSHOT_IS_KEYFRAME) == 0) {
		result = merge_snapshots(copying->carried.start, copying->carried.bytes, record,
					 &copying->carried);
		if (result != 0)
			return result;
	} else {
		copying->carried.bytes = 0;
		buffer_add(&copying->carried, record->payload.start, record->payload.bytes);
		if (copying->carried.is_failed)
			return -ENOMEM;
	}
	if (is_dropped)
		return 0;
	result = copying->put(copying->context, record->header.type, record->header.time_ns,
			      copying->carried.start, copying->carried.bytes);
	copying->carried.bytes = 0;
	return result;
}

/* Where records of this type are counted; null for those that are all kept. */
static uint32_t *to_come(struct copying *copying, uint32_t type)
{
	for (uint32_t i = 0; i < NEWEST_TYPES; i++)
		if (newest_types[i] == type)
			return &copying->to_come[i];
	return NULL;
}

static bool is_outdated(struct copying *copying, const struct record *record)
{
	uint32_t *count = to_come(copying, record->header.type);

	return count != NULL && --*count > 0;
}

static int add_candidate(struct copying *copying, int fd, uint64_t offset,
			 const struct record *record)
{
	struct candidate candidate = {0};
	struct seep_snapshot head;
	char label[SEEP_CONTROL_LABEL_BYTES];

	if (record->header.payload_bytes < sizeof(head))
		return -EILSEQ;
	if (sys_call(SYS_pread64, fd, &head, sizeof(head), offset + sizeof(record->header)) !=
	    (long)sizeof(head))
		return -EIO;
	candidate.epoch = head.epoch;
	candidate.is_labelled = head.label_bytes != 0;
	candidate.is_mark = head.reason == SEEP_REASON_MARK && head.label_bytes != 0;
	if (candidate.is_labelled) {
		uint32_t label_bytes =
			head.label_bytes < sizeof(label) ? head.label_bytes : sizeof(label);
		long got = sys_call(SYS_pread64, fd, label, label_bytes,
				    offset + sizeof(record->header) + head.struct_bytes);

		candidate.label = checksum_add(0, label, got > 0 ? (size_t)got : 0);
	}
	buffer_add(&copying->candidates, &candidate, sizeof(candidate));
	copying->snapshots++;
	return copying->candidates.is_failed ? -ENOMEM : 0;
}

/* The snapshot before it shows what it was like when the threshold was crossed. */
static void note_alert(struct copying *copying)
{
	if (copying->snapshots > 0 && copying->alerts++ < ALERTS_KEPT)
		candidate_at(copying, copying->snapshots - 1)->is_alert = true;
}

/* Counts the records and looks at the heads of the snapshots. */
static int survey(struct copying *copying, int fd, uint64_t bytes)
{
	uint64_t offset = sizeof(struct seep_file_header);
	struct record record = {0};
	int result = 0;

	for (; result == 0 && read_header(fd, bytes, offset, &record);
	     offset += record_bytes(&record)) {
		if (record.header.type == SEEP_RECORD_SNAPSHOT)
			result = add_candidate(copying, fd, offset, &record);
		if (to_come(copying, record.header.type) != NULL)
			++*to_come(copying, record.header.type);
		if (result == 0 && record.header.type == SEEP_RECORD_ALERT)
			note_alert(copying);
	}
	return result != 0 || offset >= bytes ? result : -EILSEQ;
}

int snapshot_thinning_copy(int fd, uint64_t bytes, uint32_t newest_kept, snapshot_thinning_put *put,
			   void *context)
{
	struct copying copying = {.put = put, .context = context};
	struct record record = {0};
	uint64_t offset = sizeof(struct seep_file_header);
	int result = survey(&copying, fd, bytes);

	if (result == 0)
		choose_dropped(&copying, newest_kept > 0 ? newest_kept : 1);
	while (result == 0 && read_header(fd, bytes, offset, &record)) {
		result = read_payload(fd, offset, &record);
		if (result == 0 && record.header.type == SEEP_RECORD_SNAPSHOT)
			result = copy_snapshot(&copying, &record);
		else if (result == 0 && !is_outdated(&copying, &record))
			result = put(context, record.header.type, record.header.time_ns,
				     record.payload.start, record.payload.bytes);
		offset += record_bytes(&record);
	}
	buffer_release(&copying.carried);
	buffer_release(&copying.candidates);
	buffer_release(&record.payload);
	return result;
}
