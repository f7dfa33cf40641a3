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
 *   Memory    the stack, for an environment without us
 *   Calls     the real functions
 *   Failure   as the real functions
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

static __attribute__((noinline)) int start_without_us(const struct start *what,
						      const struct preload_list *list)
{
	char *mended[list->count + 1];
	char text[list->bytes];

	preload_list_mend(list, mended, text);
	return start(what, mended);
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
