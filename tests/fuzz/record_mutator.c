/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_mutator: changes a snapshot file so that it still is one.
 *
 * Behind a checksum a fuzzer that knows nothing of it finds nothing. So a file is taken apart into
 * its records, something of one of them is changed, and all are framed again with right checksums; now and
 * then, to see the damaged ones too, the bytes are changed as they are.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include "seep/snapshot_format.h"
#include "tests/fuzz/fuzz_target.h"

#define RECORDS_MAX 512u
#define ROOM_BYTES (1u << 20)

struct piece {
	struct seep_record_header header;
	const uint8_t *payload;
	size_t bytes;
};

/* A file, taken apart. */
struct pieces {
	struct seep_file_header header;
	struct piece records[RECORDS_MAX];
	size_t count;
};

static struct pieces file, other_file;
static uint8_t rewritten[ROOM_BYTES], changed[ROOM_BYTES];
static uint64_t random_state;

static uint64_t next_random(uint64_t limit)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (random_state * 0x2545f4914f6cdd1du >> 16) % limit;
}

static void seed_random(unsigned seed)
{
	random_state = (seed + 1) * 0x9e3779b97f4a7c15u | 1;
}

/* By the magic and the length alone: the checksums are made anew. */
static bool take_apart(const uint8_t *data, size_t size, struct pieces *pieces)
{
	size_t at;

	pieces->count = 0;
	if (size < sizeof(pieces->header))
		return false;
	memcpy(&pieces->header, data, sizeof(pieces->header));
	at = sizeof(pieces->header);
	while (pieces->count < RECORDS_MAX && size - at >= sizeof(struct seep_record_header)) {
		struct piece *piece = &pieces->records[pieces->count];

		memcpy(&piece->header, data + at, sizeof(piece->header));
		at += sizeof(piece->header);
		if (piece->header.magic != SEEP_RECORD_MAGIC)
			return pieces->count > 0;
		piece->payload = data + at;
		piece->bytes = piece->header.payload_bytes;
		if (piece->bytes > size - at)
			piece->bytes = size - at;
		pieces->count++;
		at += (piece->bytes + SEEP_RECORD_ALIGN - 1) / SEEP_RECORD_ALIGN *
		      SEEP_RECORD_ALIGN;
		if (at > size)
			break;
	}
	return pieces->count > 0;
}

static size_t put_together(struct pieces *pieces, uint8_t *out, size_t room)
{
	size_t at = sizeof(pieces->header);

	if (room < at)
		return 0;
	pieces->header.crc = (uint32_t)crc32(0, (const void *)&pieces->header,
					     offsetof(struct seep_file_header, crc));
	memcpy(out, &pieces->header, at);
	for (size_t i = 0; i < pieces->count; i++) {
		struct piece *piece = &pieces->records[i];
		size_t padded = (piece->bytes + SEEP_RECORD_ALIGN - 1) / SEEP_RECORD_ALIGN *
				SEEP_RECORD_ALIGN;

		if (room - at < sizeof(piece->header) + padded)
			break;
		piece->header.payload_bytes = (uint32_t)piece->bytes;
		piece->header.payload_crc = (uint32_t)crc32(0, piece->payload, (uInt)piece->bytes);
		piece->header.header_crc =
			(uint32_t)crc32(0, (const void *)&piece->header,
					offsetof(struct seep_record_header, header_crc));
		memcpy(out + at, &piece->header, sizeof(piece->header));
		at += sizeof(piece->header);
		memset(out + at, 0, padded);
		memcpy(out + at, piece->payload, piece->bytes);
		at += padded;
	}
	return at;
}

static uint64_t odd_number(void)
{
	static const uint64_t numbers[] = {0,	       1,	   2,	       7,
					   0x7f,       0x80,	   0xff,       0xffff,
					   0x7fffffff, 0x80000000, UINT32_MAX, 1ull << 32,
					   1ull << 53, INT64_MAX,  1ull << 63, UINT64_MAX};

	return numbers[next_random(sizeof(numbers) / sizeof(*numbers))];
}

static size_t put_varint(uint8_t *out, uint64_t value)
{
	size_t bytes = 0;

	do {
		out[bytes++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
	} while (value);
	return bytes;
}

/* One number in the place of what may be one. */
static size_t replace_varint(uint8_t *payload, size_t bytes, size_t room)
{
	uint8_t number[10];
	size_t fixed = bytes > sizeof(struct seep_snapshot) ? sizeof(struct seep_snapshot) : 16;
	size_t start, end,
		length = put_varint(number, next_random(2) ? odd_number() : next_random(64));

	if (bytes <= fixed)
		return bytes;
	start = fixed + next_random(bytes - fixed);
	for (end = start; end < bytes && payload[end] & 0x80; end++)
		;
	end += end < bytes;
	if (bytes - (end - start) + length > room)
		return bytes;
	memmove(payload + start + length, payload + end, bytes - end);
	memcpy(payload + start, number, length);
	return bytes - (end - start) + length;
}

static void change_payload(struct piece *piece, size_t room)
{
	uint64_t value = odd_number();
	size_t at;

	if (room > sizeof(changed))
		room = sizeof(changed);
	if (piece->bytes > room)
		return;
	memcpy(changed, piece->payload, piece->bytes);
	switch (next_random(4)) {
	case 0:
		piece->bytes = LLVMFuzzerMutate(changed, piece->bytes, room);
		break;
	case 1: /* a field of the struct that each payload begins with */
		at = piece->bytes < 8 ? 0
				      : next_random(piece->bytes < 240 ? piece->bytes : 240) & ~3ul;
		if (at + 8 <= piece->bytes)
			memcpy(changed + at, &value, next_random(2) ? 8 : 4);
		break;
	case 2:
		piece->bytes = replace_varint(changed, piece->bytes, room);
		break;
	default: /* the same number of bytes */
		piece->bytes =
			LLVMFuzzerMutate(changed, piece->bytes, piece->bytes ? piece->bytes : room);
		break;
	}
	piece->payload = changed;
}

static void change_order(struct pieces *pieces)
{
	size_t one = next_random(pieces->count), other = next_random(pieces->count);
	struct piece piece = pieces->records[one];

	switch (next_random(3)) {
	case 0:
		pieces->records[one] = pieces->records[other];
		pieces->records[other] = piece;
		break;
	case 1:
		if (pieces->count > 1)
			memmove(&pieces->records[one], &pieces->records[one + 1],
				(--pieces->count - one) * sizeof(piece));
		break;
	default:
		if (pieces->count == RECORDS_MAX)
			break;
		memmove(&pieces->records[other + 1], &pieces->records[other],
			(pieces->count++ - other) * sizeof(piece));
		pieces->records[other] = piece;
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	size_t bytes;

	seed_random(seed);
	if (next_random(16) == 0 || !take_apart(data, size, &file))
		return LLVMFuzzerMutate(data, size, max_size);

	struct piece *piece = &file.records[next_random(file.count)];
	uint8_t *header = (uint8_t *)&file.header;
	switch (next_random(16)) {
	case 0:
		change_order(&file);
		break;
	case 1:
		piece->header.time_ns =
			next_random(2) ? odd_number() : piece->header.time_ns * 1000;
		break;
	case 2:
		piece->header.type = (uint16_t)(next_random(SEEP_RECORD_FATAL_FREE + 2));
		break;
	case 3:
		piece->header.sequence = (uint32_t)odd_number();
		break;
	case 4: /* not the magic; among them the bytes by which a target chooses what it does */
		header[8 + next_random(sizeof(file.header) - 8)] = (uint8_t)next_random(256);
		break;
	case 5:
		file.header.reserved[0] = (uint8_t)next_random(64);
		break;
	default:
		change_payload(piece,
			       max_size > size ? piece->bytes + (max_size - size) : piece->bytes);
	}
	bytes = put_together(&file, rewritten,
			     max_size < sizeof(rewritten) ? max_size : sizeof(rewritten));
	if (bytes == 0)
		return size;
	memcpy(data, rewritten, bytes);
	return bytes;
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,
				 size_t other_size, uint8_t *out, size_t max_size, unsigned seed)
{
	size_t keep, from;

	seed_random(seed);
	if (!take_apart(one, one_size, &file) || !take_apart(other, other_size, &other_file))
		return 0;
	/* The beginning of one and the end of the other. */
	keep = next_random(file.count) + 1;
	from = next_random(other_file.count);
	for (file.count = keep; file.count < RECORDS_MAX && from < other_file.count; from++)
		file.records[file.count++] = other_file.records[from];
	return put_together(&file, out, max_size);
}
