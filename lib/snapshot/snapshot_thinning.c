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
 *   Memory    three buffers of a record's size, 8 bytes a snapshot. Not a mapping of the file: somebody might truncate
 *             it, and the SIGBUS would be the program's
 *   Calls     pread
 *   Failure   a negative errno value
 */
#include "lib/snapshot/snapshot_thinning.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/syscalls.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

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
	bool is_labelled, is_dropped;
};

struct copying {
	snapshot_thinning_put *put;
	void *context;
	struct buffer carried;	  /* payload of dropped snapshots, merged; empty: none */
	struct buffer candidates; /* struct candidate, in the order of the file */
	uint32_t snapshots, seen;
	uint32_t self_checks, samples; /* still to come */
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

/* Of each two old neighbours that have no label one goes. The first snapshot and the newest are not
 * among them; one that is left without a neighbour stays, unless it is the only one. */
static void choose_dropped(struct copying *copying, uint32_t newest_kept)
{
	struct candidate *before = NULL;
	bool has_pair = false;

	for (uint32_t i = 1; i < copying->snapshots && copying->snapshots - i > newest_kept; i++) {
		struct candidate *candidate = candidate_at(copying, i);

		if (candidate->is_labelled)
			continue;
		if (before == NULL) {
			before = candidate;
			continue;
		}
		if (ends_wider_group(before, candidate))
			candidate->is_dropped = true;
		else
			before->is_dropped = true;
		has_pair = true;
		before = NULL;
	}
	if (before != NULL && !has_pair)
		before->is_dropped = true;
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

/* Of the records that hold all that is known of something, only the newest is worth its room. */
static bool is_outdated(struct copying *copying, const struct record *record)
{
	return (record->header.type == SEEP_RECORD_SELF_CHECK && --copying->self_checks > 0) ||
	       (record->header.type == SEEP_RECORD_SAMPLES && --copying->samples > 0);
}

static int add_candidate(struct copying *copying, int fd, uint64_t offset,
			 const struct record *record)
{
	struct candidate candidate = {0};
	struct seep_snapshot head;

	if (record->header.payload_bytes < sizeof(head))
		return -EILSEQ;
	if (sys_call(SYS_pread64, fd, &head, sizeof(head), offset + sizeof(record->header)) !=
	    (long)sizeof(head))
		return -EIO;
	candidate.epoch = head.epoch;
	candidate.is_labelled = head.label_bytes != 0;
	buffer_add(&copying->candidates, &candidate, sizeof(candidate));
	copying->snapshots++;
	return copying->candidates.is_failed ? -ENOMEM : 0;
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
		copying->self_checks += record.header.type == SEEP_RECORD_SELF_CHECK;
		copying->samples += record.header.type == SEEP_RECORD_SAMPLES;
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
