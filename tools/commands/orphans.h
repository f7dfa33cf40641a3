/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orphans: processes that lose their parent while a program runs under the library.
 *
 * Each watched process leaves one, its helper, for the first process of the machine or container to
 * wait for. Where that waits for nobody, as in many containers, each would stay as a zombie for as
 * long as the container is there: then they become our children, and we wait.
 */
#ifndef SEEP_COMMANDS_ORPHANS_H
#define SEEP_COMMANDS_ORPHANS_H

#include <stdbool.h>
#include <sys/types.h>

/* Before the program is started. */
void orphans_adopt(void);

/* True when our child `pid` has ended; its status can still be asked for. With `waits` it always has. */
bool orphans_look_beside(pid_t pid, bool waits);

/* Those that have ended by now. */
void orphans_reap(void);

/* Those that are about to end, too; what goes on is somebody else's from then on. */
void orphans_end(void);

#endif
