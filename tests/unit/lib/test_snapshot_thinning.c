/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_snapshot_thinning: a thinned file says of each kept snapshot what it said before.
 *
 * Files are made by profile_writer and read by the tool's reader, both of which know nothing of the
 * library.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/snapshot/snapshot_thinning.h"
#include "tests/support/lib_history.h"
#include "tests/support/lib_random.h"
#include "tests/support/profile_writer.h"
#include "tools/model/profile.h"

#define SITES_MAX 40u
#define NEWEST_KEPT 16u

static uint32_t stacks[SITES_MAX];

static void write_entry(struct profile_writer *file, struct lib_random *random, uint32_t stack,
			uint32_t number, const struct lib_history_value *value)
{
	uint32_t cohorts = value->blocks < 3 ? (uint32_t)value->blocks : 3;
	uint64_t blocks = value->blocks, bytes = value->bytes;
	uint32_t epoch = 1;

	cohorts = cohorts < number ? cohorts : number;
	profile_writer_entry(file, stack, blocks, bytes, value->allocations, cohorts);
	for (uint32_t i = 0; i < cohorts; i++) {
		uint64_t part = i + 1 == cohorts ? blocks : 1;
		uint64_t part_bytes = i + 1 == cohorts ? bytes : bytes / 3;

		profile_writer_cohort(file, epoch, part, part_bytes);
		blocks -= part;
		bytes -= part_bytes;
		/* Cohorts to come need an epoch each, and none is in the future. */
		epoch += 1;
		if (epoch < number && number - epoch > cohorts)
			epoch += (uint32_t)lib_random_below(random, number - epoch - cohorts);
	}
}

static void change_value(struct lib_random *random, struct lib_history_value *value)
{
	value->allocations += 1 + lib_random_below(random, 300);
	value->allocated_bytes = value->allocations * 16;
	value->blocks = lib_random_once_in(random, 5) ? 0 : lib_random_below(random, 200);
	value->bytes = value->blocks * (1 + lib_random_below(random, 5000));
}

/* A file of random snapshots with one or more changes each, and what they said. */
static void write_history(struct lib_random *random, struct profile_writer *file,
			  struct lib_history *history, uint32_t snapshots)
{
	struct lib_history_value values[SITES_MAX] = {0};
	uint32_t sites = 1 + (uint32_t)lib_random_below(random, SITES_MAX), known = 0;

	*history = (struct lib_history){.site_count = sites, .stacks = stacks};
	profile_writer_start(file);
	profile_writer_process(file, 4711, "server");
	profile_writer_module(file, 0, 0, 0x10000, 0x90000, "/usr/bin/server");
	for (uint32_t number = 1; number <= snapshots; number++) {
		bool is_keyframe = number == 1 || lib_random_once_in(random, 20);
		const char *label = lib_random_once_in(random, 25) ? "milestone" : "";
		bool is_changed[SITES_MAX] = {false};

		/* New stacks come before the snapshot that speaks of them. */
		while (known < sites && lib_random_once_in(random, 2)) {
			stacks[known] = 1 + known;
			profile_writer_node(file, 1 + known, 0, 0x10100 + known * 16, 0);
			known++;
		}
		for (uint32_t s = 0; s < known; s++) {
			is_changed[s] = lib_random_once_in(random, 4);
			if (is_changed[s])
				change_value(random, &values[s]);
		}
		profile_writer_snapshot(file, number, number * 0.25,
					is_keyframe ? SEEP_SNAPSHOT_IS_KEYFRAME : 0,
					SEEP_REASON_INTERVAL, label);
		for (uint32_t s = 0; s < known; s++)
			if (is_changed[s] || (is_keyframe && values[s].allocations > 0))
				write_entry(file, random, stacks[s], number, &values[s]);
		profile_writer_snapshot_done(file);
		lib_history_add(history, values);
	}
	for (; known < sites; known++)
		stacks[known] = 1 + known;
	profile_writer_end(file, SEEP_END_EXIT, 0);
}

static int put_record(void *context, uint32_t type, uint64_t time_ns, const void *payload,
		      size_t bytes)
{
	struct profile_writer *file = context;

	file->time_ns = time_ns;
	profile_writer_put(file, payload, bytes);
	profile_writer_record(file, (uint16_t)type);
	return 0;
}

static int in_memory(const struct byte_list *bytes)
{
	int fd = memfd_create("seep-unit", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes->bytes, bytes->size), bytes->size);
	return fd;
}

static int thin_but(const struct profile_writer *from, struct profile_writer *to,
		    uint32_t newest_kept)
{
	int fd = in_memory(&from->file), result;

	profile_writer_start(to);
	result = snapshot_thinning_copy(fd, from->file.size, newest_kept, put_record, to);
	close(fd);
	return result;
}

static int thin(const struct profile_writer *from, struct profile_writer *to)
{
	return thin_but(from, to, NEWEST_KEPT);
}

static unsigned factors_of_two(const struct snapshot *snapshot)
{
	unsigned count = 0;

	for (uint32_t next = snapshot->epoch + 1; next % 2 == 0; next /= 2)
		count++;
	return count;
}

/* The old ones with a label, or those without. */
static size_t find_old(const struct profile *before, bool has_label, size_t old[256])
{
	size_t count = 0;

	for (size_t i = 1; i + NEWEST_KEPT < before->snapshot_count; i++)
		if ((before->snapshots[i].label[0] != 0) == has_label)
			old[count++] = i;
	return count;
}

/* Of every two the one whose epoch + 1 has fewer factors of two goes. */
static void drop_of_each_two(const struct profile *before, const size_t *old, size_t count,
			     bool *is_dropped)
{
	for (size_t i = 0; i + 1 < count; i += 2) {
		unsigned one = factors_of_two(&before->snapshots[old[i]]);
		unsigned other = factors_of_two(&before->snapshots[old[i + 1]]);

		is_dropped[old[one > other ? i + 1 : i]] = true;
	}
}

static void find_dropped(const struct profile *before, bool *is_dropped)
{
	size_t old[256], count = find_old(before, false, old), labelled;

	drop_of_each_two(before, old, count, is_dropped);
	if (count == 1)
		is_dropped[old[0]] = true;
	labelled = find_old(before, true, old);
	if (labelled > count)
		drop_of_each_two(before, old, labelled, is_dropped);
}

/* Every second old one has gone, and only those. */
static void check_kept(const struct profile *before, const struct profile *after)
{
	bool is_dropped[256] = {false};
	size_t kept = 0;

	find_dropped(before, is_dropped);
	for (size_t i = 0; i < before->snapshot_count; i++) {
		const struct snapshot *snapshot = &before->snapshots[i];

		if (is_dropped[i])
			continue;
		assert_true(kept < after->snapshot_count);
		assert_int_equal(after->snapshots[kept].number, snapshot->number);
		assert_int_equal(after->snapshots[kept].epoch, snapshot->epoch);
		assert_string_equal(after->snapshots[kept].label, snapshot->label);
		assert_true(after->snapshots[kept].time_s == snapshot->time_s);
		assert_memory_equal(
			&after->snapshots[kept].raw.live_bytes, &snapshot->raw.live_bytes,
			sizeof(snapshot->raw) - offsetof(struct seep_snapshot, live_bytes));
		kept++;
	}
	assert_int_equal(kept, after->snapshot_count);
}

static void check_sound(const struct profile *profile)
{
	assert_int_equal(profile->damage.damaged_records, 0);
	assert_int_equal(profile->damage.skipped_bytes, 0);
	assert_false(profile->damage.tail_is_torn);
	assert_int_equal(profile->end_how, SEEP_END_EXIT);
	assert_int_equal(profile->module_count, 1);
}

static void kept_snapshots_say_what_they_said(void **state)
{
	struct lib_random random = lib_random_start();
	uint64_t compared = 0;

	(void)state;
	for (int round = 0; round < 60; round++) {
		struct profile_writer file, thinned;
		struct lib_history history;
		struct profile *before, *after;

		write_history(&random, &file, &history,
			      1 + (uint32_t)lib_random_below(&random, 200));
		before = profile_writer_read(&file);
		assert_int_equal(lib_history_mistakes(&history, before), 0);
		/* Again and again, as in a long run. */
		for (int time = 0; time < 5; time++) {
			assert_int_equal(thin(&file, &thinned), 0);
			after = profile_writer_read(&thinned);
			check_sound(after);
			check_kept(before, after);
			assert_int_equal(lib_history_mistakes(&history, after), 0);
			compared += after->snapshot_count * history.site_count;
			profile_free(before);
			profile_writer_free(&file);
			before = after;
			file = thinned;
		}
		profile_free(before);
		profile_writer_free(&file);
		lib_history_free(&history);
	}
	print_message("          %u values compared\n", (unsigned)compared);
}

/* Each says all that was known by then. */
static void keeps_the_newest_self_check_only(void **state)
{
	struct lib_random random = lib_random_start();
	struct profile_writer file, thinned;
	struct lib_history history;
	size_t without, with;

	(void)state;
	write_history(&random, &file, &history, 3);
	assert_int_equal(thin(&file, &thinned), 0);
	without = thinned.file.size;
	profile_writer_free(&thinned);
	for (uint64_t i = 1; i <= 100; i++)
		profile_writer_self_check(&file, (struct seep_self_check){.compared = i}, NULL, 0);
	assert_int_equal(thin(&file, &thinned), 0);
	with = thinned.file.size;
	assert_int_equal(with - without,
			 sizeof(struct seep_record_header) + sizeof(struct seep_self_check));
	struct profile *profile = profile_writer_read(&thinned);
	assert_int_equal(profile->self_check->raw.compared, 100);
	check_sound(profile);
	profile_free(profile);
	profile_writer_free(&thinned);
	profile_writer_free(&file);
	lib_history_free(&history);
}

/* The payload of the one record of a type; fails where there are none or more. */
static const void *only_record(const struct profile_writer *file, uint32_t type)
{
	size_t offset = sizeof(struct seep_file_header);
	const void *found = NULL;

	while (offset < file->file.size) {
		const struct seep_record_header *header =
			(const void *)((const char *)file->file.bytes + offset);

		if (header->type == type) {
			assert_null(found);
			found = header + 1;
		}
		offset += (sizeof(*header) + header->payload_bytes + SEEP_RECORD_ALIGN - 1) /
			  SEEP_RECORD_ALIGN * SEEP_RECORD_ALIGN;
	}
	assert_non_null(found);
	return found;
}

static void keeps_the_newest_of_what_replaces_what_was_said_before(void **state)
{
	struct lib_random random = lib_random_start();
	struct profile_writer file, thinned;
	struct lib_history history;

	(void)state;
	write_history(&random, &file, &history, 3);
	for (uint32_t i = 1; i <= 100; i++) {
		profile_writer_frees(&file, (struct seep_frees){.samples = i}, NULL, 0);
		profile_writer_pins(&file, (struct seep_pins){.pinned_bytes = 2 * i}, NULL, 0);
		profile_writer_scan(&file, (struct seep_scan){.pause_ns = 3 * i}, NULL, 0);
		profile_writer_holders(&file, (struct seep_holders){.snapshot = 4 * i}, NULL, 0,
				       NULL, 0);
	}
	assert_int_equal(thin(&file, &thinned), 0);
	assert_int_equal(
		((const struct seep_frees *)only_record(&thinned, SEEP_RECORD_FREES))->samples,
		100);
	assert_int_equal(
		((const struct seep_pins *)only_record(&thinned, SEEP_RECORD_PINS))->pinned_bytes,
		200);
	assert_int_equal(
		((const struct seep_scan *)only_record(&thinned, SEEP_RECORD_SCAN))->pause_ns, 300);
	assert_int_equal(
		((const struct seep_holders *)only_record(&thinned, SEEP_RECORD_HOLDERS))->snapshot,
		400);
	profile_writer_free(&thinned);
	profile_writer_free(&file);
	lib_history_free(&history);
}

/* Of a hundred snapshots, each showing a threshold crossed. */
static void keeps_all_alerts_and_the_first_of_their_snapshots(void **state)
{
	struct profile_writer file, thinned, again;

	(void)state;
	profile_writer_start(&file);
	profile_writer_process(&file, 1, "p");
	for (uint32_t i = 1; i <= 100; i++) {
		profile_writer_snapshot(&file, i, i, 0, SEEP_REASON_INTERVAL, "");
		profile_writer_snapshot_done(&file);
		profile_writer_alert(
			&file,
			(struct seep_alert){.snapshot = i, .kind = SEEP_ALERT_LIVE, .value = i});
	}
	assert_int_equal(thin(&file, &thinned), 0);
	assert_int_equal(thin(&thinned, &again), 0);
	struct profile *profile = profile_writer_read(&again);
	assert_int_equal(profile->damage.damaged_records, 0);
	assert_int_equal(profile->alert_count, 100);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(profile->alerts[i].raw.value, i + 1);
	assert_true(profile->snapshot_count < 60);
	for (uint32_t i = 0; i < 16; i++)
		assert_int_equal(profile->snapshots[i].number, i + 1);
	assert_true(profile->snapshots[20].number > 21);
	profile_free(profile);
	profile_writer_free(&again);
	profile_writer_free(&thinned);
	profile_writer_free(&file);
}

static struct profile *thin_again(struct profile_writer *file, uint32_t newest_kept)
{
	struct profile_writer thinned;

	assert_int_equal(thin_but(file, &thinned, newest_kept), 0);
	profile_writer_free(file);
	*file = thinned;
	return profile_writer_read(file);
}

/* A program that makes nothing but marks, of which one shows a threshold crossed. */
static void keeps_a_mark_that_shows_an_alert(void **state)
{
	struct profile_writer file;

	(void)state;
	for (uint32_t alert = 2; alert <= 8; alert++) {
		bool is_kept = false;

		profile_writer_start(&file);
		profile_writer_process(&file, 1, "p");
		for (uint32_t i = 1; i <= 10; i++) {
			profile_writer_snapshot(&file, i, i, 0, SEEP_REASON_MARK, "idle");
			profile_writer_snapshot_done(&file);
			if (i == alert)
				profile_writer_alert(&file,
						     (struct seep_alert){.snapshot = i,
									 .kind = SEEP_ALERT_LIVE});
		}
		for (int time = 0; time < 6; time++)
			profile_free(thin_again(&file, 1));
		struct profile *profile = profile_writer_read(&file);
		for (size_t i = 0; i < profile->snapshot_count; i++)
			is_kept |= profile->snapshots[i].number == alert;
		assert_true(is_kept);
		assert_true(profile->snapshot_count <= 4);
		profile_free(profile);
		profile_writer_free(&file);
	}
}

static void halves_what_is_old(void **state)
{
	struct lib_random random = lib_random_start();
	struct profile_writer file, thinned;
	struct lib_history history;

	(void)state;
	write_history(&random, &file, &history, 1000);
	assert_int_equal(thin(&file, &thinned), 0);
	assert_true(thinned.file.size < file.file.size * 3 / 4);
	profile_writer_free(&thinned);
	profile_writer_free(&file);
	lib_history_free(&history);
}

typedef void choose_kind(uint32_t number, enum seep_snapshot_reason *reason, const char **label);

static struct profile_writer without_sites(uint32_t snapshots, choose_kind *choose)
{
	struct profile_writer file;

	profile_writer_start(&file);
	profile_writer_process(&file, 4711, "server");
	for (uint32_t number = 1; number <= snapshots; number++) {
		enum seep_snapshot_reason reason = SEEP_REASON_INTERVAL;
		const char *label = "";

		if (choose)
			choose(number, &reason, &label);
		profile_writer_snapshot(&file, number, number,
					number == 1 ? SEEP_SNAPSHOT_IS_KEYFRAME : 0, reason, label);
		profile_writer_snapshot_done(&file);
	}
	return file;
}

/* Groups of epochs are aligned: they end where epoch + 1 has many factors of two. */
static void what_stays_is_where_merged_cohorts_end(void **state)
{
	struct profile_writer file = without_sites(257, NULL);

	(void)state;
	for (uint32_t group = 2; group <= 64; group *= 2) {
		struct profile *profile = thin_again(&file, 1);
		size_t last = profile->snapshot_count - 1;

		assert_int_equal(profile->snapshots[0].epoch, 1);
		assert_int_equal(profile->snapshots[last].epoch, 257);
		/* The first time one has no neighbour. */
		assert_int_equal(last, group == 2 ? 129 : 1 + 256 / group);
		for (size_t i = 1; i < last - (group == 2); i++)
			assert_int_equal((profile->snapshots[i].epoch + 1) % group, 0);
		profile_free(profile);
	}
	profile_writer_free(&file);
}

static void the_first_and_the_newest_stay_however_often(void **state)
{
	struct profile_writer file = without_sites(10, NULL);

	(void)state;
	for (int time = 0; time < 10; time++) {
		struct profile *profile = thin_again(&file, 0);

		assert_int_equal(profile->snapshots[0].number, 1);
		assert_int_equal(profile->snapshots[profile->snapshot_count - 1].number, 10);
		assert_int_equal(profile->snapshot_count == 2, time >= 3);
		profile_free(profile);
	}
	profile_writer_free(&file);
}

static uint32_t count_labels(const struct profile *profile, const char *label)
{
	uint32_t count = 0;

	for (size_t i = 0; i < profile->snapshot_count; i++)
		count += strcmp(profile->snapshots[i].label, label) == 0;
	return count;
}

/* One mark among nine others, and one snapshot that somebody asked for. */
static void mark_rarely(uint32_t number, enum seep_snapshot_reason *reason, const char **label)
{
	if (number % 10 == 5) {
		*reason = SEEP_REASON_MARK;
		*label = "idle";
	} else if (number == 77) {
		*reason = SEEP_REASON_REQUEST;
		*label = "kept";
	}
}

static void few_marks_stay_until_the_others_have_gone(void **state)
{
	struct profile_writer file = without_sites(400, mark_rarely);
	uint32_t before = 40, left = 359;

	(void)state;
	for (int time = 0; time < 12; time++) {
		struct profile *profile = thin_again(&file, 1);
		uint32_t marks = count_labels(profile, "idle");

		/* The first and the last are not among those that can go. */
		assert_int_equal(marks, before > left - 2 ? before - before / 2 : before);
		before = marks;
		left = count_labels(profile, "");
		assert_int_equal(count_labels(profile, "kept"), 1);
		profile_free(profile);
	}
	assert_int_equal(before, 1);
	assert_int_equal(left, 2);
	profile_writer_free(&file);
}

/* Labels only: always two of a kind and one of another. */
static void mark_always(uint32_t number, enum seep_snapshot_reason *reason, const char **label)
{
	*reason = SEEP_REASON_MARK;
	*label = number % 3 == 0 ? "start" : "stop";
}

static void ask_always(uint32_t number, enum seep_snapshot_reason *reason, const char **label)
{
	mark_always(number, reason, label);
	*reason = SEEP_REASON_REQUEST;
}

static void check_thinned_by_label(choose_kind *choose)
{
	struct profile_writer file = without_sites(3000, choose);

	for (uint32_t part = 2; part <= 64; part *= 2) {
		struct profile *profile = thin_again(&file, 1);
		uint32_t starts = count_labels(profile, "start");
		uint32_t stops = count_labels(profile, "stop");

		assert_in_range(starts, 1000 / part, 1000 / part + 8);
		assert_in_range(stops, 2000 / part, 2000 / part + 8);
		assert_int_equal(starts + stops, profile->snapshot_count);
		assert_int_equal(profile->snapshots[0].number, 1);
		profile_free(profile);
	}
	profile_writer_free(&file);
}

static void marks_are_thinned_by_label(void **state)
{
	(void)state;
	check_thinned_by_label(mark_always);
}

static void what_was_asked_for_is_thinned_by_label(void **state)
{
	(void)state;
	check_thinned_by_label(ask_always);
}

/* Two that somebody asked for, among marks of the same names. */
static void mark_and_ask_twice(uint32_t number, enum seep_snapshot_reason *reason,
			       const char **label)
{
	if (number % 3 == 0)
		return;
	mark_always(number, reason, label);
	if (number == 100 || number == 2000)
		*reason = SEEP_REASON_REQUEST;
}

static uint32_t count_requests(const struct profile *profile)
{
	uint32_t requests = 0;

	for (size_t i = 0; i < profile->snapshot_count; i++)
		requests += profile->snapshots[i].reason == SEEP_REASON_REQUEST;
	return requests;
}

static void many_marks_are_no_reason_to_lose_what_was_asked_for(void **state)
{
	struct profile_writer file = without_sites(3000, mark_and_ask_twice);

	(void)state;
	for (uint32_t left = 1000; left >= 2; left /= 2) {
		struct profile *profile = thin_again(&file, 1);

		assert_int_equal(count_requests(profile), 2);
		profile_free(profile);
	}
	profile_writer_free(&file);
}

static void mark_each_anew(uint32_t number, enum seep_snapshot_reason *reason, const char **label)
{
	static char text[16];

	snprintf(text, sizeof(text), "job %u", number);
	*reason = SEEP_REASON_MARK;
	*label = text;
}

static void ask_for_each_anew(uint32_t number, enum seep_snapshot_reason *reason,
			      const char **label)
{
	mark_each_anew(number, reason, label);
	*reason = SEEP_REASON_REQUEST;
}

static void check_thinned(choose_kind *choose)
{
	struct profile_writer file = without_sites(1026, choose);

	for (size_t left = 512; left > 2; left /= 2) {
		struct profile *profile = thin_again(&file, 1);

		assert_int_equal(profile->snapshot_count, left + 2);
		profile_free(profile);
	}
	profile_writer_free(&file);
}

static void labels_that_are_all_different_are_thinned_too(void **state)
{
	(void)state;
	check_thinned(mark_each_anew);
	check_thinned(ask_for_each_anew);
}

static int fail_later(void *context, uint32_t type, uint64_t time_ns, const void *payload,
		      size_t bytes)
{
	int *left = context;

	(void)type;
	(void)time_ns;
	(void)payload;
	(void)bytes;
	return (*left)-- > 0 ? 0 : -ENOSPC;
}

static void passes_on_that_the_disk_is_full(void **state)
{
	struct lib_random random = lib_random_start();
	struct profile_writer file;
	struct lib_history history;

	(void)state;
	write_history(&random, &file, &history, 60);
	int fd = in_memory(&file.file);
	for (int records = 0; records < 40; records++) {
		int left = records;

		assert_int_equal(
			snapshot_thinning_copy(fd, file.file.size, NEWEST_KEPT, fail_later, &left),
			-ENOSPC);
		assert_int_equal(left, -1);
	}
	close(fd);
	profile_writer_free(&file);
	lib_history_free(&history);
}

/* Another program has written into our file: an error, or a copy, never more. */
static void survives_a_file_that_somebody_changed(void **state)
{
	struct lib_random random = lib_random_start();
	struct profile_writer file, thinned;
	struct lib_history history;
	uint32_t refused = 0;

	(void)state;
	write_history(&random, &file, &history, 80);
	for (int round = 0; round < 3000; round++) {
		uint8_t *at =
			file.file.bytes + sizeof(struct seep_file_header) +
			lib_random_below(&random,
					 file.file.size - sizeof(struct seep_file_header) - 8);
		uint8_t was[8];

		memcpy(was, at, sizeof(was));
		for (uint64_t i = lib_random_below(&random, sizeof(was)); i < sizeof(was); i++)
			at[i] = (uint8_t)(lib_random_once_in(&random, 3)
						  ? 0xff
						  : lib_random_next(&random));
		int result = thin(&file, &thinned);

		assert_true(result == 0 || result == -EILSEQ || result == -ENOMEM ||
			    result == -EIO);
		refused += result != 0;
		profile_writer_free(&thinned);
		memcpy(at, was, sizeof(was));
	}
	assert_int_equal(thin(&file, &thinned), 0);
	profile_writer_free(&thinned);
	print_message("          %u of 3000 refused\n", refused);
	assert_true(refused > 100);

	/* And one that was cut while we read it. */
	int fd = in_memory(&file.file);
	for (int round = 0; round < 300; round++) {
		int left = 1 << 20;
		uint64_t bytes = lib_random_below(&random, file.file.size);

		assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
		assert_int_not_equal(
			snapshot_thinning_copy(fd, file.file.size, NEWEST_KEPT, fail_later, &left),
			0);
		assert_int_equal(pwrite(fd, file.file.bytes, file.file.size, 0), file.file.size);
	}
	close(fd);
	profile_writer_free(&file);
	lib_history_free(&history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_snapshots_say_what_they_said),
		cmocka_unit_test(keeps_the_newest_self_check_only),
		cmocka_unit_test(keeps_the_newest_of_what_replaces_what_was_said_before),
		cmocka_unit_test(keeps_all_alerts_and_the_first_of_their_snapshots),
		cmocka_unit_test(keeps_a_mark_that_shows_an_alert),
		cmocka_unit_test(halves_what_is_old),
		cmocka_unit_test(what_stays_is_where_merged_cohorts_end),
		cmocka_unit_test(the_first_and_the_newest_stay_however_often),
		cmocka_unit_test(few_marks_stay_until_the_others_have_gone),
		cmocka_unit_test(marks_are_thinned_by_label),
		cmocka_unit_test(what_was_asked_for_is_thinned_by_label),
		cmocka_unit_test(many_marks_are_no_reason_to_lose_what_was_asked_for),
		cmocka_unit_test(labels_that_are_all_different_are_thinned_too),
		cmocka_unit_test(passes_on_that_the_disk_is_full),
		cmocka_unit_test(survives_a_file_that_somebody_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
