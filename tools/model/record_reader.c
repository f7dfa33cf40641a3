/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_reader: framing, checksums and the way back after damage.
 *
 * After damage the search goes on right behind the damaged header and not behind the payload that
 * it claims: a record torn by a crash may be followed by one that somebody else appended, which
 * then lies inside the claimed payload.
 *
 * A hostile file can hold many sound headers that all claim the same large payload with a wrong
 * checksum, each of which would be read in vain. Patience for that is a multiple of the file's
 * size; after that a damaged record is skipped as a whole.
 */
#include "tools/model/record_reader.h"

#include <string.h>
#include <zlib.h>

#include "seep/snapshot_format.h"

#define PATIENCE 8

void record_reader_start(struct record_reader *reader, const uint8_t *bytes, size_t size,
			 size_t first_record)
{
	*reader = (struct record_reader){
		.bytes = bytes,
		.size = size,
		.offset = first_record < size ? first_record : size,
		.patience_bytes = (uint64_t)size * PATIENCE,
	};
}

enum found {
	FOUND_NOTHING,
	FOUND_RECORD,
	FOUND_CUT,     /* a sound header; its payload ends behind the end of the file */
	FOUND_DAMAGED, /* a sound header; its payload has another checksum */
};

static enum found look_at(const struct record_reader *reader, size_t offset,
			  struct seep_record_header *header)
{
	if (reader->size - offset < sizeof(*header))
		return FOUND_NOTHING;
	const uint8_t *at = reader->bytes + offset;
	memcpy(header, at, sizeof(*header));
	if (header->magic != SEEP_RECORD_MAGIC ||
	    header->header_crc != crc32(0, at, offsetof(struct seep_record_header, header_crc)) ||
	    header->payload_bytes > SEEP_RECORD_MAX_BYTES)
		return FOUND_NOTHING;
	if (header->payload_bytes > reader->size - offset - sizeof(*header))
		return FOUND_CUT;
	if (header->payload_crc != crc32(0, at + sizeof(*header), header->payload_bytes))
		return FOUND_DAMAGED;
	return FOUND_RECORD;
}

static size_t offset_behind(const struct record_reader *reader, size_t offset,
			    const struct seep_record_header *header)
{
	size_t end = offset + sizeof(*header) + header->payload_bytes;
	end = (end + SEEP_RECORD_ALIGN - 1) & ~(size_t)(SEEP_RECORD_ALIGN - 1);
	return end < reader->size ? end : reader->size;
}

/* Counts what lies between the record before and this one. */
static void count_gap(struct record_reader *reader, const struct seep_record_header *header,
		      size_t skipped_bytes)
{
	uint32_t missing = header->sequence - reader->next_sequence;
	bool is_behind = missing > UINT32_MAX / 2;

	reader->skipped_bytes += skipped_bytes;
	/* Somebody who only appends the end of the process may not know how far the count was. */
	if (is_behind && header->type == SEEP_RECORD_END && !skipped_bytes)
		return;
	if (is_behind || (!missing && skipped_bytes))
		reader->damaged_records++;
	else
		reader->damaged_records += missing;
	reader->next_sequence = header->sequence + 1;
}

/* Nothing sound follows `offset`: a tail torn by a crash, or damage? What a program appends is
 * there from its beginning on, so a torn record has a sound header or not even a whole one. Some
 * file systems leave zeros after a power cut. */
static void count_tail(struct record_reader *reader, size_t offset, enum found first)
{
	size_t rest = reader->size - offset;
	if (!rest)
		return;
	bool is_zero = true;
	for (size_t i = 0; i < rest && is_zero; i++)
		is_zero = reader->bytes[offset + i] == 0;

	reader->skipped_bytes += rest;
	if (first == FOUND_CUT || rest < sizeof(struct seep_record_header) || is_zero)
		reader->tail_is_torn = true;
	else
		reader->damaged_records++;
}

bool record_reader_next(struct record_reader *reader, struct record *record)
{
	const size_t start = reader->offset;
	enum found first = FOUND_NOTHING;

	for (size_t at = start; at < reader->size;) {
		struct seep_record_header header;
		enum found found = look_at(reader, at, &header);
		if (at == start)
			first = found;
		if (found == FOUND_RECORD) {
			count_gap(reader, &header, at - start);
			reader->offset = offset_behind(reader, at, &header);
			*record = (struct record){
				.type = header.type,
				.sequence = header.sequence,
				.time_ns = header.time_ns,
				.payload = reader->bytes + at + sizeof(header),
				.payload_bytes = header.payload_bytes,
			};
			return true;
		}
		if (found == FOUND_NOTHING) {
			at += SEEP_RECORD_ALIGN;
		} else if (found == FOUND_DAMAGED &&
			   header.payload_bytes > reader->patience_bytes) {
			at = offset_behind(reader, at, &header);
		} else {
			if (found == FOUND_DAMAGED)
				reader->patience_bytes -= header.payload_bytes;
			at += sizeof(header);
		}
		if (at > reader->size)
			at = reader->size;
	}

	count_tail(reader, start, first);
	reader->offset = reader->size;
	return false;
}
