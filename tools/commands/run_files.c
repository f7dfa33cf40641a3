/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_files: which snapshot files a run has left behind.
 *
 * Only the head of each candidate is read, not the whole file: a build under seep leaves thousands.
 */
#include "tools/commands/run_files.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "seep/snapshot_format.h"
#include "tools/model/error.h"
#include "tools/model/named_file.h"
#include "tools/model/process_stat.h"
#include "tools/model/record_reader.h"

/* Enough for the header and the first record with a long command line. */
#define HEAD_BYTES (256 * 1024)
/* So old is an empty file that nobody begins just now, and so long one is looked at that may be. */
#define BEGINNING_S 2
#define BEGINNING_NS 50000000

int run_files_glob(const char *pattern, char *glob_pattern, size_t bytes)
{
	size_t length = 0;

	/* Room for an escaped character, the last star and the zero byte. */
	for (; *pattern && length + 4 < bytes; pattern++) {
		if (*pattern == '%' && (pattern[1] == 'p' || pattern[1] == 'e')) {
			glob_pattern[length++] = '*';
			pattern++;
			continue;
		}
		if (*pattern == '%' && pattern[1] == '%')
			pattern++;
		if (strchr("*?[\\", *pattern))
			glob_pattern[length++] = '\\';
		glob_pattern[length++] = *pattern;
	}
	if (*pattern)
		return -ENAMETOOLONG;
	strcpy(glob_pattern + length, "*");
	return 0;
}

/* False where this is no snapshot file, or not yet. */
static bool read_head(const char *path, uint8_t *head, struct run_file *file)
{
	struct seep_file_header header;
	struct seep_process process = {0};
	const size_t needed_bytes =
		offsetof(struct seep_process, sample_bytes); /* of version 1.0 */
	struct record_reader reader;
	struct record record;
	int fd = named_file_open_harmless(path);

	if (fd < 0)
		return false;
	ssize_t bytes = pread(fd, head, HEAD_BYTES, 0);
	close(fd);
	if (bytes < (ssize_t)sizeof(header))
		return false;
	memcpy(&header, head, sizeof(header));
	if (memcmp(header.magic, SEEP_FILE_MAGIC, SEEP_FILE_MAGIC_BYTES) != 0 ||
	    header.version_major != SEEP_VERSION_MAJOR || header.header_bytes < sizeof(header) ||
	    header.header_bytes > (size_t)bytes || header.header_bytes % SEEP_RECORD_ALIGN != 0 ||
	    crc32(0, head, offsetof(struct seep_file_header, crc)) != header.crc)
		return false;
	*file = (struct run_file){
		.pid = (pid_t)header.pid,
		.started_unix_ns = header.started_unix_ns,
	};

	record_reader_start(&reader, head, (size_t)bytes, header.header_bytes);
	if (record_reader_next(&reader, &record) && record.type == SEEP_RECORD_PROCESS &&
	    record.payload_bytes >= needed_bytes) {
		memcpy(&process, record.payload, needed_bytes);
		file->start_ticks = process.start_ticks;
		file->parent =
			(pid_t)(process.forked_from ? process.forked_from : process.parent_pid);
	}
	return true;
}

static int compare_starts(const void *a, const void *b)
{
	const struct run_file *one = a, *other = b;

	return (one->started_unix_ns > other->started_unix_ns) -
	       (one->started_unix_ns < other->started_unix_ns);
}

static bool has_process(const struct run_files *run_files, pid_t pid)
{
	for (size_t i = 0; i < run_files->count; i++)
		if (run_files->files[i].is_of_run && run_files->files[i].pid == pid)
			return true;
	return false;
}

/* Marks the files of the run. In order of their start a child comes after its parent, but clocks
 * are set back at times: hence until nothing changes. */
static void mark(struct run_files *run_files, const struct run_identity *run)
{
	uint64_t since_ns = UINT64_MAX;
	bool is_changed = true;

	for (size_t i = 0; i < run_files->count; i++) {
		struct run_file *file = &run_files->files[i];
		if (file->pid != run->pid || file->start_ticks != run->start_ticks)
			continue;
		file->is_of_run = true;
		if (file->started_unix_ns < since_ns)
			since_ns = file->started_unix_ns;
	}
	while (is_changed) {
		is_changed = false;
		for (size_t i = 0; i < run_files->count; i++) {
			struct run_file *file = &run_files->files[i];
			if (file->is_of_run || file->started_unix_ns < since_ns ||
			    (file->pid == run->pid && !file->is_in_folder))
				continue;
			file->is_of_run = run->has_gaps || file->is_in_folder ||
					  has_process(run_files, file->pid) ||
					  has_process(run_files, file->parent);
			is_changed |= file->is_of_run;
		}
	}
}

bool run_files_are_same(const struct run_file *one, const struct run_file *other)
{
	return one->pid == other->pid && one->start_ticks == other->start_ticks;
}

/* Without its start it may be another one of the same number, for which nobody has to wait, either. */
bool run_file_is_running(const struct run_file *file)
{
	if (file->start_ticks == 0)
		return kill(file->pid, 0) == 0 || errno == EPERM;
	return process_stat_is_running(file->pid, file->start_ticks);
}

static void count_children(struct run_files *run_files)
{
	const struct run_file *root =
		run_files->root < run_files->count ? &run_files->files[run_files->root] : NULL;

	run_files->child_count = 0;
	for (size_t i = 0; i < run_files->count; i++) {
		const struct run_file *file = &run_files->files[i];
		bool is_first_of_process = !root || !run_files_are_same(file, root);
		for (size_t before = 0; before < i && is_first_of_process; before++)
			is_first_of_process = !run_files_are_same(&run_files->files[before], file);
		run_files->child_count += is_first_of_process;
	}
}

/* Drops the files of others, counts processes, and finds the program's own last file. */
static void settle(struct run_files *run_files, const struct run_identity *run)
{
	size_t kept = 0;

	for (size_t i = 0; i < run_files->count; i++) {
		struct run_file *file = &run_files->files[i];
		if (file->is_of_run)
			run_files->files[kept++] = *file;
		else
			free(file->path);
	}
	run_files->count = run_files->root = kept;
	for (size_t i = 0; i < kept; i++)
		if (run_files->files[i].pid == run->pid &&
		    run_files->files[i].start_ticks == run->start_ticks)
			run_files->root = i;
	count_children(run_files);
}

static bool is_empty(int fd, struct stat *status)
{
	return fstat(fd, status) == 0 && S_ISREG(status->st_mode) && status->st_size == 0 &&
	       status->st_uid == geteuid();
}

/* A process that is killed while it begins its file leaves an empty one. Who goes on may be just about
 * to lock it and write to it, which takes no time at all. Only in a folder of our own, where nobody else
 * has put it. */
static void remove_left_empty(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

	if (fd < 0)
		return;
	if (is_empty(fd, &status)) {
		if (time(NULL) - status.st_mtime < BEGINNING_S)
			nanosleep(&(struct timespec){.tv_nsec = BEGINNING_NS}, NULL);
		if (flock(fd, LOCK_SH | LOCK_NB) == 0 && is_empty(fd, &status))
			unlink(path);
	}
	close(fd);
}

/* Adds every snapshot file whose name follows the pattern. `head` has room for HEAD_BYTES. */
static int add_files(struct run_files *run_files, const char *pattern, bool is_in_folder,
		     uint8_t *head, struct error *error)
{
	char glob_pattern[2 * PATH_MAX];
	glob_t found = {0};
	int result = run_files_glob(pattern, glob_pattern, sizeof(glob_pattern));
	int got = result < 0 ? GLOB_NOMATCH : glob(glob_pattern, GLOB_NOSORT, NULL, &found);

	if (got == GLOB_NOMATCH)
		goto out;
	struct run_file *files =
		got == 0 ? reallocarray(run_files->files, run_files->count + found.gl_pathc,
					sizeof(*files))
			 : NULL;
	if (!files) {
		result = -ENOMEM;
		goto out;
	}
	run_files->files = files;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct run_file file;
		if (!read_head(found.gl_pathv[i], head, &file)) {
			if (is_in_folder)
				remove_left_empty(found.gl_pathv[i]);
			continue;
		}
		file.is_in_folder = is_in_folder;
		file.path = strdup(found.gl_pathv[i]);
		if (!file.path) {
			result = -ENOMEM;
			goto out;
		}
		files[run_files->count++] = file;
	}
out:
	globfree(&found);
	return result < 0 ? error_set(error, -result, "cannot look for %s: %s", pattern,
				      strerror(-result))
			  : 0;
}

int run_files_find(const struct run_identity *run, struct run_files *run_files, struct error *error)
{
	uint8_t *head = malloc(HEAD_BYTES);
	int result = head ? 0 : error_set(error, ENOMEM, "out of memory");

	*run_files = (struct run_files){0};
	if (result == 0)
		result = add_files(run_files, run->pattern, false, head, error);
	if (result == 0 && run->children)
		result = add_files(run_files, run->children, true, head, error);
	free(head);
	if (result < 0) {
		run_files_free(run_files);
		return result;
	}
	if (run_files->count)
		qsort(run_files->files, run_files->count, sizeof(*run_files->files),
		      compare_starts);
	mark(run_files, run);
	settle(run_files, run);
	return 0;
}

void run_files_drop(struct run_files *run_files, size_t index)
{
	const struct run_file dropped = run_files->files[index];
	bool is_only_one = !run_files_are_same(&dropped, &run_files->files[run_files->root]);

	/* Not counted anew: a build leaves thousands, and many of them have nothing to tell. */
	for (size_t i = 0; i < run_files->count; i++)
		is_only_one &= i == index || !run_files_are_same(&run_files->files[i], &dropped);
	run_files->child_count -= is_only_one;
	free(run_files->files[index].path);
	run_files->count--;
	memmove(run_files->files + index, run_files->files + index + 1,
		(run_files->count - index) * sizeof(*run_files->files));
	run_files->root -= index < run_files->root;
}

void run_files_free(struct run_files *run_files)
{
	for (size_t i = 0; i < run_files->count; i++)
		free(run_files->files[i].path);
	free(run_files->files);
	*run_files = (struct run_files){0};
}
