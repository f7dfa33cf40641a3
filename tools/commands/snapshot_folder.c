/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_folder: the snapshot files in a folder.
 *
 * They are known by what they begin with and not by their names, which are whatever --output says.
 */
#include "tools/commands/snapshot_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seep/snapshot_format.h"
#include "tools/model/error.h"

/* The library thins a file into a new one of this name beside it, which a kill may leave behind:
 * half of what the file itself says. */
#define THINNING_SUFFIX ".thin"

size_t snapshot_folder_stem(const char *path)
{
	static const char ending[] = ".seep";
	size_t length = strlen(path);
	bool has_ending =
		length > strlen(ending) && strcmp(path + length - strlen(ending), ending) == 0;

	return has_ending ? length - strlen(ending) : length;
}

bool snapshot_folder_is(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool is_snapshot_file(int folder_fd, const char *name)
{
	char magic[SEEP_FILE_MAGIC_BYTES];
	struct stat status;
	size_t length = strlen(name), suffix_length = strlen(THINNING_SUFFIX);

	if (fstatat(folder_fd, name, &status, 0) != 0 || !S_ISREG(status.st_mode) ||
	    (length > suffix_length && strcmp(name + length - suffix_length, THINNING_SUFFIX) == 0))
		return false;
	int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return true;
	ssize_t bytes = pread(fd, magic, sizeof(magic), 0);
	close(fd);
	return bytes == (ssize_t)sizeof(magic) &&
	       memcmp(magic, SEEP_FILE_MAGIC, sizeof(magic)) == 0;
}

static const char *slash_after(const char *path)
{
	return path[strlen(path) - 1] == '/' ? "" : "/";
}

static int add(struct snapshot_folder *folder, const char *path, const char *name)
{
	char **paths = reallocarray(folder->paths, folder->count + 1, sizeof(*paths));
	size_t length = strlen(path) + strlen(name) + 2;

	if (!paths)
		return -ENOMEM;
	folder->paths = paths;
	paths[folder->count] = malloc(length);
	if (!paths[folder->count])
		return -ENOMEM;
	snprintf(paths[folder->count++], length, "%s%s%s", path, slash_after(path), name);
	return 0;
}

/* `seep run` puts the files of children into such a one beside the program's own. They have no children
 * of their own: all lie there. */
static bool has_children(int folder_fd, const char *name)
{
	struct stat status;
	size_t length = strlen(name), suffix_length = strlen(SNAPSHOT_FOLDER_CHILDREN);

	return length > suffix_length &&
	       strcmp(name + length - suffix_length, SNAPSHOT_FOLDER_CHILDREN) == 0 &&
	       fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(status.st_mode);
}

static int add_all(struct snapshot_folder *folder, const char *path, bool is_of_children,
		   struct error *error)
{
	DIR *entries = opendir(path);
	char below[PATH_MAX];
	int result = 0;

	if (!entries)
		return error_set(error, errno, "cannot read the folder %s: %s", path,
				 strerror(errno));
	for (struct dirent *entry; result == 0 && (entry = readdir(entries));) {
		const char *name = entry->d_name;
		if (is_snapshot_file(dirfd(entries), name) && add(folder, path, name) < 0)
			result = error_set(error, ENOMEM, "not enough memory for the files in %s",
					   path);
		else if (!is_of_children && has_children(dirfd(entries), name) &&
			 snprintf(below, sizeof(below), "%s%s%s", path, slash_after(path), name) <
				 PATH_MAX)
			result = add_all(folder, below, true, error);
	}
	closedir(entries);
	return result;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int snapshot_folder_list(struct snapshot_folder *folder, const char *path, struct error *error)
{
	*folder = (struct snapshot_folder){0};
	int result = add_all(folder, path, false, error);
	if (result < 0)
		return result;
	if (folder->count == 0)
		return error_set(
			error, ENOENT,
			"%s is a directory and there is no snapshot file in it; 'seep run' "
			"says where it has written",
			path);
	qsort(folder->paths, folder->count, sizeof(*folder->paths), compare);
	return 0;
}

static size_t count_files(const char *path)
{
	DIR *entries = opendir(path);
	size_t count = 0;

	for (struct dirent *entry; entries && (entry = readdir(entries));)
		count += is_snapshot_file(dirfd(entries), entry->d_name);
	if (entries)
		closedir(entries);
	return count;
}

/* A process that has gone on as another program has several files, and one such folder, which is called
 * as the first of them. */
static size_t find_children_of(const char *parent, uint32_t pid, char folder[PATH_MAX])
{
	DIR *entries = opendir(parent);
	char ending[48];
	size_t count = 0;

	snprintf(ending, sizeof(ending), ".%u" SNAPSHOT_FOLDER_CHILDREN, pid);
	for (struct dirent *entry; entries && !count && (entry = readdir(entries));) {
		const char *name = entry->d_name;
		size_t length = strlen(name);
		if (length < strlen(ending) || !has_children(dirfd(entries), name) ||
		    strcmp(name + length - strlen(ending), ending) != 0 ||
		    snprintf(folder, PATH_MAX, "%s%s%s", parent, slash_after(parent), name) >=
			    PATH_MAX)
			continue;
		count = count_files(folder);
	}
	if (entries)
		closedir(entries);
	return count;
}

size_t snapshot_folder_of_children(const char *path, uint32_t pid, char folder[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX] = ".";
	size_t length = snapshot_folder_stem(path);

	if (strlen(path) >= PATH_MAX)
		return 0;
	if (snprintf(folder, PATH_MAX, "%.*s" SNAPSHOT_FOLDER_CHILDREN, (int)length, path) <
	    PATH_MAX) {
		size_t count = count_files(folder);
		if (count)
			return count;
	}
	if (slash)
		snprintf(parent, sizeof(parent), "%.*s", slash == path ? 1 : (int)(slash - path),
			 path);
	/* What is named without a folder is so in commands, too. */
	size_t count = find_children_of(parent, pid, folder);
	if (count && !slash)
		memmove(folder, folder + strlen("./"), strlen(folder) - strlen("./") + 1);
	return count;
}

void snapshot_folder_free(struct snapshot_folder *folder)
{
	for (size_t i = 0; i < folder->count; i++)
		free(folder->paths[i]);
	free(folder->paths);
	*folder = (struct snapshot_folder){0};
}
