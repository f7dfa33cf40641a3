/* SPDX-License-Identifier: Apache-2.0 */
/* small_file: a snapshot file that is small enough to be damaged in every place. */
#include "tests/support/small_file.h"

#include <string.h>

#include "tests/support/profile_writer.h"

size_t small_file_write(struct profile_writer *writer, size_t ends[SMALL_FILE_SNAPSHOTS],
			size_t *records)
{
	size_t count = 0;
	profile_writer_start(writer);
	profile_writer_process(writer, 4711, "server");
	records[count++] = writer->file.size;
	profile_writer_module(writer, 0, 0, 0x10000, 0x20000, "/usr/bin/server");
	records[count++] = writer->file.size;
	profile_writer_node(writer, 1, 0, 0x10100, 0);
	records[count++] = writer->file.size;
	profile_writer_node(writer, 2, 1, 0x10200, 0);
	records[count++] = writer->file.size;
	for (uint32_t i = 0; i < SMALL_FILE_SNAPSHOTS; i++) {
		profile_writer_snapshot(writer, i + 1, i + 0.5, i ? 0 : SEEP_SNAPSHOT_IS_KEYFRAME,
					SEEP_REASON_INTERVAL, i == 1 ? "mark" : "");
		profile_writer_entry(writer, 2, 10 + i, 1000 + 100 * i, 20 + i, 1);
		profile_writer_cohort(writer, 1, 10 + i, 1000 + 100 * i);
		profile_writer_snapshot_done(writer);
		struct seep_record_header header;
		memcpy(&header, writer->file.bytes + writer->last_record, sizeof(header));
		ends[i] = writer->last_record + sizeof(header) + header.payload_bytes;
		records[count++] = writer->file.size;
	}
	profile_writer_self_check(writer, (struct seep_self_check){.one_in = 1, .compared = 9},
				  &(struct seep_difference){2, 1, 4711, 0, 3}, 1);
	records[count++] = writer->file.size;
	profile_writer_frees(
		writer, (struct seep_frees){.snapshot = SMALL_FILE_SNAPSHOTS, .one_in = 64},
		(const struct profile_writer_freed[]){{1, 2, 7}, {2, 1, 5}, {2, 2, 9}}, 3);
	records[count++] = writer->file.size;
	profile_writer_pins(
		writer, (struct seep_pins){.snapshot = SMALL_FILE_SNAPSHOTS, .pinned_bytes = 9000},
		(const struct profile_writer_pinned[]){{1, 5000}, {2, 4000}}, 2);
	records[count++] = writer->file.size;
	profile_writer_scan(writer,
			    (struct seep_scan){.snapshot = SMALL_FILE_SNAPSHOTS, .pause_ns = 5},
			    (const struct profile_writer_scanned[]){
				    {1, {{5, 500}, {4, 400}, {3, 300}, {1, 100}, {2, 64}}, 0},
				    {2, {{0, 0}, {2, 64}, {0, 0}, {0, 0}, {0, 0}}, 0}},
			    2);
	records[count++] = writer->file.size;
	profile_writer_holders(
		writer, (struct seep_holders){.snapshot = SMALL_FILE_SNAPSHOTS},
		(const struct profile_writer_root[]){
			{{.kind = SEEP_ROOT_MODULE, .address = 0x10010}, ""},
			{{.kind = SEEP_ROOT_STACK, .pc = 0x10108, .thread = 4713}, "worker"}},
		2,
		(const struct profile_writer_path[]){
			{1, 10, 1, 0, {{0, 0, 0}}},
			{2, 90, 0, 3, {{1, 8, 1}, {0, 0, 7}, {2, 24, 1000}}}},
		2);
	records[count++] = writer->file.size;
	profile_writer_end(writer, SEEP_END_EXIT, 0);
	records[count++] = writer->file.size;
	return count;
}
