/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_diagnosis: is a running process followed, and if not, why and could it be?
 */
#ifndef SEEP_COMMANDS_PROCESS_DIAGNOSIS_H
#define SEEP_COMMANDS_PROCESS_DIAGNOSIS_H

#include <sys/types.h>

struct diagnosis;
struct error;

/* `library` is the libseep.so that would be preloaded. Returns 0, or -ESRCH and a sentence where
 * there is no such process. */
int process_diagnosis(struct diagnosis *diagnosis, pid_t pid, const char *library,
		      struct error *error);

#endif
