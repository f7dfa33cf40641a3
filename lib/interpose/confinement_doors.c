/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confinement_doors: what may take from a process the folder that it is to write in: another root, or
 * another user.
 *
 * A forked child has its file from its 8th allocation on, and a worker of a server gives up what it must
 * not have before it does anything else. So it gets its file here, while it still can be made.
 *
 *   Runs in   the target, in every thread; also in vfork children, where nothing is done
 *   Locks     none of its own
 *   Memory    none of its own
 *   Calls     the real functions; life_is_writing
 *   Failure   as the real functions
 */
#include <stddef.h>
#include <unistd.h>

#include "lib/base/life.h"
#include "lib/interpose/doors.h"
#include "lib/interpose/real_functions.h"

static void make_file_first(void)
{
	if (real.chroot == NULL)
		real_functions_find();
	life_is_writing();
}

DOOR int chroot(const char *folder)
{
	make_file_first();
	return real.chroot(folder);
}

DOOR int setuid(uid_t user)
{
	make_file_first();
	return real.setuid(user);
}

DOOR int seteuid(uid_t effective)
{
	make_file_first();
	return real.seteuid(effective);
}

DOOR int setreuid(uid_t user, uid_t effective)
{
	make_file_first();
	return real.setreuid(user, effective);
}

DOOR int setresuid(uid_t user, uid_t effective, uid_t saved)
{
	make_file_first();
	return real.setresuid(user, effective, saved);
}
