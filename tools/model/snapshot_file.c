/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_file: opens, reads, and refuses what is no snapshot file, each with its own sentence.
 */
#include "tools/model/snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "tools/model/error.h"
#include "tools/model/named_file.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "numbers in the file are copied as they are");

static int fail_to_open(const char *path, int code, struct error *error)
{
	switch (code) {
	case ENOENT:
		return error_set(error, code,
				 "there is no file \"%s\"; `seep run` names the file that it "
				 "writes, by default seep.PROGRAM.PID.seep",
				 path);
	case EACCES:
	case EPERM:
		return error_set(error, code,
				 "\"%s\" must not be read by this user (permission denied); read "
				 "it as the user whose program it is about, or as root",
				 path);
	case ENOTBLK:
		return error_set(error, EINVAL, "\"%s\" is a device or socket, not a snapshot file",
				 path);
	default:
		return error_set(error, code, "\"%s\" cannot be opened: %s", path, strerror(code));
	}
}

/* How much may be read without driving the machine into the ground. */
static uint64_t largest_size(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
	if (pages <= 0 || page_bytes <= 0)
		return UINT64_C(1) << 30;
	return (uint64_t)pages * (uint64_t)page_bytes / 2;
}

/* Reads up to `limit` bytes; fewer when the file ends before. */
static int read_bytes(int fd, uint64_t limit, struct snapshot_file *file)
{
	size_t capacity = 0;
	while (file->size < limit) {
		if (file->size == capacity) {
			/* A regular file says its size; a pipe does not. */
			uint64_t larger = capacity ? 2 * (uint64_t)capacity : 1u << 20;
			if (larger > limit)
				larger = limit;
			uint8_t *moved = realloc(file->bytes, larger);
			if (!moved)
				return -ENOMEM;
			file->bytes = moved;
			capacity = larger;
		}
		ssize_t got = read(fd, file->bytes + file->size, capacity - file->size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		file->size += (size_t)got;
	}
	return 0;
}

static int load(const char *path, struct snapshot_file *file, struct error *error)
{
	int fd = named_file_open_harmless(path);
	if (fd < 0)
		return fail_to_open(path, -fd, error);

	int result = 0;
	struct stat stat;
	uint64_t limit = largest_size();
	if (fstat(fd, &stat) < 0)
		result =
			error_set(error, errno, "\"%s\" cannot be read: %s", path, strerror(errno));
	else if (S_ISDIR(stat.st_mode))
		result = error_set(error, EISDIR,
				   "\"%s\" is a directory; name one snapshot file in it", path);
	else if (S_ISFIFO(stat.st_mode) && named_file_is_fifo(fd))
		result = error_set(error, EINVAL,
				   "\"%s\" is a FIFO, not a snapshot file; copy into a file first",
				   path);
	else if (S_ISREG(stat.st_mode) && (uint64_t)stat.st_size > limit)
		result = error_set(error, EFBIG,
				   "\"%s\" is too large for the memory of this machine (%llu MiB); "
				   "`seep run --max-file` keeps files small",
				   path, (unsigned long long)stat.st_size >> 20);
	if (result)
		goto out;

	/* Only opening was not to wait. */
	if (S_ISFIFO(stat.st_mode) && fcntl(fd, F_SETFL, 0) != 0)
		result =
			error_set(error, errno, "\"%s\" cannot be read: %s", path, strerror(errno));
	if (result)
		goto out;

	/* What a live process appends from here on belongs to the next reading. */
	if (S_ISREG(stat.st_mode))
		limit = (uint64_t)stat.st_size;
	result = read_bytes(fd, limit, file);
	if (result == -ENOMEM)
		error_set(error, ENOMEM, "there is not enough memory to read \"%s\"", path);
	else if (result)
		error_set(error, -result, "\"%s\" cannot be read: %s", path, strerror(-result));
out:
	close(fd);
	return result;
}

static int check_header(const char *path, struct snapshot_file *file, struct error *error)
{
	if (!file->size)
		return error_set(error, ENODATA,
				 "\"%s\" is empty: the program ended before anything was written, "
				 "or the disk was full",
				 path);
	size_t magic_bytes =
		file->size < SEEP_FILE_MAGIC_BYTES ? file->size : SEEP_FILE_MAGIC_BYTES;
	if (memcmp(file->bytes, SEEP_FILE_MAGIC, magic_bytes) != 0)
		return error_set(
			error, EINVAL,
			"\"%s\" is not a seep file; seep reads only the snapshot files that "
			"`seep run` or libseep.so wrote",
			path);
	if (file->size < sizeof(file->header))
		return error_set(
			error, ENODATA,
			"\"%s\" is cut off before the first record (%zu bytes): the program "
			"was killed while it started, or the disk was full",
			path, file->size);

	memcpy(&file->header, file->bytes, sizeof(file->header));
	struct seep_file_header *header = &file->header;
	file->header_is_damaged =
		crc32(0, file->bytes, offsetof(struct seep_file_header, crc)) != header->crc;
	/* The version comes before the checksum: a newer header may have its checksum elsewhere. */
	if (header->version_major > SEEP_VERSION_MAJOR)
		return error_set(error, ENOTSUP,
				 "\"%s\" has format version %u.%u, this seep reads up to version "
				 "%u.%u%s; use the seep that belongs to the library that wrote it",
				 path, header->version_major, header->version_minor,
				 SEEP_VERSION_MAJOR, SEEP_VERSION_MINOR,
				 file->header_is_damaged ? " (or its header is damaged)" : "");
	if (!file->header_is_damaged && header->byte_order != SEEP_BYTE_ORDER)
		return error_set(error, ENOTSUP,
				 "\"%s\" was written on a machine with another byte order; read it "
				 "on such a machine",
				 path);
	if (!file->header_is_damaged && header->version_major < SEEP_VERSION_MAJOR)
		return error_set(error, ENOTSUP,
				 "\"%s\" has format version %u.%u, which no seep ever wrote; this "
				 "one reads version %u.%u",
				 path, header->version_major, header->version_minor,
				 SEEP_VERSION_MAJOR, SEEP_VERSION_MINOR);

	file->first_record = header->header_bytes;
	if (!file->header_is_damaged &&
	    (file->first_record < sizeof(*header) || file->first_record % SEEP_RECORD_ALIGN ||
	     file->first_record > file->size))
		file->header_is_damaged = true;
	if (file->header_is_damaged) {
		/* The records have checksums of their own; the header's other fields are not
		 * needed and must not lie. */
		memset(header, 0, sizeof(*header));
		file->first_record = sizeof(*header);
	}
	return 0;
}

int snapshot_file_read(const char *path, struct snapshot_file *file, struct error *error)
{
	*file = (struct snapshot_file){0};
	int result = load(path, file, error);
	if (!result)
		result = check_header(path, file, error);
	if (result)
		snapshot_file_free(file);
	return result;
}

void snapshot_file_free(struct snapshot_file *file)
{
	free(file->bytes);
	*file = (struct snapshot_file){0};
}
