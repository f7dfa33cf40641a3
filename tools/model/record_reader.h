/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_reader: the sound records of a snapshot file, one after the other.
 *
 * Hands out only records whose two checksums are right, and finds the next one after damage.
 */
#ifndef SEEP_MODEL_RECORD_READER_H
#define SEEP_MODEL_RECORD_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record {
	uint16_t type; /* enum seep_record_type, or unknown */
	uint32_t sequence;
	uint64_t time_ns;
	const uint8_t *payload; /* in the file's bytes; aligned to nothing */
	size_t payload_bytes;
};

struct record_reader {
	const uint8_t *bytes;
	size_t size;
	size_t offset;
	uint32_t next_sequence;
	uint64_t patience_bytes; /* how much may still be read in vain, see record_reader.c */
	/* For the caller, complete after record_reader_next returned false. */
	uint64_t damaged_records; /* damaged or missing */
	uint64_t skipped_bytes;
	bool tail_is_torn;
};

void record_reader_start(struct record_reader *reader, const uint8_t *bytes, size_t size,
			 size_t first_record);

/* Stores the next sound record; false at the end of the file. */
bool record_reader_next(struct record_reader *reader, struct record *record);

#endif
