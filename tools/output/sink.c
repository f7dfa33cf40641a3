/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink: where the output of a command goes: a standard stream or the file of -o.
 *
 * A stream remembers that a write failed but not why. So the stream stands on a cookie whose write
 * function keeps the first errno.
 */
#include "tools/output/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seep/snapshot_format.h"
#include "tools/model/error.h"
#include "tools/model/named_file.h"

static ssize_t write_cookie(void *cookie, const char *bytes, size_t size)
{
	struct sink *sink = cookie;
	size_t done = 0;

	while (done < size && sink->write_errno == 0) {
		ssize_t written = write(sink->fd, bytes + done, size - done);
		if (written > 0)
			done += (size_t)written;
		else if (written < 0 && errno == EAGAIN)
			/* Another program left the terminal non-blocking. */
			poll(&(struct pollfd){.fd = sink->fd, .events = POLLOUT}, 1, -1);
		else if (written < 0 && errno != EINTR)
			sink->write_errno = errno;
	}
	/* 0 sets the stream's error flag, at which emitters stop. */
	return sink->write_errno ? 0 : (ssize_t)size;
}

static bool is_snapshot_file(const char *path)
{
	char magic[SEEP_FILE_MAGIC_BYTES];
	int fd = named_file_open(path, O_RDONLY);

	if (fd < 0)
		return false;
	bool is_ours = pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
		       memcmp(magic, SEEP_FILE_MAGIC, sizeof(magic)) == 0;
	close(fd);
	return is_ours;
}

/* Not truncated before it is known that nothing of worth is in it. */
static int open_file(const char *path, struct error *error)
{
	struct stat status;

	if (is_snapshot_file(path))
		return error_set(error, EEXIST,
				 "%s is a snapshot file and is not overwritten; give -o another "
				 "name",
				 path);
	int fd = named_file_open(path, O_WRONLY | O_CREAT);
	if (fd < 0)
		return error_set(error, -fd, "cannot open %s for writing: %s", path,
				 named_file_why(-fd));
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && ftruncate(fd, 0) != 0) {
		int code = errno;
		close(fd);
		return error_set(error, code, "cannot empty %s: %s", path, strerror(code));
	}
	return fd;
}

/* On the descriptor that was opened for it. */
static int start(struct sink *sink, struct error *error)
{
	signal(SIGPIPE, SIG_IGN);
	sink->style = text_style_of(sink->fd);
	sink->stream = fopencookie(sink, "w", (cookie_io_functions_t){.write = write_cookie});
	if (!sink->stream) {
		close(sink->fd);
		return error_set(error, ENOMEM, "not enough memory for the output");
	}
	return 0;
}

/* A copy, so that main's own check of stdout does not complain twice. */
static int open_standard(struct sink *sink, int fd, const char *name, struct error *error)
{
	*sink = (struct sink){.name = name, .fd = fcntl(fd, F_DUPFD_CLOEXEC, 3)};
	if (sink->fd < 0)
		return error_set(error, errno, "%s is closed: %s", name, strerror(errno));
	return start(sink, error);
}

int sink_open_stderr(struct sink *sink, struct error *error)
{
	return open_standard(sink, STDERR_FILENO, "standard error", error);
}

int sink_try(const char *path, struct error *error)
{
	if (!path || strcmp(path, "-") == 0)
		return 0;
	int fd = named_file_open(path, O_WRONLY | O_CREAT | O_APPEND);
	if (fd < 0)
		return error_set(error, -fd, "cannot open %s for writing: %s", path,
				 named_file_why(-fd));
	close(fd);
	return 0;
}

int sink_open(struct sink *sink, const char *path, struct error *error)
{
	if (!path || strcmp(path, "-") == 0)
		return open_standard(sink, STDOUT_FILENO, "standard output", error);
	*sink = (struct sink){.path = path, .name = path};
	sink->fd = open_file(path, error);
	return sink->fd < 0 ? sink->fd : start(sink, error);
}

int sink_close(struct sink *sink, struct error *error)
{
	if (!sink->stream)
		return 0;
	const char *name = sink->name;

	if (fclose(sink->stream) != 0 && sink->write_errno == 0)
		sink->write_errno = errno;
	/* Network file systems report a full disk here. */
	if (close(sink->fd) != 0 && sink->write_errno == 0)
		sink->write_errno = errno;
	sink->stream = NULL;
	if (sink->write_errno == 0)
		return 0;
	if (sink->write_errno == EPIPE)
		return error_set(error, EPIPE,
				 "%s was closed by its reader before everything was written", name);
	return error_set(error, sink->write_errno,
			 "cannot write to %s: %s; the output is incomplete", name,
			 strerror(sink->write_errno));
}
