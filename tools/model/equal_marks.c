/* SPDX-License-Identifier: Apache-2.0 */
/*
 * equal_marks: which snapshots say that the program was in the same state again.
 *
 * Marks tell of the time between them. When the program was marked in its first hour and has run for
 * days since, the ages of blocks know more, and the marks are not asked. So the last mark must be near
 * the end: of the time from the first one that counts on, no more than a fifth lies behind it, or no
 * more than two snapshots do, as when a test ends.
 */
#include "tools/model/equal_marks.h"

#include <stdlib.h>
#include <string.h>

#include "tools/model/profile.h"

#define SHARE_BEHIND 0.2
#define SNAPSHOTS_BEHIND 2

struct mark {
	const char *label;
	uint32_t snapshot;
};

static int compare_marks(const void *left, const void *right)
{
	const struct mark *a = left, *b = right;
	int order = strcmp(a->label, b->label);
	return order ? order : (a->snapshot > b->snapshot) - (a->snapshot < b->snapshot);
}

/* How the program tidies up says nothing. */
static size_t last_of_work(const struct profile *profile, size_t first, size_t last)
{
	const struct snapshot *snapshots = profile->snapshots;
	while (last > first && snapshot_is_last_word(&snapshots[last]))
		last--;
	return last;
}

static bool is_near_end(const struct profile *profile, const struct mark *marks, size_t count,
			size_t last)
{
	const struct snapshot *snapshots = profile->snapshots;
	size_t newest = marks[count - 1].snapshot;
	double start = snapshots[marks[count > 1].snapshot].time_s;
	double whole = snapshots[last].time_s - start;
	double behind = snapshots[last].time_s - snapshots[newest].time_s;
	return last - newest <= SNAPSHOTS_BEHIND || behind <= SHARE_BEHIND * whole;
}

/* Of more marks than a series holds, every second, third … one up to the last. */
static void choose_marks(struct mark_label *label, const struct mark *marks, size_t count)
{
	size_t left = count - 1;
	size_t stride = (left + MARK_SERIES_MAX - 1) / MARK_SERIES_MAX;
	label->used_count = stride ? (left + stride - 1) / stride : 0;
	for (size_t i = 0; i < label->used_count; i++)
		label->used[label->used_count - 1 - i] = marks[count - 1 - i * stride].snapshot;
}

/* Keeps those with the most marks; of equals the first in the alphabet. */
static void add_label(struct equal_marks *marks, const struct mark_label *label)
{
	size_t at = marks->label_count;
	while (at && marks->labels[at - 1].mark_count < label->mark_count)
		at--;
	if (at == EQUAL_MARKS_LABELS)
		return;
	if (marks->label_count < EQUAL_MARKS_LABELS)
		marks->label_count++;
	memmove(&marks->labels[at + 1], &marks->labels[at],
		(marks->label_count - 1 - at) * sizeof(*label));
	marks->labels[at] = *label;
}

bool equal_marks_find(struct equal_marks *marks, const struct profile *profile, size_t first,
		      size_t last)
{
	const struct snapshot *snapshots = profile->snapshots;
	size_t count = 0, end;
	marks->label_count = 0;
	for (size_t i = first; i <= last && i < profile->snapshot_count; i++)
		count += snapshots[i].reason == SEEP_REASON_MARK;
	if (!count)
		return true;
	struct mark *all = malloc(count * sizeof(*all));
	if (!all)
		return false;
	count = 0;
	for (size_t i = first; i <= last && i < profile->snapshot_count; i++)
		if (snapshots[i].reason == SEEP_REASON_MARK)
			all[count++] = (struct mark){snapshots[i].label, (uint32_t)i};
	qsort(all, count, sizeof(*all), compare_marks);
	/* Once for all labels: a file may have as many of them as snapshots. */
	size_t newest = last < profile->snapshot_count ? last : profile->snapshot_count - 1;
	last = last_of_work(profile, first, newest);
	for (size_t begin = 0; begin < count; begin = end) {
		for (end = begin + 1; end < count && !strcmp(all[end].label, all[begin].label);)
			end++;
		struct mark_label label = {
			.text = all[begin].label,
			.mark_count = end - begin,
			.is_recent = is_near_end(profile, all + begin, end - begin, last),
		};
		choose_marks(&label, all + begin, end - begin);
		add_label(marks, &label);
	}
	free(all);
	return true;
}

bool equal_marks_tell(const struct mark_label *label)
{
	return label->mark_count >= EQUAL_MARKS_LEAST && label->is_recent;
}

void equal_marks_series(const struct mark_label *label, const struct profile *profile,
			const struct site *site, struct mark_series *series)
{
	series->count = label->used_count;
	for (size_t i = 0; i < label->used_count; i++) {
		const struct site_point *point = site_at(site, label->used[i]);
		series->snapshot[i] = label->used[i];
		series->time_s[i] = profile->snapshots[label->used[i]].time_s;
		series->blocks[i] = point ? (double)point->live_blocks : 0;
		series->bytes[i] = point ? (double)point->live_bytes : 0;
	}
}
