/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_tree: who has started whom, of the processes whose files lie together.
 *
 * A parent is known by its pid, and pids are used again: it is the last one of that pid which began before
 * the child. So nobody is his own ancestor, whatever the files say.
 */
#include "tools/model/process_tree.h"

#include <errno.h>
#include <stdlib.h>

#define NOBODY SIZE_MAX

struct process {
	const struct process_file *first; /* of its files */
	const struct process_file **files;
	size_t file_count;
	size_t parent, first_child, last_child, next; /* of the same parent */
	bool has_place;
};

struct tree {
	const struct process_file **sorted; /* by pid, then by process, then by age */
	struct process *processes;	    /* in this order */
	size_t process_count;
	size_t first, last; /* of those without a parent */
};

bool process_file_is_same(const struct process_file *one, const struct process_file *other)
{
	return one->pid == other->pid && one->start_ticks == other->start_ticks;
}

static int compare(uint64_t one, uint64_t other)
{
	return (one > other) - (one < other);
}

static int compare_files(const void *a, const void *b)
{
	const struct process_file *one = *(const struct process_file *const *)a;
	const struct process_file *other = *(const struct process_file *const *)b;
	int order = compare(one->pid, other->pid);

	if (order == 0)
		order = compare(one->start_ticks, other->start_ticks);
	if (order == 0)
		order = compare(one->started_unix_ns, other->started_unix_ns);
	return order != 0 ? order : compare((uintptr_t)one, (uintptr_t)other);
}

static void find_processes(struct tree *tree, const struct process_file *files, size_t count)
{
	for (size_t i = 0; i < count; i++)
		tree->sorted[i] = &files[i];
	qsort(tree->sorted, count, sizeof(*tree->sorted), compare_files);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || !process_file_is_same(tree->sorted[i - 1], tree->sorted[i]))
			tree->processes[tree->process_count++] = (struct process){
				.first = tree->sorted[i],
				.files = &tree->sorted[i],
				.parent = NOBODY,
				.first_child = NOBODY,
				.next = NOBODY,
			};
		tree->processes[tree->process_count - 1].file_count++;
	}
}

/* The first process of this pid, or where it would be. */
static size_t find_pid(const struct tree *tree, uint32_t pid)
{
	size_t low = 0, high = tree->process_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (tree->processes[middle].first->pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool began_before(const struct process_file *one, const struct process_file *other)
{
	return one->started_unix_ns < other->started_unix_ns ||
	       (one->started_unix_ns == other->started_unix_ns && one < other);
}

static size_t find_parent(const struct tree *tree, const struct process_file *child)
{
	size_t found = NOBODY;

	for (size_t i = find_pid(tree, child->parent);
	     i < tree->process_count && tree->processes[i].first->pid == child->parent; i++) {
		const struct process_file *parent = tree->processes[i].first;
		if (began_before(parent, child) &&
		    (found == NOBODY || began_before(tree->processes[found].first, parent)))
			found = i;
	}
	return found;
}

static size_t find_process(const struct tree *tree, const struct process_file *file)
{
	size_t i = find_pid(tree, file->pid);

	while (!process_file_is_same(tree->processes[i].first, file))
		i++;
	return i;
}

/* Behind its brothers, in the order of the files as they were given. */
static void give_places(struct tree *tree, const struct process_file *files, size_t count)
{
	tree->first = tree->last = NOBODY;
	for (size_t i = 0; i < count; i++) {
		size_t index = find_process(tree, &files[i]);
		struct process *process = &tree->processes[index];
		if (process->has_place)
			continue;
		process->has_place = true;
		process->parent = find_parent(tree, process->first);
		struct process *parent =
			process->parent == NOBODY ? NULL : &tree->processes[process->parent];
		size_t *first = parent ? &parent->first_child : &tree->first;
		size_t *last = parent ? &parent->last_child : &tree->last;
		if (*first == NOBODY)
			*first = index;
		else
			tree->processes[*last].next = index;
		*last = index;
	}
}

/* The one behind it and all its descendants; *depth becomes that one's. */
static size_t next_process(const struct tree *tree, size_t index, size_t *depth)
{
	if (tree->processes[index].first_child != NOBODY) {
		++*depth;
		return tree->processes[index].first_child;
	}
	while (index != NOBODY && tree->processes[index].next == NOBODY) {
		index = tree->processes[index].parent;
		*depth -= index != NOBODY;
	}
	return index == NOBODY ? NOBODY : tree->processes[index].next;
}

int process_tree_order(struct process_file *files, size_t count, size_t *order)
{
	struct tree tree = {
		.sorted = calloc(count, sizeof(*tree.sorted)),
		.processes = calloc(count, sizeof(*tree.processes)),
	};
	size_t placed = 0, depth = 0;
	int result = count && (!tree.sorted || !tree.processes) ? -ENOMEM : 0;

	if (result == 0 && count) {
		find_processes(&tree, files, count);
		give_places(&tree, files, count);
		for (size_t i = tree.first; i != NOBODY; i = next_process(&tree, i, &depth)) {
			const struct process *process = &tree.processes[i];
			for (size_t k = 0; k < process->file_count; k++) {
				order[placed] = (size_t)(process->files[k] - files);
				files[order[placed++]].depth = depth;
			}
		}
	}
	free(tree.sorted);
	free(tree.processes);
	return result;
}
