/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watched_run: a program under the library, from the first check to the files that it has left.
 */
#include "tools/commands/watched_run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seep/snapshot_format.h"
#include "tools/commands/chosen_children.h"
#include "tools/commands/diagnosis.h"
#include "tools/commands/end_record.h"
#include "tools/commands/library_path.h"
#include "tools/commands/orphans.h"
#include "tools/commands/program_check.h"
#include "tools/commands/program_diagnosis.h"
#include "tools/commands/run_output.h"
#include "tools/commands/settings_text.h"
#include "tools/model/error.h"
#include "tools/output/number_text.h"

/* How long the library's helper may take to write the last snapshot. */
#define NOTICE_MS 2000
#define TIMEOUT_MS 30000

void watched_run_say(const struct watched_run *run, const char *text)
{
	fprintf(run->log, "seep: %s: %s\n", run->command_name, text);
}

/* ---- before ---- */

static int make_output_absolute(struct watched_run *run, struct error *error)
{
	char pattern[PATH_MAX];
	int result =
		run_output_absolute(settings_text_get(run->settings, "output"), pattern, error);

	if (result < 0)
		return result;
	return settings_text_set(run->settings, settings_find("output"), pattern, error);
}

/* Better before a run of days than after it. */
static void say_warnings(const struct watched_run *run)
{
	struct program_file file = run->file;
	struct diagnosis diagnosis = {0};
	struct error line;

	/* Followed, or the library says why not. */
	if (file.own_allocator &&
	    strcmp(settings_text_get(run->settings, "allocator"), file.allocator_prefix) == 0)
		file.own_allocator = NULL;
	program_diagnosis(&diagnosis, &file);
	for (size_t i = 0; i < diagnosis.count; i++)
		if (diagnosis.statements[i].grade == DIAGNOSIS_WARNING) {
			error_set(&line, 0, "%s: %s", run->program, diagnosis.statements[i].text);
			watched_run_say(run, line.text);
		}
}

int watched_run_prepare(struct watched_run *run, const char *program, struct error *error)
{
	int result = make_output_absolute(run, error);

	if (result == 0)
		result = chosen_children_resolve(run->settings, error);
	if (result == 0)
		result = library_path_find(run->library, error);
	if (result == 0)
		result = program_check_find(program, run->program, error);
	if (result == 0)
		result = program_check(run->program, run->library, &run->file, error);
	if (result == 0)
		result = run_output_prepare(settings_text_get(run->settings, "output"),
					    run->program, error);
	return result;
}

int watched_run_start(struct watched_run *run, char **argv, struct error *error)
{
	char *text = settings_text_write(run->settings);
	char *preload = library_path_preload(run->library, getenv("LD_PRELOAD"));
	int result;

	if (!run->is_quiet)
		say_warnings(run);
	orphans_adopt();
	file_lender_open(&run->lender);
	if (!text || !preload)
		result = error_set(error, ENOMEM, "out of memory");
	else
		result = child_process_run(
			&run->child, run->program, argv,
			&(struct child_settings){
				.preload = preload,
				.options = text,
				.output = settings_text_get(run->settings, "output"),
				.lender = &run->lender,
			},
			error);
	file_lender_close(&run->lender);
	free(preload);
	free(text);
	return result;
}

/* ---- after ---- */

static void say_waiting(void *context)
{
	const struct watched_run *run = context;

	if (!run->is_quiet)
		watched_run_say(run, "waiting for the last snapshot to be written");
}

/* Waits for the program's last snapshot and says in its file how it ended. */
static void finish_root(struct watched_run *run)
{
	const char *path = run->files.files[run->files.root].path;
	const struct child_process *child = &run->child;
	bool is_signal = WIFSIGNALED(child->wait_status);
	const struct seep_end end = {
		.how = is_signal ? SEEP_END_SIGNAL : SEEP_END_EXIT,
		.status =
			is_signal ? WTERMSIG(child->wait_status) : WEXITSTATUS(child->wait_status),
		.ended_unix_ns = child->ended_unix_ns,
	};
	struct error error;
	int fd = end_record_lock(path, NOTICE_MS, TIMEOUT_MS, say_waiting, run, &error);

	if (fd < 0 || end_record_append(fd, path, &end, &error) < 0)
		watched_run_say(run, error.text);
	if (fd >= 0)
		close(fd);
}

/* The files of children that have ended should be complete when we return. One that is still
 * running (a daemon) is judged as it is now. One that is gone had nothing to tell: the helper
 * removes the file of a fork that lived only until its exec. */
static void await_children(struct watched_run *run)
{
	struct run_files *files = &run->files;
	struct error error;

	for (size_t i = 0; i < files->count; i++) {
		const struct run_file *file = &files->files[i];
		if (run_files_are_same(file, &files->files[files->root]) ||
		    run_file_is_running(file))
			continue;
		int fd = end_record_lock(file->path, NOTICE_MS, TIMEOUT_MS, say_waiting, run,
					 &error);
		if (fd == -ENOENT) {
			run_files_drop(files, i--);
			continue;
		}
		if (fd >= 0)
			close(fd);
		else
			watched_run_say(run, error.text);
		/* Where one helper hangs the others will: once is enough. */
		if (fd == -ETIMEDOUT)
			return;
	}
}

/* No file: the most likely reason. */
static int fail_for_nothing_written(const struct watched_run *run, struct error *error)
{
	char folder[PATH_MAX];
	struct statvfs system;
	const char *reason = "libseep.so did not come to life in it; did a wrapper clear the "
			     "environment, or the program change its user?";

	if (run_output_folder(settings_text_get(run->settings, "output"), folder)) {
		if (access(folder, W_OK | X_OK) != 0)
			reason = strerror(errno);
		else if (statvfs(folder, &system) == 0 && system.f_blocks > 0 &&
			 system.f_bavail == 0)
			reason = strerror(ENOSPC);
	}
	return error_set(error, ENODATA, "no snapshot file was written for %s: %s", run->program,
			 reason);
}

/* The program itself may be among them. */
static void say_refused(const struct watched_run *run)
{
	size_t count = run->lender.refused_count;
	struct error line;

	if (!count)
		return;
	error_set(&line, 0,
		  "%s process%s of another user or root could not be recorded, nor %s forks: %s",
		  number_count(count).text, count == 1 ? "" : "es", count == 1 ? "its" : "their",
		  strerror(run->lender.first_error));
	watched_run_say(run, line.text);
}

int watched_run_collect(struct watched_run *run, struct error *error)
{
	const char *pattern = settings_text_get(run->settings, "output");
	const char *followed = settings_text_get(run->settings, "children");
	pid_t pid = run->child.pid;
	char children[PATH_MAX];
	bool has_folder =
		run_output_children(pattern, run->program, pid, children) &&
		run_output_children_folder(pattern, run->program, pid, run->children_folder);
	const struct run_identity identity = {
		.pattern = pattern,
		.children = has_folder ? children : NULL,
		.pid = pid,
		.start_ticks = run->child.start_ticks,
		.has_gaps = strcmp(followed, "all") != 0 && strcmp(followed, "none") != 0,
	};

	if (!has_folder)
		run->children_folder[0] = '\0';
	/* The program's limits are ours too: a file that may not grow is an error, not our end. */
	signal(SIGXFSZ, SIG_IGN);
	say_refused(run);
	int result = run_files_find(&identity, &run->files, error);
	if (result < 0)
		return result;
	if (run->files.root == run->files.count)
		return fail_for_nothing_written(run, error);
	finish_root(run);
	/* One of them that nobody has waited for would look as if it went on. */
	orphans_reap();
	await_children(run);
	return 0;
}

void watched_run_free(struct watched_run *run)
{
	run_files_free(&run->files);
	orphans_end();
}
