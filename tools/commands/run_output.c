/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_output: where a run writes its snapshots.
 *
 * The library never overwrites a file, since a child may come upon its parent's: it adds .PID to
 * the name instead. After a second `seep run -o FILE` the name FILE would thus show the first
 * run. Only here is it known that a new run begins.
 */
#include "tools/commands/run_output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seep/snapshot_format.h"
#include "tools/commands/snapshot_folder.h"
#include "tools/model/error.h"
#include "tools/model/path_base.h"

/* TASK_COMM_LEN without the zero byte: what the kernel keeps of a program's name. */
#define NAME_BYTES 15

#define CHILDREN_NAMES "/%e.%p.seep"
/* What the names in that folder may grow to, with the suffixes that the library may add. */
#define CHILD_NAME_BYTES 64

int run_output_absolute(const char *pattern, char absolute[PATH_MAX], struct error *error)
{
	char folder[PATH_MAX], text[3 * PATH_MAX], *end = text;

	*folder = '\0';
	if (*pattern != '/' && !getcwd(folder, sizeof(folder)))
		return error_set(error, errno,
				 "cannot tell the current folder: %s; name an absolute --output",
				 strerror(errno));
	/* A percent sign in the name of this folder is none of the pattern's. */
	for (const char *c = folder; *c; c++) {
		if (*c == '%')
			*end++ = '%';
		*end++ = *c;
	}
	if (end > text && end[-1] != '/')
		*end++ = '/';
	snprintf(end, (size_t)(text + sizeof(text) - end), "%s", pattern);
	if (strlen(text) >= PATH_MAX)
		return error_set(error, ENAMETOOLONG, "--output: %.80s... is longer than %d bytes",
				 text, PATH_MAX - 1);
	strcpy(absolute, text);
	return 0;
}

bool run_output_folder(const char *pattern, char folder[PATH_MAX])
{
	size_t length = 0, cut = 0;

	for (; *pattern; pattern++) {
		if (*pattern == '%' && *++pattern != '%') {
			if (strchr(pattern, '/'))
				return false;
			break;
		}
		if (*pattern == '/')
			cut = length;
		folder[length++] = *pattern;
	}
	folder[cut ? cut : 1] = '\0';
	return true;
}

/* Does the name hold a pid? Then nobody knows it before the start, and it is nobody else's. */
static bool has_pid(const char *pattern)
{
	for (; (pattern = strchr(pattern, '%')) && pattern[1]; pattern += 2)
		if (pattern[1] == 'p')
			return true;
	return false;
}

/* The name that the program's own file will have. Empty where it is too long. */
static void expand(const char *pattern, const char *program, pid_t pid, char path[PATH_MAX])
{
	const char *name = path_base(program);
	char text[2 * PATH_MAX];
	size_t length = 0;

	for (; *pattern && length < PATH_MAX; pattern++) {
		if (strncmp(pattern, "%p", 2) == 0) {
			length += (size_t)sprintf(text + length, "%d", (int)pid);
			pattern++;
		} else if (strncmp(pattern, "%e", 2) == 0) {
			size_t name_length = strnlen(name, NAME_BYTES);
			memcpy(text + length, name, name_length);
			length += name_length;
			pattern++;
		} else {
			pattern += strncmp(pattern, "%%", 2) == 0;
			text[length++] = *pattern;
		}
	}
	text[length] = '\0';
	snprintf(path, PATH_MAX, "%.*s", PATH_MAX - 1, length < PATH_MAX ? text : "");
}

bool run_output_children_folder(const char *pattern, const char *program, pid_t pid,
				char folder[PATH_MAX])
{
	expand(pattern, program, pid, folder);
	size_t length = snapshot_folder_stem(folder);
	folder[length] = '\0';
	const char *name = strrchr(folder, '/');
	if (!name || strlen(name + 1) + strlen(SNAPSHOT_FOLDER_CHILDREN) > NAME_MAX ||
	    length + strlen(SNAPSHOT_FOLDER_CHILDREN) + CHILD_NAME_BYTES >= PATH_MAX)
		return false;
	strcpy(folder + length, SNAPSHOT_FOLDER_CHILDREN);
	return true;
}

bool run_output_children(const char *pattern, const char *program, pid_t pid,
			 char children[PATH_MAX])
{
	char folder[PATH_MAX], *end = children;

	if (!run_output_children_folder(pattern, program, pid, folder))
		return false;
	for (const char *c = folder; *c; c++) {
		if (end - children > PATH_MAX - CHILD_NAME_BYTES)
			return false;
		if (*c == '%')
			*end++ = '%';
		*end++ = *c;
	}
	strcpy(end, CHILDREN_NAMES);
	return true;
}

/* ---- an earlier run ---- */

enum earlier { EARLIER_NONE, EARLIER_ENDED, EARLIER_RUNNING, EARLIER_FOREIGN };

/* Is this name, in folder `folder_fd`, a snapshot file of an earlier run? */
static enum earlier look_at(int folder_fd, const char *name)
{
	char magic[SEEP_FILE_MAGIC_BYTES];
	struct stat status;
	enum earlier found = EARLIER_ENDED;

	if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return EARLIER_NONE;
	int fd = S_ISREG(status.st_mode)
			 ? openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
			 : -1;
	if (fd < 0 || pread(fd, magic, sizeof(magic), 0) != (ssize_t)sizeof(magic) ||
	    memcmp(magic, SEEP_FILE_MAGIC, sizeof(magic)) != 0)
		found = EARLIER_FOREIGN;
	else if (flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		found = EARLIER_RUNNING;
	if (fd >= 0)
		close(fd);
	return found;
}

static int refuse_running(const char *path, struct error *error)
{
	return error_set(error, EBUSY,
			 "a running process still writes %s; name another file, or "
			 "use %%p in its name",
			 path);
}

/* "a FIFO"; null for a file. */
static const char *other_than_file(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0 || S_ISREG(status.st_mode))
		return NULL;
	return S_ISDIR(status.st_mode)	  ? "a folder"
	       : S_ISFIFO(status.st_mode) ? "a FIFO"
	       : S_ISSOCK(status.st_mode) ? "a socket"
					  : "a device";
}

static int check_earlier(const char *path, struct error *error)
{
	const char *kind = other_than_file(path);

	if (kind)
		return error_set(error, EEXIST,
				 "%s is %s, and snapshots need a file, parts of which are written "
				 "anew; name one",
				 path, kind);
	switch (look_at(AT_FDCWD, path)) {
	case EARLIER_RUNNING:
		return refuse_running(path, error);
	case EARLIER_FOREIGN:
		return error_set(error, EEXIST,
				 "%s exists and is not a snapshot file of seep; name another",
				 path);
	default:
		return 0;
	}
}

/* Opens the folder of an earlier run's children; stores null where there is none. */
static int open_children(const char *path, DIR **children, struct error *error)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	*children = fd < 0 ? NULL : fdopendir(fd);
	if (*children || (fd < 0 && errno == ENOENT))
		return 0;
	int code = errno;
	if (fd >= 0)
		close(fd);
	if (code == ENOTDIR || code == ELOOP)
		return error_set(error, EEXIST,
				 "%s, which is for the files of child processes, exists "
				 "and is not a folder; name another file",
				 path);
	return error_set(error, code, "cannot read the folder %s: %s; name another file", path,
			 strerror(code));
}

static int check_children(DIR *children, const char *path, struct error *error)
{
	char file[2 * PATH_MAX];

	for (struct dirent *entry; (entry = readdir(children));) {
		if (look_at(dirfd(children), entry->d_name) != EARLIER_RUNNING)
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		return refuse_running(file, error);
	}
	return 0;
}

static int refuse_removal(const char *path, int code, struct error *error)
{
	return error_set(error, code, "cannot replace %s: %s", path, strerror(code));
}

/* Whatever else somebody has put there stays, and the folder with it. */
static int remove_children(DIR *children, const char *path, struct error *error)
{
	rewinddir(children);
	for (struct dirent *entry; (entry = readdir(children));)
		if (look_at(dirfd(children), entry->d_name) == EARLIER_ENDED &&
		    unlinkat(dirfd(children), entry->d_name, 0) != 0)
			return refuse_removal(path, errno, error);
	rmdir(path);
	return 0;
}

static int replace_earlier(const char *path, const char *children_path, struct error *error)
{
	DIR *children = NULL;
	int result = check_earlier(path, error);

	if (result == 0 && children_path)
		result = open_children(children_path, &children, error);
	if (result == 0 && children)
		result = check_children(children, children_path, error);
	if (result == 0 && unlink(path) != 0 && errno != ENOENT)
		result = refuse_removal(path, errno, error);
	if (result == 0 && children)
		result = remove_children(children, children_path, error);
	if (children)
		closedir(children);
	return result;
}

int run_output_prepare(const char *pattern, const char *program, struct error *error)
{
	char path[PATH_MAX], children[PATH_MAX];

	if (run_output_folder(pattern, path) && access(path, W_OK | X_OK) != 0)
		return error_set(error, errno,
				 "cannot write snapshots into the folder %s: %s; %sname a file "
				 "elsewhere, as in seep run -o /tmp/%%e.%%p.seep",
				 path, strerror(errno), errno == ENOENT ? "make it, or " : "");
	if (has_pid(pattern))
		return 0;
	expand(pattern, program, 0, path);
	return *path ? replace_earlier(path,
				       run_output_children_folder(pattern, program, 0, children)
					       ? children
					       : NULL,
				       error)
		     : 0;
}
