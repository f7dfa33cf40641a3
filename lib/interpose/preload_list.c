/* SPDX-License-Identifier: Apache-2.0 */
/*
 * preload_list: LD_PRELOAD, as a program that is to be started finds it.
 *
 * A program that has changed its root, its mounts or its user may start others where libseep.so is not.
 * They are not recorded, and must not hear of it. Nothing is changed as long as the library is there, and
 * an entry without a slash is left to ld.so, which looks for it in places of its own.
 *
 *   Runs in   the target, before another program is started; in vfork children, too
 *   Locks     none
 *   Memory    the caller's; 4 KiB, static, for what the program's own environment has then
 *   Calls     faccessat2, once for each entry that may be ours; process_vm_writev
 *   Failure   the environment stays as it is
 */
#include "lib/interpose/preload_list.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base/syscalls.h"

#include "lib/base/poison.h"

static const char name[] = "LD_PRELOAD=";
static const char own_file[] = "/libseep.so";
#define NAME_BYTES (sizeof(name) - 1)
#define OWN_BYTES 4096u
#define OWN_FILE_BYTES (sizeof(own_file) - 1)

/* ld.so knows no way to quote them. */
static bool is_separator(char c)
{
	return c == ':' || c == ' ';
}

static size_t entry_bytes(const char *entry)
{
	size_t bytes = 0;

	while (entry[bytes] != 0 && !is_separator(entry[bytes]))
		bytes++;
	return bytes;
}

/* As ld.so will see it: by the effective user. Whatever else is wrong, it may find a way. */
static bool is_out_of_reach(const char *path)
{
	long result = sys_call(SYS_faccessat2, AT_FDCWD, path, R_OK, AT_EACCESS);

	return result == -ENOENT || result == -ENOTDIR || result == -EACCES;
}

static bool is_us_out_of_reach(const char *entry, size_t bytes)
{
	if (bytes < OWN_FILE_BYTES || bytes >= PATH_MAX ||
	    memcmp(entry + bytes - OWN_FILE_BYTES, own_file, OWN_FILE_BYTES) != 0)
		return false;
	char path[bytes + 1];

	memcpy(path, entry, bytes);
	path[bytes] = 0;
	return is_out_of_reach(path);
}

bool preload_list_is_broken(struct preload_list *list, char *const environment[])
{
	const char *value = NULL;

	if (environment == NULL)
		return false;
	*list = (struct preload_list){.environment = environment};
	for (; environment[list->count] != NULL; list->count++) {
		/* ld.so takes the last one. */
		if (strncmp(environment[list->count], name, NAME_BYTES) == 0) {
			list->place = list->count;
			value = environment[list->count] + NAME_BYTES;
		}
	}
	if (value == NULL)
		return false;
	list->bytes = NAME_BYTES + strlen(value) + 1;
	for (size_t bytes; *value != 0; value += bytes + (value[bytes] != 0)) {
		bytes = entry_bytes(value);
		if (is_us_out_of_reach(value, bytes))
			return true;
	}
	return false;
}

static void write_mended(const struct preload_list *list, char *text)
{
	const char *value = list->environment[list->place] + NAME_BYTES;
	char *end = text + NAME_BYTES;

	memcpy(text, name, NAME_BYTES);
	for (size_t bytes; *value != 0; value += bytes + (value[bytes] != 0)) {
		bytes = entry_bytes(value);
		if (bytes == 0 || is_us_out_of_reach(value, bytes))
			continue;
		if (end != text + NAME_BYTES)
			*end++ = ':';
		memcpy(end, value, bytes);
		end += bytes;
	}
	*end = 0;
}

void preload_list_mend(const struct preload_list *list, char *mended[], char *text)
{
	memcpy(mended, list->environment, (list->count + 1) * sizeof(*mended));
	mended[list->place] = text;
	write_mended(list, text);
}

/* The list may be in memory that cannot be written to: then the kernel refuses, and nobody is hurt. */
static void put_in_place(char *const *place, const char *text)
{
	const struct iovec from = {.iov_base = &text, .iov_len = sizeof(text)};
	const struct iovec to = {.iov_base = (void *)place, .iov_len = sizeof(*place)};

	sys_call(SYS_process_vm_writev, sys_pid(), &from, 1, &to, 1, 0);
}

void preload_list_mend_own(void)
{
	static char own[OWN_BYTES];
	struct preload_list list;

	if (!preload_list_is_broken(&list, environ) || list.bytes > sizeof(own))
		return;
	/* Of several threads each writes the same. */
	write_mended(&list, own);
	put_in_place(&list.environment[list.place], own);
}
