/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel_pointers: addresses that the program has given to the kernel to get them back later.
 *
 * Read before the threads are stopped, for a server may have many thousands of descriptors. What is
 * taken from the kernel meanwhile counts as held in this scan; what is given to it meanwhile is found by
 * the second one.
 *
 *   Runs in   the helper; kernel_pointers_add in the copy
 *   Locks     none
 *   Memory    buffers: 8 bytes for each descriptor that an epoll watches, and each timer
 *   Calls     reads of /proc/PID/fd, fdinfo and timers
 *   Failure   is_blind: then nothing may be called definitely lost
 */
#include "lib/scan/kernel_pointers.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/number_folder.h"
#include "lib/base/syscalls.h"
#include "lib/base/text.h"

#include "lib/base/poison.h"

#define LINE_BYTES 128u

/* The hexadecimal number that follows `key` in the line; false where there is none. */
static bool number_after(const char *line, const char *key, uint64_t *number)
{
	size_t key_bytes = text_bytes(key);
	bool is_any = false;

	for (; *line != 0 && strncmp(line, key, key_bytes) != 0; line++)
		;
	if (*line == 0)
		return false;
	for (line += key_bytes; *line == ' '; line++)
		;
	for (*number = 0;; line++, is_any = true) {
		if (*line >= '0' && *line <= '9')
			*number = *number << 4 | (uint64_t)(*line - '0');
		else if (*line >= 'a' && *line <= 'f')
			*number = *number << 4 | (uint64_t)(*line - 'a' + 10);
		else
			return is_any;
	}
}

/* Adds the number behind `key` of each line of a file. */
static void add_numbers(struct buffer *numbers, const char *path, const char *key)
{
	long fd = sys_call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0), got;
	char piece[1024], line[LINE_BYTES];
	uint64_t number;
	size_t bytes = 0;

	if (fd < 0)
		return;
	while ((got = sys_call(SYS_read, fd, piece, sizeof(piece))) > 0)
		for (long i = 0; i < got; i++) {
			if (piece[i] != '\n') {
				if (bytes < LINE_BYTES - 1)
					line[bytes++] = piece[i];
				continue;
			}
			line[bytes] = 0;
			bytes = 0;
			if (number_after(line, key, &number) && number != 0)
				buffer_add(numbers, &number, sizeof(number));
		}
	sys_call(SYS_close, fd);
}

static void begin_path(struct text *path, uint32_t pid, const char *file)
{
	text_add(path, "/proc/");
	text_add_number(path, pid);
	text_add(path, file);
}

/* What the descriptor is; "" where that is not known, or its name is long. */
static void read_target(uint32_t pid, uint32_t descriptor, char *target, size_t bytes)
{
	char path[64];
	struct text text = TEXT_IN(path);
	long got;

	begin_path(&text, pid, "/fd/");
	text_add_number(&text, descriptor);
	got = sys_call(SYS_readlinkat, AT_FDCWD, path, target, bytes);
	target[got > 0 && (size_t)got < bytes ? got : 0] = 0;
}

struct epoll_search {
	uint32_t pid;
	struct kernel_pointers *pointers;
};

static void read_epoll(uint32_t descriptor, void *context)
{
	const struct epoll_search *search = context;
	char path[64], target[32];
	struct text text = TEXT_IN(path);

	read_target(search->pid, descriptor, target, sizeof(target));
	/* Of requests that it works on the kernel does not show what it will give back. */
	if (strcmp(target, "anon_inode:[io_uring]") == 0)
		search->pointers->is_blind = true;
	if (strcmp(target, "anon_inode:[eventpoll]") != 0)
		return;
	begin_path(&text, search->pid, "/fdinfo/");
	text_add_number(&text, descriptor);
	/* tfd: 5 events: 19 data: 55d0c0a2b2a0 pos:0 ino:... */
	add_numbers(&search->pointers->epoll, path, "data:");
}

static void read_epolls(struct kernel_pointers *pointers, uint32_t pid)
{
	struct epoll_search search = {pid, pointers};
	char path[64];
	struct text text = TEXT_IN(path);

	begin_path(&text, pid, "/fd");
	if (!number_folder_visit(path, read_epoll, &search))
		pointers->is_blind = pointers->is_closed = true;
}

void kernel_pointers_read(struct kernel_pointers *pointers, uint32_t pid)
{
	char path[64];
	struct text text = TEXT_IN(path);

	*pointers = (struct kernel_pointers){0};
	read_epolls(pointers, pid);
	begin_path(&text, pid, "/timers");
	/* signal: 60/00007fff86e452a8 */
	add_numbers(&pointers->timers, path, "/");
}

void kernel_pointers_release(struct kernel_pointers *pointers)
{
	buffer_release(&pointers->epoll);
	buffer_release(&pointers->timers);
}

static void add(const struct buffer *words, const char *name, struct scan_memory *memory,
		struct root_list *roots)
{
	struct root root = {
		.start = (uint64_t)words->start,
		.end = (uint64_t)words->start + words->bytes,
		.kind = SEEP_ROOT_KERNEL,
		.thread = ROOT_OF_NONE,
		.module = ROOT_OF_NONE,
		.name = name,
	};

	if (words->bytes > 0)
		root_list_add(roots, memory, &root);
}

void kernel_pointers_add(const struct kernel_pointers *pointers, struct scan_memory *memory,
			 struct root_list *roots)
{
	add(&pointers->epoll, "epoll", memory, roots);
	add(&pointers->timers, "timer", memory, roots);
}
