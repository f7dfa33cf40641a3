/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confinement: does AppArmor or SELinux narrow what a program may do?
 *
 * Both can keep the library from being loaded and its file from being written, with no word
 * anywhere but in the kernel's log.
 */
#ifndef SEEP_COMMANDS_CONFINEMENT_H
#define SEEP_COMMANDS_CONFINEMENT_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#define CONFINEMENT_BYTES 256

/* Reads what /proc/PID/attr/current has. True where the process is confined; then `profile` is the
 * AppArmor profile or SELinux context. A profile that only complains confines nobody. */
bool confinement_read_process(FILE *current, char profile[CONFINEMENT_BYTES]);

/* Looks in a list of AppArmor's profiles, as /sys/kernel/security/apparmor/profiles has it, for one
 * that is enforced and called like the program at `path`. */
bool confinement_read_profiles(FILE *profiles, const char *path, char profile[CONFINEMENT_BYTES]);

/* The same about a running process, and about a program that will be started. False where nothing
 * can be known. */
bool confinement_of_process(pid_t pid, char profile[CONFINEMENT_BYTES]);
bool confinement_of_program(const char *path, char profile[CONFINEMENT_BYTES]);

#endif
