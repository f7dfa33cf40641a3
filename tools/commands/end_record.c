/* SPDX-License-Identifier: Apache-2.0 */
/*
 * end_record: the last word about a process, appended to its snapshot file.
 */
#include "tools/commands/end_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "seep/snapshot_format.h"
#include "tools/model/error.h"
#include "tools/model/record_reader.h"
#include "tools/model/snapshot_file.h"

/* Mostly it is a matter of a millisecond; of a large heap it may be one of seconds. */
#define FIRST_PAUSE_NS 100000u
#define LONGEST_PAUSE_NS 5000000u

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Is the file under this name still the one that was locked? Thinning puts a new one there. */
static bool is_current(int fd, const char *path)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 && lstat(path, &named) == 0 && ours.st_dev == named.st_dev &&
	       ours.st_ino == named.st_ino;
}

int end_record_lock(const char *path, int notice_ms, int timeout_ms, void (*notice)(void *context),
		    void *context, struct error *error)
{
	const uint64_t start_ns = now_ns();
	uint32_t pause_ns = FIRST_PAUSE_NS;

	for (;;) {
		/* The library makes no links; somebody else's could lead anywhere. */
		int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			return error_set(error, errno, "cannot open %s: %s", path, strerror(errno));
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			if (is_current(fd, path))
				return fd;
		} else if (errno != EWOULDBLOCK && errno != EINTR) {
			/* A file system without locks: nobody holds one there. */
			return fd;
		}
		close(fd);

		uint64_t waited_ms = (now_ns() - start_ns) / 1000000;
		if (waited_ms >= (uint64_t)timeout_ms)
			return error_set(
				error, ETIMEDOUT,
				"%s is still being written after %d s; its last snapshot may "
				"be missing",
				path, timeout_ms / 1000);
		if (notice && waited_ms >= (uint64_t)notice_ms) {
			notice(context);
			notice = NULL;
		}
		nanosleep(&(struct timespec){.tv_nsec = pause_ns}, NULL);
		pause_ns = pause_ns * 2 < LONGEST_PAUSE_NS ? pause_ns * 2 : LONGEST_PAUSE_NS;
	}
}

/* What the records say that are there already. */
struct tail {
	uint32_t next_sequence;
	uint64_t last_time_ns;
	bool ends_with_exec;
	bool says_so_already;
};

static struct tail read_tail(const struct snapshot_file *file, const struct seep_end *wanted)
{
	struct record_reader reader;
	struct record record;
	struct tail tail = {0};

	record_reader_start(&reader, file->bytes, file->size, file->first_record);
	while (record_reader_next(&reader, &record)) {
		struct seep_end end = {0};
		tail.next_sequence = record.sequence + 1;
		tail.last_time_ns = record.time_ns;
		if (record.type == SEEP_RECORD_END && record.payload_bytes >= sizeof(end))
			memcpy(&end, record.payload, sizeof(end));
		tail.ends_with_exec = end.how == SEEP_END_EXEC;
		tail.says_so_already |= end.how == wanted->how && end.status == wanted->status;
	}
	return tail;
}

int end_record_append(int fd, const char *path, const struct seep_end *end, struct error *error)
{
	struct {
		struct seep_record_header header;
		struct seep_end end;
	} bytes = {.end = *end};
	_Static_assert(sizeof(struct seep_end) % SEEP_RECORD_ALIGN == 0, "needs no padding");
	struct snapshot_file file;
	char opened[64];

	/* Not by its name, under which somebody may have put another one since. */
	snprintf(opened, sizeof(opened), "/proc/self/fd/%d", fd);
	/* Where there is no /proc there is but the name, for what is read. */
	int result = snapshot_file_read(access(opened, F_OK) == 0 ? opened : path, &file, error);
	if (result < 0)
		return error_set(error, -result,
				 "cannot write the end of the process into %s, for it is no "
				 "snapshot file any more",
				 path);
	const struct tail tail = read_tail(&file, end);
	const size_t size = file.size;
	const uint64_t started_ns = file.header.started_unix_ns;
	snapshot_file_free(&file);
	if (tail.says_so_already || tail.ends_with_exec)
		return 0;

	bytes.header = (struct seep_record_header){
		.magic = SEEP_RECORD_MAGIC,
		.type = SEEP_RECORD_END,
		.payload_bytes = sizeof(bytes.end),
		.sequence = tail.next_sequence,
		/* The clock that may be set is all that is known of the start; never backwards. */
		.time_ns = bytes.end.ended_unix_ns - started_ns,
		.payload_crc = (uint32_t)crc32(0, (const Bytef *)&bytes.end, sizeof(bytes.end)),
	};
	if (bytes.end.ended_unix_ns < started_ns || bytes.header.time_ns < tail.last_time_ns)
		bytes.header.time_ns = tail.last_time_ns;
	bytes.header.header_crc = (uint32_t)crc32(0, (const Bytef *)&bytes.header,
						  offsetof(struct seep_record_header, header_crc));

	const size_t padding = (SEEP_RECORD_ALIGN - size % SEEP_RECORD_ALIGN) % SEEP_RECORD_ALIGN;
	const size_t length = padding + sizeof(bytes);
	static const char zeros[SEEP_RECORD_ALIGN];
	const struct iovec parts[] = {
		{(char *)zeros, padding}, /* after a torn record */
		{&bytes, sizeof(bytes)},
	};
	ssize_t written = writev(fd, parts, 2);
	if (written == (ssize_t)length)
		return 0;
	int code = written < 0 ? errno : ENOSPC;
	/* Half a record would be skipped by every reader, but why leave it. */
	if (written > 0 && ftruncate(fd, (off_t)size) != 0)
		code = errno;
	return error_set(error, code, "cannot write the end of the process into %s: %s", path,
			 strerror(code));
}
