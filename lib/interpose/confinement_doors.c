/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confinement_doors: what may take from a process what it needs to write its file: another root, another
 * user, or a limit of descriptors, of the size of files, or of processes.
 *
 * A forked child has its file from its 8th allocation on, and a worker of a server gives up what it must
 * not have before it does anything else. So it gets its file here, while it still can be made.
 *
 *   Runs in   the target, in every thread; also in vfork children, where nothing is done
 *   Locks     none of its own
 *   Memory    none of its own
 *   Calls     the real functions; life_before_confinement, life_before_identity
 *   Failure   as the real functions
 */
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/life.h"
#include "lib/interpose/doors.h"
#include "lib/interpose/real_functions.h"

static void make_file_first(bool hides_folder)
{
	if (real.chroot == NULL)
		real_functions_find();
	life_before_confinement(hides_folder);
}

static void tell_helper_first(void)
{
	if (real.chroot == NULL)
		real_functions_find();
	life_before_identity();
}

static void make_file_before(__rlimit_resource_t limited)
{
	if (limited == RLIMIT_NOFILE || limited == RLIMIT_FSIZE || limited == RLIMIT_NPROC)
		make_file_first(false);
}

DOOR int chroot(const char *folder)
{
	make_file_first(true);
	return real.chroot(folder);
}

DOOR int setuid(uid_t user)
{
	tell_helper_first();
	return real.setuid(user);
}

DOOR int seteuid(uid_t effective)
{
	tell_helper_first();
	return real.seteuid(effective);
}

DOOR int setreuid(uid_t user, uid_t effective)
{
	tell_helper_first();
	return real.setreuid(user, effective);
}

DOOR int setresuid(uid_t user, uid_t effective, uid_t saved)
{
	tell_helper_first();
	return real.setresuid(user, effective, saved);
}

DOOR int setrlimit(__rlimit_resource_t resource, const struct rlimit *limits)
{
	if (real.setrlimit == NULL)
		real_functions_find();
	make_file_before(resource);
	return real.setrlimit(resource, limits);
}

#undef setrlimit64
DOOR int setrlimit64(__rlimit_resource_t resource, const struct rlimit64 *limits)
	__attribute__((alias("setrlimit")));

DOOR int prlimit(pid_t pid, __rlimit_resource_t resource, const struct rlimit *limits,
		 struct rlimit *before)
{
	if (real.prlimit == NULL)
		real_functions_find();
	if (limits != NULL)
		make_file_before(resource);
	return real.prlimit(pid, resource, limits, before);
}

#undef prlimit64
DOOR int prlimit64(pid_t pid, __rlimit_resource_t resource, const struct rlimit64 *limits,
		   struct rlimit64 *before) __attribute__((alias("prlimit")));
