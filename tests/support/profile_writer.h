/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_writer: makes snapshot files for tests, sound ones and deliberately broken ones.
 *
 * Written against include/seep/snapshot_format.h alone and not against the reader's code, so that
 * an error in one is not repeated in the other. Lack of memory ends the test.
 */
#ifndef TESTS_SUPPORT_PROFILE_WRITER_H
#define TESTS_SUPPORT_PROFILE_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "seep/snapshot_format.h"

struct cohort;
struct error;
struct profile;

struct byte_list {
	uint8_t *bytes;
	size_t size, capacity;
};

struct profile_writer {
	struct byte_list file;
	struct byte_list payload; /* of the record that is being made */
	uint32_t sequence;	  /* of the next record; change it to lose records */
	uint64_t time_ns;	  /* of the next record */
	uint64_t sample_bytes;	  /* of profile_writer_process */
	uint32_t single_epochs;	  /* likewise; 0 as in older files */
	uint32_t process_flags;	  /* SEEP_PROCESS_…; 0 by default */
	/* The snapshot that is being made. */
	struct seep_snapshot snapshot;
	uint32_t last_stack, last_epoch;
	size_t last_record; /* offset of the newest record */
};

void profile_writer_start(struct profile_writer *writer); /* with a file header */
void profile_writer_free(struct profile_writer *writer);

/* Makes the payload piece by piece, then frames it with right checksums. */
void profile_writer_put(struct profile_writer *writer, const void *bytes, size_t size);
void profile_writer_put_varint(struct profile_writer *writer, uint64_t value);
void profile_writer_put_signed(struct profile_writer *writer, int64_t value); /* zigzag */
void profile_writer_record(struct profile_writer *writer, uint16_t type);

void profile_writer_process(struct profile_writer *writer, uint32_t pid, const char *name);
void profile_writer_module(struct profile_writer *writer, uint32_t id, uint32_t generation,
			   uint64_t start, uint64_t end, const char *path);
/* One node in a record of its own. */
void profile_writer_node(struct profile_writer *writer, uint32_t id, uint32_t parent, uint64_t pc,
			 uint32_t generation);
/* A self-check with these differences; their number is filled in. */
void profile_writer_self_check(struct profile_writer *writer, struct seep_self_check check,
			       const struct seep_difference *differences, uint32_t count);
struct profile_writer_sampled {
	uint32_t stack;
	uint64_t samples, blocks_error, bytes_error;
};
/* What a snapshot rests on; their number is filled in. */
void profile_writer_samples(struct profile_writer *writer, struct seep_samples samples,
			    const struct profile_writer_sampled *sites, uint32_t count);
struct profile_writer_freed {
	uint32_t stack, free_stack;
	uint64_t samples;
};
/* Who frees what; the number of pairs is filled in. */
void profile_writer_frees(struct profile_writer *writer, struct seep_frees frees,
			  const struct profile_writer_freed *pairs, uint32_t count);
struct profile_writer_pinned {
	uint32_t stack;
	uint64_t bytes;
};
/* Who pins free memory; the number of sites is filled in. */
void profile_writer_pins(struct profile_writer *writer, struct seep_pins pins,
			 const struct profile_writer_pinned *sites, uint32_t count);
struct profile_writer_scanned {
	uint32_t stack;
	/* Blocks and bytes: definitely, indirectly, possibly lost, reachable, below. */
	uint64_t sums[5][2];
	uint32_t head; /* where the scan has heads */
};
/* What is reachable; the number of sites is filled in, and the totals where they are 0. */
void profile_writer_scan(struct profile_writer *writer, struct seep_scan scan,
			 const struct profile_writer_scanned *sites, uint32_t count);
struct profile_writer_step {
	uint32_t stack;
	uint64_t offset, count;
};
struct profile_writer_path {
	uint32_t stack;
	uint64_t blocks;
	uint32_t root, step_count;
	struct profile_writer_step steps[4];
};
struct profile_writer_root {
	struct seep_root fixed; /* its lengths are filled in */
	const char *name;
};
/* Who holds what is reachable; the numbers of roots and paths are filled in. */
void profile_writer_holders(struct profile_writer *writer, struct seep_holders holders,
			    const struct profile_writer_root *roots, uint32_t root_count,
			    const struct profile_writer_path *paths, uint32_t path_count);
/* The free that has ended the program; the length of the message is filled in. */
void profile_writer_fatal_free(struct profile_writer *writer, struct seep_fatal_free fatal,
			       const char *message);
void profile_writer_suppressions(struct profile_writer *writer, const char *text);
void profile_writer_alert(struct profile_writer *writer, struct seep_alert alert);
/* The next snapshot, with its number as epoch: entries and their cohorts, then the end. Totals are
 * added up from the entries. */
void profile_writer_snapshot(struct profile_writer *writer, uint32_t number, double time_s,
			     uint16_t flags, enum seep_snapshot_reason reason, const char *label);
void profile_writer_entry(struct profile_writer *writer, uint32_t stack, uint64_t live_blocks,
			  uint64_t live_bytes, uint64_t allocations, size_t cohort_count);
void profile_writer_cohort(struct profile_writer *writer, uint32_t epoch, uint64_t blocks,
			   uint64_t bytes);
void profile_writer_snapshot_done(struct profile_writer *writer);
void profile_writer_end(struct profile_writer *writer, enum seep_end_how how, int32_t status);

/* Repairs the checksums of the newest record after its bytes were changed. */
void profile_writer_reseal(struct profile_writer *writer);
/* Only the header's own, so that the payload's can be wrong. */
void profile_writer_seal_header(struct profile_writer *writer);

/* Writes `size` bytes to a file in a temporary folder and reads it as a profile. The file is gone
 * afterwards. */
int profile_writer_read_bytes(const void *bytes, size_t size, struct profile **profile,
			      struct error *error);
/* The same with what was written so far. The test fails if that cannot be read. */
struct profile *profile_writer_read(const struct profile_writer *writer);

#endif
