/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn_doors: what starts other programs while this one goes on.
 *
 * libc does that past our doors of exec. Their environment is looked at here, as there: what is started where
 * libseep.so is out of reach must not hear of it. `system` and `popen` pass on the program's own
 * environment, so that is mended for good then.
 *
 *   Runs in   the target, in every thread
 *   Locks     none of its own
 *   Memory    a mapping during the call, for an environment without us
 *   Calls     the real functions; mmap, munmap
 *   Failure   as the real functions; without memory the environment stays as it is
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/syscalls.h"
#include "lib/interpose/doors.h"
#include "lib/interpose/preload_list.h"
#include "lib/interpose/real_functions.h"

/* What is to be started, and by which function. */
struct start {
	typeof(posix_spawn) *how;
	pid_t *pid;
	const char *file;
	const posix_spawn_file_actions_t *actions;
	const posix_spawnattr_t *attributes;
	char *const *arguments;
};

static int start(const struct start *what, char *const environment[])
{
	return what->how(what->pid, what->file, what->actions, what->attributes, what->arguments,
			 environment);
}

/* Environments may be larger than the stack of a thread, and the real functions bring their own. */
static int start_without_us(const struct start *what, const struct preload_list *list)
{
	const size_t pointers = (list->count + 1) * sizeof(char *), bytes = pointers + list->bytes;
	long mapped = sys_call(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int result;

	if (sys_failed(mapped))
		return start(what, list->environment);
	preload_list_mend(list, (char **)mapped, (char *)mapped + pointers);
	result = start(what, (char **)mapped);
	sys_call(SYS_munmap, mapped, bytes);
	return result;
}

static int start_in(const struct start *what, char *const environment[])
{
	struct preload_list list;

	return preload_list_is_broken(&list, environment) ? start_without_us(what, &list)
							  : start(what, environment);
}

DOOR int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		     const posix_spawnattr_t *attributes, char *const arguments[],
		     char *const environment[])
{
	if (real.posix_spawn == NULL)
		real_functions_find();
	return start_in(
		&(const struct start){real.posix_spawn, pid, path, actions, attributes, arguments},
		environment);
}

DOOR int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
		      const posix_spawnattr_t *attributes, char *const arguments[],
		      char *const environment[])
{
	if (real.posix_spawnp == NULL)
		real_functions_find();
	return start_in(
		&(const struct start){real.posix_spawnp, pid, file, actions, attributes, arguments},
		environment);
}

DOOR int system(const char *command)
{
	if (real.system == NULL)
		real_functions_find();
	preload_list_mend_own();
	return real.system(command);
}

DOOR FILE *popen(const char *command, const char *mode)
{
	if (real.popen == NULL)
		real_functions_find();
	preload_list_mend_own();
	return real.popen(command, mode);
}
