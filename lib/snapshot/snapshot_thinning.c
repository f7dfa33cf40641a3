/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_thinning: a shorter copy of a snapshot file, with every second old snapshot left out.
 *
 * The file is our own work of minutes ago, yet another program may have written into it: lengths
 * are checked, and whatever does not look right ends the copy with -EILSEQ; the old file then
 * stays.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    three buffers of a record's size. Not a mapping of the file: somebody might truncate
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

struct copying {
	snapshot_thinning_put *put;
	void *context;
	struct buffer carried; /* payload of dropped snapshots, merged; empty: none */
	uint32_t snapshots, seen, newest_kept;
	uint32_t self_checks, samples; /* still to come */
};

static int copy_snapshot(struct copying *copying, const struct record *record)
{
	struct seep_snapshot head;
	uint32_t index = copying->seen++;
	bool is_dropped;
	int result;

	if (!read_snapshot(record, &head))
		return -EILSEQ;
	is_dropped = index % 2 == 1 && index + copying->newest_kept < copying->snapshots &&
		     head.label_bytes == 0;
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

int snapshot_thinning_copy(int fd, uint64_t bytes, uint32_t newest_kept, snapshot_thinning_put *put,
			   void *context)
{
	struct copying copying = {.put = put, .context = context, .newest_kept = newest_kept};
	struct record record = {0};
	uint64_t offset = sizeof(struct seep_file_header);
	int result = 0;

	for (; read_header(fd, bytes, offset, &record); offset += record_bytes(&record)) {
		copying.snapshots += record.header.type == SEEP_RECORD_SNAPSHOT;
		copying.self_checks += record.header.type == SEEP_RECORD_SELF_CHECK;
		copying.samples += record.header.type == SEEP_RECORD_SAMPLES;
	}
	if (offset < bytes)
		return -EILSEQ;
	offset = sizeof(struct seep_file_header);
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
	buffer_release(&record.payload);
	return result;
}
