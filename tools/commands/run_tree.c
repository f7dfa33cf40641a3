/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_tree: the processes of a run, each below who has started it, where they are few.
 */
#include "tools/commands/run_tree.h"

#include <stddef.h>

#include "tools/commands/run_files.h"
#include "tools/model/process_tree.h"
#include "tools/output/text_line.h"

#define FILES_MAX 10 /* of which each has a line; more are for seep report */

static void write_line(FILE *out, const struct run_file *file, size_t depth)
{
	static const struct text_style style = {.width = 80};
	struct text_line line;

	text_line_begin(&line, out, &style);
	text_line_put(&line, INK_PLAIN, "seep:");
	text_line_pad(&line, 8 + 2 * (int)depth);
	text_line_put(&line, INK_PLAIN, file->name);
	text_line_print(&line, INK_PLAIN, " (%d)%s%s", (int)file->pid,
			file->leak_count ? ", leaks" : "",
			file->wrong_free_count ? ", wrong free" : "");
	text_line_end(&line);
}

void run_tree_write(FILE *out, const struct run_files *run_files)
{
	struct process_file files[FILES_MAX];
	size_t order[FILES_MAX];

	if (!run_files->child_count || run_files->count > FILES_MAX)
		return;
	for (size_t i = 0; i < run_files->count; i++)
		files[i] = (struct process_file){
			.pid = (uint32_t)run_files->files[i].pid,
			.parent = (uint32_t)run_files->files[i].parent,
			.start_ticks = run_files->files[i].start_ticks,
			.started_unix_ns = run_files->files[i].started_unix_ns,
		};
	if (process_tree_order(files, run_files->count, order) < 0)
		return;
	for (size_t i = 0; i < run_files->count; i++)
		write_line(out, &run_files->files[order[i]], files[order[i]].depth);
}
