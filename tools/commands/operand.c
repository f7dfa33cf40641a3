/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operand: a snapshot file as it is named on the command line: FILE, FILE@SNAP or PID.
 */
#include "tools/commands/operand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/commands/end_record.h"
#include "tools/commands/target.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"

static int split(struct operand *operand, const char *text, struct error *error)
{
	const char *at = strrchr(text, '@');

	if (!at || at == text || access(text, F_OK) == 0)
		at = text + strlen(text);
	operand->path = strndup(text, (size_t)(at - text));
	if (operand->path && *at)
		operand->snapshot = strdup(at + 1);
	if (!operand->path || (*at && !operand->snapshot))
		return error_set(error, ENOMEM, "not enough memory");
	if (*at && !operand->snapshot[0])
		return error_set(error, EINVAL,
				 "'%s' names no snapshot behind the @; 'seep snapshots' lists them",
				 text);
	return 0;
}

static int find_file_of_process(struct operand *operand, struct error *error)
{
	pid_t pid;
	char *path;
	int result = target_parse_pid(operand->path, &pid, error);

	if (result < 0)
		return result;
	path = malloc(TARGET_PATH_BYTES);
	if (!path)
		return error_set(error, ENOMEM, "not enough memory");
	result = target_find_file(pid, path, error);
	if (result < 0) {
		free(path);
		return result;
	}
	free(operand->path);
	operand->path = path;
	return 0;
}

/* How long the helper of a process that has just gone may need for its last snapshot. */
#define LAST_SNAPSHOT_MS 3000

/* Right after the end of a program that nobody waited for, its helper still writes: without this,
 * `LD_PRELOAD=libseep.so ./program; seep report FILE` would miss the state at the end. */
static int wait_for_last_snapshot(struct operand *operand, struct error *error)
{
	const struct profile *profile = operand->profile;
	struct error ignored;

	if (profile->is_running || profile->end_how != SEEP_END_UNKNOWN || profile->ended_unix_ns)
		return 0;
	/* Its user may have named it by a link. */
	char *place = realpath(operand->path, NULL);
	int fd = end_record_lock(place ? place : operand->path, 0, LAST_SNAPSHOT_MS, NULL, NULL,
				 &ignored);
	free(place);
	if (fd < 0)
		return 0; /* then what is there has to do */
	close(fd);
	profile_free(operand->profile);
	operand->profile = NULL;
	return profile_read(operand->path, &operand->profile, error);
}

int operand_open(struct operand *operand, const char *text, struct error *error)
{
	*operand = (struct operand){.text = text};
	int result = split(operand, text, error);

	if (result == 0 && target_is_pid(operand->path))
		result = find_file_of_process(operand, error);
	if (result == 0)
		result = profile_read(operand->path, &operand->profile, error);
	if (result == 0)
		result = wait_for_last_snapshot(operand, error);
	return result;
}

void operand_close(struct operand *operand)
{
	if (operand->profile)
		profile_free(operand->profile);
	free(operand->path);
	free(operand->snapshot);
	*operand = (struct operand){0};
}

int operand_find_snapshot(const struct operand *operand, const char *name, size_t *index,
			  struct error *error)
{
	return profile_find_snapshot(operand->profile, operand->snapshot ? operand->snapshot : name,
				     index, error);
}
