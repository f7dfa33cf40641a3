/* SPDX-License-Identifier: Apache-2.0 */
/*
 * whole_file: written beside the old one and renamed, with its permissions.
 *
 * A link stays one: what it leads to is written anew. /dev/stdout is one, too, and where that is a file, root
 * would rename over the link that all programs use; what is open already is written directly.
 */
#include "tools/model/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/model/error.h"
#include "tools/model/named_file.h"

/* No place for another file beside it. */
static bool is_written_directly(const struct stat *status)
{
	return !S_ISREG(status->st_mode) || named_file_is_standard(status);
}

static int fail(struct error *error, int number, const char *what, const char *path)
{
	return error_set(error, number ? number : EIO, "cannot write the %s %s: %s", what, path,
			 strerror(number ? number : EIO));
}

/* That of the old file; of a new one, as if open had made it. */
static mode_t mode_of(const char *path)
{
	struct stat status;
	mode_t mask = umask(0);

	umask(mask);
	return stat(path, &status) == 0 ? status.st_mode & 0777 : 0666 & ~mask;
}

/* Zero or the number of the error. */
static int fill_and_close(FILE *stream, void (*write)(FILE *stream, const void *context),
			  const void *context)
{
	errno = 0;
	write(stream, context);
	bool has_failed = ferror(stream);
	int number = errno;
	if (fclose(stream) != 0) {
		has_failed = true;
		number = errno;
	}
	return !has_failed ? 0 : number ? number : EIO;
}

static int write_directly(const char *path, const char *what,
			  void (*write)(FILE *stream, const void *context), const void *context,
			  struct error *error)
{
	FILE *stream = fopen(path, "ae");
	int number = stream ? fill_and_close(stream, write, context) : errno;

	return number ? fail(error, number, what, path) : 0;
}

int whole_file_write(const char *path, const char *what,
		     void (*write)(FILE *stream, const void *context), const void *context,
		     struct error *error)
{
	struct stat status;
	char *temporary = NULL;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return fail(error, EISDIR, what, path);
	if (stat(path, &status) == 0 && is_written_directly(&status))
		return write_directly(path, what, write, context, error);
	/* Null: it is not there yet. */
	char *place = realpath(path, NULL);
	if (asprintf(&temporary, "%s.XXXXXX", place ? place : path) < 0) {
		free(place);
		return fail(error, ENOMEM, what, path);
	}
	int fd = mkostemp(temporary, O_CLOEXEC);
	FILE *stream = fd < 0 ? NULL : fdopen(fd, "w");
	int number = 0;
	if (!stream) {
		number = errno;
		if (fd >= 0)
			close(fd);
	} else {
		fchmod(fd, mode_of(path));
		number = fill_and_close(stream, write, context);
		if (!number && rename(temporary, place ? place : path) != 0)
			number = errno;
	}
	if (number && fd >= 0)
		unlink(temporary);
	free(temporary);
	free(place);
	return number ? fail(error, number, what, path) : 0;
}

int whole_file_try(const char *path, const char *what, struct error *error)
{
	struct stat status;
	char *folder;

	if (!*path)
		return error_set(error, EINVAL, "the %s have no name: write FILE behind the '='",
				 what);
	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return fail(error, EISDIR, what, path);
	if (stat(path, &status) == 0 && is_written_directly(&status))
		return access(path, W_OK) == 0 ? 0 : fail(error, errno, what, path);
	char *real = realpath(path, NULL);
	const char *place = real ? real : path, *slash = strrchr(place, '/');
	folder = !slash		  ? strdup(".")
		 : slash == place ? strdup("/")
				  : strndup(place, (size_t)(slash - place));
	free(real);
	if (!folder)
		return fail(error, ENOMEM, what, path);
	int number = 0;
	if (stat(folder, &status) != 0)
		number = errno;
	else if (!S_ISDIR(status.st_mode))
		number = ENOTDIR;
	else if (access(folder, W_OK | X_OK) != 0)
		number = errno;
	free(folder);
	return number ? fail(error, number, what, path) : 0;
}
