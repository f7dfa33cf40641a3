/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile: reads a file in two rounds and answers questions about it.
 *
 * The first round takes modules and stacks, the second the snapshots that speak of them, so that
 * nothing depends on the order in which the target wrote them.
 */
#include "tools/model/profile.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/arena.h"
#include "tools/model/error.h"
#include "tools/model/holders.h"
#include "tools/model/process_stat.h"
#include "tools/model/profile_builder.h"
#include "tools/model/profile_memory.h"
#include "tools/model/record_reader.h"
#include "tools/model/sampling.h"
#include "tools/model/scan.h"
#include "tools/model/snapshot_file.h"

#define FREES_SINCE_MINOR 4 /* version of the format */

/* Adds the records of one round; returns 0 or -ENOMEM. */
static int add_records(struct profile_builder *builder, struct record_reader *reader,
		       bool are_snapshots, uint64_t *record_count, uint64_t *bad_records)
{
	struct record record;
	while (record_reader_next(reader, &record)) {
		++*record_count;
		if ((record.type == SEEP_RECORD_SNAPSHOT) != are_snapshots)
			continue;
		int added = are_snapshots ? profile_builder_add_snapshot(builder, &record)
					  : profile_builder_add(builder, &record);
		if (added == -ENOMEM)
			return added;
		*bad_records += added != 0;
	}
	return 0;
}

static int build(const char *path, const struct snapshot_file *file, struct profile **profile,
		 struct error *error)
{
	struct profile_builder *builder = profile_builder_new(file->size);
	struct record_reader reader;
	uint64_t record_count = 0, bad_records = file->header_is_damaged, ignored = 0;
	int result = -ENOMEM;
	*profile = NULL;
	if (!builder)
		goto out;

	record_reader_start(&reader, file->bytes, file->size, file->first_record);
	if (add_records(builder, &reader, false, &record_count, &bad_records) < 0)
		goto out;
	if (!record_count) {
		result = error_set(error, ENODATA,
				   "\"%s\" is cut off before the first record: the program was "
				   "killed while it started, or the disk was full",
				   path);
		goto out;
	}
	int linked = profile_builder_link(builder);
	if (linked == -ENOMEM)
		goto out;
	bad_records += linked != 0;

	struct record_reader again;
	record_reader_start(&again, file->bytes, file->size, file->first_record);
	if (add_records(builder, &again, true, &ignored, &bad_records) < 0)
		goto out;

	struct profile *made = profile_builder_finish(builder);
	if (!made)
		goto out;
	made->damage.damaged_records = reader.damaged_records + bad_records;
	made->damage.skipped_bytes = reader.skipped_bytes;
	made->damage.tail_is_torn = reader.tail_is_torn;
	*profile = made;
	result = 0;
out:
	profile_builder_free(builder);
	if (result == -ENOMEM)
		error_set(error, ENOMEM, "there is not enough memory to read \"%s\"", path);
	return result;
}

int profile_read(const char *path, struct profile **profile, struct error *error)
{
	struct snapshot_file file;
	*profile = NULL;
	int result = snapshot_file_read(path, &file, error);
	if (result)
		return result;
	result = build(path, &file, profile, error);
	if (!result) {
		struct profile *made = *profile;
		made->path = strdup(path);
		made->started_unix_ns = file.header.started_unix_ns;
		made->version_minor = file.header.version_minor;
		if (!made->pid)
			made->pid = file.header.pid;
		made->is_running = made->is_running &&
				   process_stat_is_running((pid_t)made->pid, made->start_ticks);
		if (!made->path) {
			profile_free(made);
			*profile = NULL;
			result = error_set(error, ENOMEM,
					   "there is not enough memory to read \"%s\"", path);
		}
	}
	snapshot_file_free(&file);
	return result;
}

void profile_free(struct profile *profile)
{
	if (!profile)
		return;
	if (profile->memory) {
		arena_free(profile->memory->arena);
		free(profile->memory->points);
		free(profile->memory->cohorts);
		free(profile->memory);
	}
	free(profile->modules);
	free(profile->nodes);
	free(profile->snapshots);
	free(profile->alerts);
	free(profile->path);
	free(profile);
}

const struct sampling *snapshot_sampling(const struct profile *profile, size_t snapshot)
{
	const struct sampling *sampling = profile->sampling;
	return sampling && snapshot < profile->snapshot_count &&
			       sampling->raw.snapshot == profile->snapshots[snapshot].number
		       ? sampling
		       : NULL;
}

bool profile_is_unseen(const struct profile *profile)
{
	size_t count = profile->snapshot_count;

	return profile->has_own_malloc && count > 0 &&
	       profile->snapshots[count - 1].raw.allocations == 0;
}

bool profile_has_last_state(const struct profile *profile)
{
	return profile->snapshot_count &&
	       snapshot_is_last_word(&profile->snapshots[profile->snapshot_count - 1]);
}

static bool may_have_been_killed(const struct profile *profile)
{
	return profile->end_how == SEEP_END_SIGNAL
		       ? profile->end_status == SIGKILL
		       : profile->end_how == SEEP_END_UNKNOWN && !profile->is_running;
}

double profile_oom_share(const struct profile *profile)
{
	const struct snapshot *last =
		profile->snapshot_count ? &profile->snapshots[profile->snapshot_count - 1] : NULL;

	if (!last || !last->raw.limit_bytes || !may_have_been_killed(profile))
		return 0;
	/* The kernel's takes the helper, too: this one was alive to write it. */
	if (last->reason == SEEP_REASON_FINAL || last->reason == SEEP_REASON_EXEC)
		return 0;
	double share = (double)last->raw.limit_used_bytes / (double)last->raw.limit_bytes;
	return share >= PROFILE_NEAR_LIMIT ? fmin(share, 1) : 0;
}

const struct site_pins *profile_pins(const struct profile *profile, size_t snapshot)
{
	const struct site_pins *pins = profile->pins;
	return pins && snapshot < profile->snapshot_count &&
			       pins->raw.snapshot <= profile->snapshots[snapshot].number
		       ? pins
		       : NULL;
}

const struct scan *profile_scan(const struct profile *profile, size_t snapshot)
{
	const struct scan *scan = profile->scan;
	return scan && snapshot < profile->snapshot_count &&
			       scan->raw.snapshot <= profile->snapshots[snapshot].number
		       ? scan
		       : NULL;
}

const struct scanned_site *site_scanned(const struct profile *profile, const struct site *site,
					size_t snapshot)
{
	static const struct scanned_site none;
	const struct scan *scan = profile_scan(profile, snapshot);
	if (!scan || scan->raw.outcome != SEEP_SCAN_DONE || site_is_mapping(profile, site))
		return NULL;
	const struct scanned_site *found = scan_site(scan, site->stack);
	return found ? found : &none;
}

const struct holder_path *site_holders(const struct profile *profile, const struct site *site,
				       size_t snapshot, size_t *count)
{
	const struct scan *scan = profile_scan(profile, snapshot);
	const struct holders *holders = profile->holders;
	*count = 0;
	if (!scan || scan->raw.outcome != SEEP_SCAN_DONE || !holders ||
	    holders->raw.snapshot != scan->raw.snapshot)
		return NULL;
	size_t low = 0, high = holders->path_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (holders->paths[middle].stack < site->stack)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + *count < holders->path_count &&
	       holders->paths[low + *count].stack == site->stack)
		++*count;
	return *count ? &holders->paths[low] : NULL;
}

const struct sampled_site *site_sampled(const struct profile *profile, const struct site *site,
					size_t snapshot)
{
	const struct sampling *sampling = snapshot_sampling(profile, snapshot);
	return sampling ? sampling_site(sampling, site->stack) : NULL;
}

const struct free_pair *site_freers(const struct profile *profile, const struct site *site,
				    size_t *count)
{
	static const struct free_pair none;
	const struct free_samples *frees = profile->frees;
	size_t low = 0, high = frees ? frees->pair_count : 0;
	*count = 0;
	if (!frees)
		return profile->version_minor >= FREES_SINCE_MINOR ? &none : NULL;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (frees->pairs[middle].stack < site->stack)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + *count < frees->pair_count && frees->pairs[low + *count].stack == site->stack)
		++*count;
	return *count ? &frees->pairs[low] : &none;
}

bool site_is_mapping(const struct profile *profile, const struct site *site)
{
	uint64_t pc = site->stack < profile->node_count ? profile->nodes[site->stack].pc : 0;
	return pc == SEEP_PC_MMAP || pc == SEEP_PC_BRK;
}

const struct site_point *site_at(const struct site *site, size_t snapshot)
{
	size_t low = 0, high = site->point_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (site->points[middle].snapshot <= snapshot)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &site->points[low - 1] : NULL;
}

/* ---- finding a snapshot by name ---- */

/* The kept snapshots before and after a number that is not there. */
static int fail_for_number(const struct profile *profile, uint32_t number, struct error *error)
{
	const struct snapshot *snapshots = profile->snapshots;
	size_t after = 0;
	while (after < profile->snapshot_count && snapshots[after].number < number)
		after++;
	if (after == profile->snapshot_count)
		return error_set(
			error, ENOENT,
			"\"%s\" has no snapshot %u; the last one is %u (see `seep snapshots`)",
			profile->path, number, snapshots[after - 1].number);
	if (!after)
		return error_set(
			error, ENOENT,
			"\"%s\" has no snapshot %u; the first one is %u (see `seep snapshots`)",
			profile->path, number, snapshots[0].number);
	return error_set(error, ENOENT,
			 "\"%s\" has no snapshot %u: it was thinned out to keep the file small; "
			 "its neighbours are %u and %u",
			 profile->path, number, snapshots[after - 1].number,
			 snapshots[after].number);
}

static int find_number(const struct profile *profile, long long number, size_t *index,
		       struct error *error)
{
	size_t count = profile->snapshot_count;
	if (number < 0) {
		/* Before the negation, which the smallest number does not survive. */
		if (number < -(long long)count)
			return error_set(error, ENOENT,
					 "\"%s\" has only %zu snapshot%s, so there is no %lld",
					 profile->path, count, count == 1 ? "" : "s", number);
		*index = count - (size_t)-number;
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (profile->snapshots[i].number == number) {
			*index = i;
			return 0;
		}
	}
	return fail_for_number(profile, number > UINT32_MAX ? UINT32_MAX : (uint32_t)number, error);
}

static int find_label(const struct profile *profile, const char *label, size_t *index,
		      struct error *error)
{
	size_t found = 0;
	for (size_t i = 0; *label && i < profile->snapshot_count; i++) {
		if (strcmp(profile->snapshots[i].label, label) != 0)
			continue;
		if (found++)
			return error_set(error, EINVAL,
					 "\"%s\" has several snapshots labelled \"%s\", among them "
					 "%u and %u; name one by its number",
					 profile->path, label, profile->snapshots[*index].number,
					 profile->snapshots[i].number);
		*index = i;
	}
	if (!found)
		return error_set(
			error, ENOENT,
			"\"%s\" has no snapshot called \"%s\"; `seep snapshots` lists numbers "
			"and labels, and \"first\" and \"last\" always work",
			profile->path, label);
	return 0;
}

int profile_find_snapshot(const struct profile *profile, const char *name, size_t *index,
			  struct error *error)
{
	if (!profile->snapshot_count)
		return error_set(error, ENOENT,
				 "\"%s\" holds no snapshot: the program ended before the first one",
				 profile->path);
	if (strcmp(name, "first") == 0) {
		*index = 0;
		return 0;
	}
	if (strcmp(name, "last") == 0) {
		*index = profile->snapshot_count - 1;
		return 0;
	}

	/* A label that looks like a number is out of reach; numbers are what is listed first. */
	const char *digits = name + (*name == '-');
	if (*digits && strspn(digits, "0123456789") == strlen(digits))
		return find_number(profile, strtoll(name, NULL, 10), index, error);
	return find_label(profile, name, index, error);
}
