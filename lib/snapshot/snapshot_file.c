/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_file: the file that this process writes, record by record.
 *
 *   Runs in   the target at its start; whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    static
 *   Calls     openat, fstat, write, ftruncate, rename, flock
 *   Failure   a negative errno value; what was in the file before stays valid
 */
#include "lib/snapshot/snapshot_file.h"

#include <errno.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buffer.h"
#include "lib/base/checksum.h"
#include "lib/base/invariant.h"
#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/snapshot/lent_file.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/snapshot_thinning.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

#define NAMES_TRIED 1000
#define THINNING_ROUNDS 12
#define NEWEST_KEPT 16u
#define TRIED_AGAIN_SHARE 64u /* of the file has to be new, */
#define TRIED_AGAIN_TIMES 32u /* or so many snapshots had no room */

static char path[PATH_MAX];
static int held = -1;	    /* a number in the table of `holder_tid`'s descriptors */
static uint32_t holder_tid; /* 0: nobody yet */
static bool is_lent; /* begun by another; its path means nothing here, or somebody else's file */
static int descriptor = -1; /* in use, between begin and end */
static uint64_t file_bytes;
static uint32_t sequence;
static uint64_t file_device, file_number; /* what the kernel knows it by */
/* The length of the file when thinning did not make it as short as wished; 0: it did. How often it was
 * not tried again since. */
static uint64_t bytes_that_stay;
static uint32_t times_spared;

const char *snapshot_file_path(void)
{
	return path;
}

uint64_t snapshot_file_bytes(void)
{
	return file_bytes;
}

void snapshot_file_hand_over(void)
{
	holder_tid = 0;
}

int snapshot_file_hold(void)
{
	holder_tid = sys_tid();
	return held;
}

void snapshot_file_leave(void)
{
	sys_call(SYS_close, held);
}

void snapshot_file_close(void)
{
	if (held >= 0)
		sys_call(SYS_close, held);
	held = -1;
}

void snapshot_file_forget(void)
{
	path[0] = 0;
	is_lent = false;
	held = descriptor = -1;
	holder_tid = 0;
	file_bytes = bytes_that_stay = 0;
	sequence = 0;
}

static void add_suffix(struct text *text, uint32_t suffix, bool has_pid)
{
	if (suffix == 0)
		return;
	if (!has_pid) {
		text_add(text, ".");
		text_add_number(text, process_facts.pid);
		suffix--;
	}
	if (suffix > 0) {
		text_add(text, ".");
		text_add_number(text, suffix + 1);
	}
}

/* Fills `path`. `suffix` 0 is the name as wanted. Names that are taken (by the program before an exec, or
 * by another process where %p is not in the pattern) get .2, .3 and so on before their .seep, or
 * behind .PID at their end. */
static bool expand(const char *pattern, uint32_t suffix)
{
	struct text text = TEXT_IN(path);
	bool has_pid = false;

	if (pattern[0] != '/') {
		if (process_facts.folder[0] == 0)
			return false;
		text_add(&text, process_facts.folder);
		text_add(&text, "/");
	}
	for (const char *next = pattern; *next != 0; next++) {
		if (next[0] == '%' && next[1] == 'p') {
			text_add_number(&text, process_facts.pid);
			has_pid = true;
			next++;
		} else if (next[0] == '%' && next[1] == 'e') {
			/* A name may hold anything but becomes one component of the path. */
			for (const char *c = process_facts.name; *c != 0; c++)
				text_add_bytes(&text, *c == '/' ? "_" : c, 1);
			next++;
		} else {
			if (has_pid && text_equal(next, ".seep")) {
				add_suffix(&text, suffix, has_pid);
				suffix = 0;
			}
			next += next[0] == '%' && next[1] == '%';
			text_add_bytes(&text, next, 1);
		}
	}
	add_suffix(&text, suffix, has_pid);
	return !text.is_cut;
}

static uint64_t file_size_limit(void)
{
	struct rlimit limit;

	return sys_call(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, &limit) == 0 ? limit.rlim_cur
									: UINT64_MAX;
}

static int write_header(int fd)
{
	struct seep_file_header header = {
		.magic = {'S', 'E', 'E', 'P', '\r', '\n', '\x1a', '\n'},
		.version_major = SEEP_VERSION_MAJOR,
		.version_minor = SEEP_VERSION_MINOR,
		.header_bytes = sizeof(header),
		.byte_order = SEEP_BYTE_ORDER,
		.pid = process_facts.pid,
		.started_unix_ns = process_facts.started_unix_ns,
		.page_bytes = 4096,
	};

	if (file_size_limit() < sizeof(header))
		return -EFBIG;
	header.crc = checksum_add(0, &header, offsetof(struct seep_file_header, crc));
	return sys_write_all(fd, &header, sizeof(header));
}

static long open_new_at(int folder, const char *name)
{
	return sys_call(SYS_openat, folder, name,
			O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static long open_new(const char *name)
{
	return open_new_at(AT_FDCWD, name);
}

static bool read_status(int fd, struct stat *status)
{
	return sys_call(SYS_newfstatat, fd, "", status, AT_EMPTY_PATH) == 0;
}

/* From now on the file is this one, and no other by its name. */
static void note_file(int fd)
{
	struct stat status = {.st_dev = 0};

	read_status(fd, &status);
	file_device = status.st_dev;
	file_number = status.st_ino;
}

static bool is_noted(int fd)
{
	struct stat status;

	return read_status(fd, &status) && status.st_dev == file_device &&
	       status.st_ino == file_number;
}

/* Nobody can open it any more: it was deleted, or its folder was. */
static bool is_removed(int fd)
{
	struct stat status;

	return read_status(fd, &status) && status.st_nlink == 0;
}

/* Is it ours, or root's? What somebody else has put there he could fill with files of his own. A file
 * tells who we are: some file systems give all to one user (NFS). */
static bool is_folder_ours(int folder, int file)
{
	struct stat folder_status, file_status;

	return read_status(folder, &folder_status) && read_status(file, &file_status) &&
	       (folder_status.st_uid == file_status.st_uid || folder_status.st_uid == 0);
}

/* A new file in a folder which is made where it is not there. A link in its place is not followed. */
static long open_new_in_folder(void)
{
	size_t end = text_bytes(path);
	long folder, fd;

	while (end > 0 && path[end] != '/')
		end--;
	if (end == 0)
		return open_new(path);
	path[end] = 0;
	for (int tries = 0;; tries++) {
		folder = sys_call(SYS_openat, AT_FDCWD, path,
				  O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
		if (folder != -ENOENT || tries > 0 ||
		    sys_call(SYS_mkdirat, AT_FDCWD, path, 0700) == -ENOENT)
			break;
	}
	path[end] = '/';
	if (folder < 0)
		return folder;
	fd = open_new_at((int)folder, path + end + 1);
	if (fd >= 0 && !is_folder_ours((int)folder, (int)fd)) {
		sys_call(SYS_unlinkat, folder, path + end + 1, 0);
		sys_call(SYS_close, fd);
		fd = -EPERM;
	}
	sys_call(SYS_close, folder);
	return fd;
}

/* Another user's, or in another root. */
static bool is_closed_to_us(long error)
{
	return error == -EACCES || error == -EPERM || error == -ENOENT || error == -ENOTDIR ||
	       error == -EROFS;
}

int snapshot_file_create(const char *pattern, bool makes_folder)
{
	long fd = -EEXIST;
	int result, lent;

	for (uint32_t suffix = 0; suffix < NAMES_TRIED && fd == -EEXIST; suffix++) {
		if (!expand(pattern, suffix)) {
			path[0] = 0;
			return -ENAMETOOLONG;
		}
		fd = makes_folder ? open_new_in_folder() : open_new(path);
	}
	if (fd >= 0)
		lent_file_spare();
	lent = is_closed_to_us(fd) ? lent_file_take(path, sizeof(path)) : -1;
	is_lent = lent >= 0;
	if (is_lent)
		fd = lent;
	if (fd < 0) {
		path[0] = 0;
		return (int)fd;
	}
	held = (int)fd;
	holder_tid = sys_tid();
	note_file(held);
	sys_call(SYS_flock, fd, LOCK_EX | LOCK_NB);
	result = write_header(held);
	if (result != 0) {
		if (!snapshot_file_remove())
			snapshot_file_close();
		return result;
	}
	file_bytes = sizeof(struct seep_file_header);
	bytes_that_stay = 0;
	sequence = 0;
	return 0;
}

bool snapshot_file_remove(void)
{
	if (is_lent || sys_call(SYS_unlinkat, AT_FDCWD, path, 0) != 0)
		return false;
	snapshot_file_close();
	path[0] = 0;
	return true;
}

int snapshot_file_begin(void)
{
	long fd;

	INVARIANT(descriptor < 0, descriptor, holder_tid);
	if (held >= 0 && holder_tid == sys_tid()) {
		if (is_removed(held))
			return -ENOENT;
		descriptor = held;
		return 0;
	}
	if (path[0] == 0)
		return -ENOENT;
	if (is_lent)
		return -EACCES;
	fd = sys_call(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);
	if (fd < 0)
		return (int)fd;
	if (!is_noted((int)fd)) {
		sys_call(SYS_close, fd);
		return -ESTALE;
	}
	descriptor = (int)fd;
	return 0;
}

void snapshot_file_end(void)
{
	if (descriptor >= 0 && !(held >= 0 && holder_tid == sys_tid()))
		sys_call(SYS_close, descriptor);
	descriptor = -1;
}

/* Writes a framed record at `offset` of `fd`. Returns its length or a negative errno value. */
static long put_record(int fd, uint64_t offset, uint32_t type, uint32_t number, uint64_t time_ns,
		       const void *payload, size_t bytes)
{
	static const char zeros[SEEP_RECORD_ALIGN];
	struct seep_record_header header = {
		.magic = SEEP_RECORD_MAGIC,
		.type = (uint16_t)type,
		.payload_bytes = (uint32_t)bytes,
		.sequence = number,
		.time_ns = time_ns,
		.payload_crc = checksum_add(0, payload, bytes),
	};
	size_t padding = (SEEP_RECORD_ALIGN - bytes % SEEP_RECORD_ALIGN) % SEEP_RECORD_ALIGN;
	int result;

	/* The kernel would send SIGXFSZ to whoever writes, and that may be the program. */
	if (bytes > SEEP_RECORD_MAX_BYTES ||
	    offset + sizeof(header) + bytes + padding > file_size_limit())
		return -EFBIG;
	header.header_crc =
		checksum_add(0, &header, offsetof(struct seep_record_header, header_crc));
	if (sys_call(SYS_lseek, fd, offset, SEEK_SET) != (long)offset)
		return -EIO;
	result = sys_write_all(fd, &header, sizeof(header));
	if (result == 0)
		result = sys_write_all(fd, payload, bytes);
	if (result == 0)
		result = sys_write_all(fd, zeros, padding);
	if (result != 0) {
		/* The disk is full, say: leave the file as it was. */
		sys_call(SYS_ftruncate, fd, offset);
		return result;
	}
	return (long)(sizeof(header) + bytes + padding);
}

int snapshot_file_append(uint32_t type, uint64_t time_ns, const void *payload, size_t bytes)
{
	long written;

	if (descriptor < 0)
		return -EBADF;
	INVARIANT(file_bytes >= sizeof(struct seep_file_header) &&
			  file_bytes % SEEP_RECORD_ALIGN == 0,
		  file_bytes, sequence);
	written = put_record(descriptor, file_bytes, type, sequence, time_ns, payload, bytes);
	if (written < 0)
		return (int)written;
	file_bytes += (uint64_t)written;
	sequence++;
	return 0;
}

int snapshot_file_append_buffer(uint32_t type, uint64_t time_ns, struct buffer *payload)
{
	int result = 0;

	if (payload->is_failed)
		result = -ENOMEM;
	else if (payload->bytes > 0)
		result = snapshot_file_append(type, time_ns, payload->start, payload->bytes);
	buffer_release(payload);
	return result;
}

/* What snapshot_thinning calls for each record of the new file. */
struct rewriting {
	int fd;
	uint64_t bytes;
	uint32_t sequence;
};

static int put_in_new_file(void *context, uint32_t type, uint64_t time_ns, const void *payload,
			   size_t bytes)
{
	struct rewriting *new_file = context;
	long written = put_record(new_file->fd, new_file->bytes, type, new_file->sequence, time_ns,
				  payload, bytes);

	if (written < 0)
		return (int)written;
	new_file->bytes += (uint64_t)written;
	new_file->sequence++;
	return 0;
}

static int thin_once(uint32_t newest_kept)
{
	struct rewriting new_file = {.bytes = sizeof(struct seep_file_header)};
	char new_path[PATH_MAX + 16];
	struct text text = TEXT_IN(new_path);
	int result;
	long fd;

	if (is_lent)
		return -EACCES;

	text_add(&text, path);
	text_add(&text, ".thin");
	sys_call(SYS_unlinkat, AT_FDCWD, new_path, 0);
	fd = open_new(new_path);
	if (fd < 0)
		return (int)fd;
	sys_call(SYS_flock, fd, LOCK_EX | LOCK_NB);
	new_file.fd = (int)fd;
	result = write_header(new_file.fd);
	if (result == 0)
		result = snapshot_thinning_copy(descriptor, file_bytes, newest_kept,
						put_in_new_file, &new_file);
	if (result == 0)
		result = (int)sys_call(SYS_renameat, AT_FDCWD, new_path, AT_FDCWD, path);
	if (result != 0) {
		sys_call(SYS_unlinkat, AT_FDCWD, new_path, 0);
		sys_call(SYS_close, fd);
		return result;
	}
	INVARIANT(new_file.bytes <= file_bytes, new_file.bytes, file_bytes);
	INVARIANT(new_file.sequence <= sequence, new_file.sequence, sequence);
	/* Readers that have the old file open go on reading it whole. */
	sys_call(SYS_close, descriptor);
	if (held == descriptor)
		held = (int)fd;
	descriptor = (int)fd;
	note_file(descriptor);
	file_bytes = new_file.bytes;
	sequence = new_file.sequence;
	return 0;
}

/* Of what stayed the last time hardly anything goes now: each snapshot would copy the file in vain. */
static bool is_worth_thinning(void)
{
	if (bytes_that_stay == 0 ||
	    file_bytes > bytes_that_stay + bytes_that_stay / TRIED_AGAIN_SHARE ||
	    ++times_spared == TRIED_AGAIN_TIMES) {
		times_spared = 0;
		return true;
	}
	return false;
}

int snapshot_file_thin(uint64_t bytes)
{
	if (file_bytes > bytes && !is_worth_thinning())
		return 0;
	for (int round = 0; round < THINNING_ROUNDS && file_bytes > bytes; round++) {
		/* At first the newest are spared, then fewer and fewer of them. */
		int result = thin_once(NEWEST_KEPT >> round / 2);

		if (result != 0)
			return result;
	}
	bytes_that_stay = file_bytes > bytes ? file_bytes : 0;
	return 0;
}
