/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_writer: see the layouts in include/seep/snapshot_format.h.
 */
#include "tests/support/profile_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "tools/model/error.h"
#include "tools/model/profile.h"

static void die(const char *what)
{
	fprintf(stderr, "profile_writer: %s\n", what);
	abort();
}

static void append(struct byte_list *list, const void *bytes, size_t size)
{
	if (list->size + size > list->capacity) {
		list->capacity = 2 * (list->size + size) + 64;
		list->bytes = realloc(list->bytes, list->capacity);
		if (!list->bytes)
			die("no memory");
	}
	if (size)
		memcpy(list->bytes + list->size, bytes, size);
	list->size += size;
}

void profile_writer_start(struct profile_writer *writer)
{
	*writer = (struct profile_writer){0};
	struct seep_file_header header = {
		.magic = SEEP_FILE_MAGIC,
		.version_major = SEEP_VERSION_MAJOR,
		.version_minor = SEEP_VERSION_MINOR,
		.header_bytes = sizeof(header),
		.byte_order = SEEP_BYTE_ORDER,
		.pid = 4711,
		.started_unix_ns = UINT64_C(1700000000000000000),
		.page_bytes = 4096,
	};
	header.crc =
		(uint32_t)crc32(0, (const void *)&header, offsetof(struct seep_file_header, crc));
	append(&writer->file, &header, sizeof(header));
}

void profile_writer_free(struct profile_writer *writer)
{
	free(writer->file.bytes);
	free(writer->payload.bytes);
	*writer = (struct profile_writer){0};
}

void profile_writer_put(struct profile_writer *writer, const void *bytes, size_t size)
{
	append(&writer->payload, bytes, size);
}

void profile_writer_put_varint(struct profile_writer *writer, uint64_t value)
{
	do {
		uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		profile_writer_put(writer, &byte, 1);
		value >>= 7;
	} while (value);
}

void profile_writer_put_signed(struct profile_writer *writer, int64_t value)
{
	profile_writer_put_varint(writer, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

void profile_writer_record(struct profile_writer *writer, uint16_t type)
{
	static const uint8_t zeros[8];
	struct byte_list *payload = &writer->payload;
	struct seep_record_header header = {
		.magic = SEEP_RECORD_MAGIC,
		.type = type,
		.payload_bytes = (uint32_t)payload->size,
		.sequence = writer->sequence++,
		.time_ns = writer->time_ns,
		.payload_crc = (uint32_t)crc32(0, payload->bytes, (unsigned)payload->size),
	};
	if (!payload->size)
		header.payload_crc = 0;
	header.header_crc = (uint32_t)crc32(0, (const void *)&header,
					    offsetof(struct seep_record_header, header_crc));
	writer->last_record = writer->file.size;
	append(&writer->file, &header, sizeof(header));
	append(&writer->file, payload->bytes, payload->size);
	append(&writer->file, zeros, -payload->size % 8);
	payload->size = 0;
}

void profile_writer_seal_header(struct profile_writer *writer)
{
	uint8_t *at = writer->file.bytes + writer->last_record;
	const size_t sealed = offsetof(struct seep_record_header, header_crc);
	uint32_t crc = (uint32_t)crc32(0, at, (unsigned)sealed);
	memcpy(at + sealed, &crc, sizeof(crc));
}

void profile_writer_reseal(struct profile_writer *writer)
{
	uint8_t *at = writer->file.bytes + writer->last_record;
	struct seep_record_header header;
	memcpy(&header, at, sizeof(header));
	header.payload_crc = (uint32_t)crc32(0, at + sizeof(header), header.payload_bytes);
	memcpy(at, &header, sizeof(header));
	profile_writer_seal_header(writer);
}

void profile_writer_process(struct profile_writer *writer, uint32_t pid, const char *name)
{
	static const char command[] = "server\0--port=80\0";
	static const char exe[] = "/usr/bin/server";
	struct seep_process process = {
		.struct_bytes = sizeof(process),
		.pid = pid,
		.parent_pid = 1,
		.exe_bytes = sizeof(exe) - 1,
		.name_bytes = (uint32_t)strlen(name),
		.command_bytes = sizeof(command) - 1,
		.stack_depth = 64,
		.flags = writer->process_flags,
		.start_ticks = 12345,
		.sample_bytes = writer->sample_bytes,
		.single_epochs = writer->single_epochs,
	};
	profile_writer_put(writer, &process, sizeof(process));
	profile_writer_put(writer, exe, sizeof(exe) - 1);
	profile_writer_put(writer, name, strlen(name));
	profile_writer_put(writer, command, sizeof(command) - 1);
	profile_writer_record(writer, SEEP_RECORD_PROCESS);
}

void profile_writer_module(struct profile_writer *writer, uint32_t id, uint32_t generation,
			   uint64_t start, uint64_t end, const char *path)
{
	static const uint8_t build_id[5] = {0xde, 0xad, 0xbe, 0xef, 0x01}, zeros[8];
	struct seep_module module = {
		.struct_bytes = sizeof(module),
		.id = id,
		.generation = generation,
		.loaded_epoch = 1,
		.load_bias = start,
		.start = start,
		.end = end,
		.build_id_bytes = sizeof(build_id),
		.path_bytes = (uint16_t)strlen(path),
	};
	profile_writer_put(writer, &module, sizeof(module));
	profile_writer_put(writer, build_id, sizeof(build_id));
	profile_writer_put(writer, path, strlen(path));
	profile_writer_put(writer, zeros, -writer->payload.size % 8);
	profile_writer_record(writer, SEEP_RECORD_MODULES);
}

void profile_writer_node(struct profile_writer *writer, uint32_t id, uint32_t parent, uint64_t pc,
			 uint32_t generation)
{
	struct seep_stacks stacks = {
		.struct_bytes = sizeof(stacks),
		.first_id = id,
		.count = 1,
	};
	profile_writer_put(writer, &stacks, sizeof(stacks));
	profile_writer_put_varint(writer, (uint32_t)(id - parent));
	profile_writer_put_signed(writer, (int64_t)pc);
	profile_writer_put_varint(writer, generation);
	profile_writer_record(writer, SEEP_RECORD_STACKS);
}

void profile_writer_self_check(struct profile_writer *writer, struct seep_self_check check,
			       const struct seep_difference *differences, uint32_t count)
{
	check.struct_bytes = sizeof(check);
	check.difference_bytes = sizeof(*differences);
	check.difference_count = count;
	profile_writer_put(writer, &check, sizeof(check));
	profile_writer_put(writer, differences, count * sizeof(*differences));
	profile_writer_record(writer, SEEP_RECORD_SELF_CHECK);
}

void profile_writer_samples(struct profile_writer *writer, struct seep_samples samples,
			    const struct profile_writer_sampled *sites, uint32_t count)
{
	samples.struct_bytes = sizeof(samples);
	samples.site_count = count;
	profile_writer_put(writer, &samples, sizeof(samples));
	for (uint32_t i = 0; i < count; i++) {
		profile_writer_put_varint(writer, sites[i].stack - (i ? sites[i - 1].stack : 0));
		profile_writer_put_varint(writer, sites[i].samples);
		profile_writer_put_varint(writer, sites[i].blocks_error);
		profile_writer_put_varint(writer, sites[i].bytes_error);
	}
	profile_writer_record(writer, SEEP_RECORD_SAMPLES);
}

void profile_writer_frees(struct profile_writer *writer, struct seep_frees frees,
			  const struct profile_writer_freed *pairs, uint32_t count)
{
	uint32_t last = 0;

	frees.struct_bytes = sizeof(frees);
	frees.pair_count = count;
	profile_writer_put(writer, &frees, sizeof(frees));
	for (uint32_t i = 0; i < count; i++) {
		profile_writer_put_varint(writer, pairs[i].stack - last);
		profile_writer_put_varint(writer, pairs[i].free_stack);
		profile_writer_put_varint(writer, pairs[i].samples);
		last = pairs[i].stack;
	}
	profile_writer_record(writer, SEEP_RECORD_FREES);
}

void profile_writer_pins(struct profile_writer *writer, struct seep_pins pins,
			 const struct profile_writer_pinned *sites, uint32_t count)
{
	uint32_t last = 0;

	pins.struct_bytes = sizeof(pins);
	pins.site_count = count;
	profile_writer_put(writer, &pins, sizeof(pins));
	for (uint32_t i = 0; i < count; i++) {
		profile_writer_put_varint(writer, sites[i].stack - last);
		profile_writer_put_varint(writer, sites[i].bytes);
		last = sites[i].stack;
	}
	profile_writer_record(writer, SEEP_RECORD_PINS);
}

static void add_up(uint64_t *blocks, uint64_t *bytes, const struct profile_writer_scanned *sites,
		   uint32_t count, size_t which)
{
	for (uint32_t i = 0; i < count; i++) {
		*blocks += sites[i].sums[which][0];
		*bytes += sites[i].sums[which][1];
	}
}

void profile_writer_scan(struct profile_writer *writer, struct seep_scan scan,
			 const struct profile_writer_scanned *sites, uint32_t count)
{
	uint32_t last = 0;

	scan.struct_bytes = sizeof(scan);
	scan.site_count = count;
	if (!scan.definitely_blocks && !scan.reachable_blocks) {
		add_up(&scan.definitely_blocks, &scan.definitely_bytes, sites, count, 0);
		add_up(&scan.indirectly_blocks, &scan.indirectly_bytes, sites, count, 1);
		add_up(&scan.possibly_blocks, &scan.possibly_bytes, sites, count, 2);
		add_up(&scan.reachable_blocks, &scan.reachable_bytes, sites, count, 3);
	}
	profile_writer_put(writer, &scan, sizeof(scan));
	for (uint32_t i = 0; i < count; i++) {
		profile_writer_put_varint(writer, sites[i].stack - last);
		for (size_t j = 0; j < 5; j++) {
			profile_writer_put_varint(writer, sites[i].sums[j][0]);
			profile_writer_put_varint(writer, sites[i].sums[j][1]);
		}
		if (scan.flags & SEEP_SCAN_HAS_HEADS)
			profile_writer_put_varint(writer, sites[i].head);
		last = sites[i].stack;
	}
	profile_writer_record(writer, SEEP_RECORD_SCAN);
}

void profile_writer_holders(struct profile_writer *writer, struct seep_holders holders,
			    const struct profile_writer_root *roots, uint32_t root_count,
			    const struct profile_writer_path *paths, uint32_t path_count)
{
	static const uint8_t zeros[8];
	uint32_t last = 0;

	holders.struct_bytes = sizeof(holders);
	holders.root_count = root_count;
	holders.path_count = path_count;
	holders.paths_offset = sizeof(holders);
	for (uint32_t i = 0; i < root_count; i++)
		holders.paths_offset +=
			(uint32_t)(sizeof(struct seep_root) + (strlen(roots[i].name) + 7) / 8 * 8);
	profile_writer_put(writer, &holders, sizeof(holders));
	for (uint32_t i = 0; i < root_count; i++) {
		struct seep_root root = roots[i].fixed;
		size_t name_bytes = strlen(roots[i].name);

		root.struct_bytes = sizeof(root);
		root.name_bytes = (uint32_t)name_bytes;
		profile_writer_put(writer, &root, sizeof(root));
		profile_writer_put(writer, roots[i].name, name_bytes);
		profile_writer_put(writer, zeros, -name_bytes % 8);
	}
	for (uint32_t i = 0; i < path_count; i++) {
		profile_writer_put_varint(writer, paths[i].stack - last);
		profile_writer_put_varint(writer, paths[i].blocks);
		profile_writer_put_varint(writer, paths[i].root);
		profile_writer_put_varint(writer, paths[i].step_count);
		for (uint32_t j = 0; j < paths[i].step_count; j++) {
			profile_writer_put_varint(writer, paths[i].steps[j].stack);
			profile_writer_put_varint(writer, paths[i].steps[j].offset);
			profile_writer_put_varint(writer, paths[i].steps[j].count);
		}
		last = paths[i].stack;
	}
	profile_writer_record(writer, SEEP_RECORD_HOLDERS);
}

void profile_writer_fatal_free(struct profile_writer *writer, struct seep_fatal_free fatal,
			       const char *message)
{
	fatal.struct_bytes = sizeof(fatal);
	fatal.message_bytes = (uint32_t)strlen(message);
	profile_writer_put(writer, &fatal, sizeof(fatal));
	profile_writer_put(writer, message, strlen(message));
	profile_writer_record(writer, SEEP_RECORD_FATAL_FREE);
}

void profile_writer_suppressions(struct profile_writer *writer, const char *text)
{
	struct seep_suppressions fixed = {.struct_bytes = sizeof(fixed),
					  .text_bytes = (uint32_t)strlen(text)};

	profile_writer_put(writer, &fixed, sizeof(fixed));
	profile_writer_put(writer, text, strlen(text));
	profile_writer_record(writer, SEEP_RECORD_SUPPRESSIONS);
}

void profile_writer_alert(struct profile_writer *writer, struct seep_alert alert)
{
	alert.struct_bytes = sizeof(alert);
	profile_writer_put(writer, &alert, sizeof(alert));
	profile_writer_record(writer, SEEP_RECORD_ALERT);
}

void profile_writer_snapshot(struct profile_writer *writer, uint32_t number, double time_s,
			     uint16_t flags, enum seep_snapshot_reason reason, const char *label)
{
	writer->time_ns = (uint64_t)(time_s * 1e9);
	writer->last_stack = 0;
	writer->snapshot = (struct seep_snapshot){
		.struct_bytes = sizeof(writer->snapshot),
		.number = number,
		.epoch = number,
		.reason = (uint16_t)reason,
		.flags = flags,
		.label_bytes = (uint32_t)strlen(label),
		.entries_offset = (uint32_t)(sizeof(writer->snapshot) + strlen(label)),
	};
	profile_writer_put(writer, &writer->snapshot, sizeof(writer->snapshot));
	profile_writer_put(writer, label, strlen(label));
}

void profile_writer_entry(struct profile_writer *writer, uint32_t stack, uint64_t live_blocks,
			  uint64_t live_bytes, uint64_t allocations, size_t cohort_count)
{
	profile_writer_put_varint(writer, stack - writer->last_stack);
	profile_writer_put_varint(writer, live_blocks);
	profile_writer_put_varint(writer, live_bytes);
	profile_writer_put_varint(writer, allocations);
	profile_writer_put_varint(writer, allocations * 16);
	profile_writer_put_varint(writer, cohort_count);
	writer->last_stack = stack;
	writer->last_epoch = 0;
	writer->snapshot.entry_count++;
	writer->snapshot.live_blocks += live_blocks;
	writer->snapshot.live_bytes += live_bytes;
	writer->snapshot.allocations += allocations;
	writer->snapshot.frees += allocations - live_blocks;
}

void profile_writer_cohort(struct profile_writer *writer, uint32_t epoch, uint64_t blocks,
			   uint64_t bytes)
{
	profile_writer_put_varint(writer, epoch - writer->last_epoch);
	profile_writer_put_varint(writer, blocks);
	profile_writer_put_varint(writer, bytes);
	writer->last_epoch = epoch;
}

void profile_writer_snapshot_done(struct profile_writer *writer)
{
	memcpy(writer->payload.bytes, &writer->snapshot, sizeof(writer->snapshot));
	profile_writer_record(writer, SEEP_RECORD_SNAPSHOT);
}

void profile_writer_end(struct profile_writer *writer, enum seep_end_how how, int32_t status)
{
	struct seep_end end = {how, status, UINT64_C(1700000060000000000)};
	profile_writer_put(writer, &end, sizeof(end));
	profile_writer_record(writer, SEEP_RECORD_END);
}

int profile_writer_read_bytes(const void *bytes, size_t size, struct profile **profile,
			      struct error *error)
{
	char path[] = "/tmp/seep-unit-XXXXXX";
	int fd = mkstemp(path);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || close(fd) != 0)
		die("cannot write a temporary file");
	int result = profile_read(path, profile, error);
	unlink(path);
	return result;
}

struct profile *profile_writer_read(const struct profile_writer *writer)
{
	struct profile *profile;
	struct error error = {""};
	if (profile_writer_read_bytes(writer->file.bytes, writer->file.size, &profile, &error) != 0)
		die(error.text);
	return profile;
}
