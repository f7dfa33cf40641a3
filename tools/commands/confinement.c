/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confinement: does AppArmor or SELinux narrow what a program may do?
 */
#include "tools/commands/confinement.h"

#include <stdlib.h>
#include <string.h>

#define ENFORCED " (enforce)"

/* Cuts ENFORCED off the end of a line; false where it does not stand there. */
static bool cut_enforced(char *line)
{
	size_t length = strlen(line), suffix = strlen(ENFORCED);

	if (length <= suffix || strcmp(line + length - suffix, ENFORCED) != 0)
		return false;
	line[length - suffix] = '\0';
	return true;
}

/* SELinux's contexts are user:role:type[:range]; unconfined_t is what its policies let do
 * anything. */
static bool is_confining_context(const char *context)
{
	const char *role = strchr(context, ':');
	const char *type = role ? strchr(role + 1, ':') : NULL;

	return type && strncmp(type + 1, "unconfined_t", strlen("unconfined_t")) != 0 &&
	       strncmp(type + 1, "kernel_t", strlen("kernel_t")) != 0;
}

bool confinement_read_process(FILE *current, char profile[CONFINEMENT_BYTES])
{
	if (!fgets(profile, CONFINEMENT_BYTES, current))
		return false;
	profile[strcspn(profile, "\n")] = '\0';
	return cut_enforced(profile) || is_confining_context(profile);
}

bool confinement_read_profiles(FILE *profiles, const char *path, char profile[CONFINEMENT_BYTES])
{
	while (fgets(profile, CONFINEMENT_BYTES, profiles)) {
		profile[strcspn(profile, "\n")] = '\0';
		if (cut_enforced(profile) && strcmp(profile, path) == 0)
			return true;
	}
	return false;
}

bool confinement_of_process(pid_t pid, char profile[CONFINEMENT_BYTES])
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/attr/current", (int)pid);
	FILE *current = fopen(path, "re");
	bool is_confined = current && confinement_read_process(current, profile);
	if (current)
		fclose(current);
	return is_confined;
}

bool confinement_of_program(const char *path, char profile[CONFINEMENT_BYTES])
{
	FILE *profiles = fopen("/sys/kernel/security/apparmor/profiles", "re");
	char *real = realpath(path, NULL);
	bool is_confined = profiles && real && confinement_read_profiles(profiles, real, profile);

	free(real);
	if (profiles)
		fclose(profiles);
	return is_confined;
}
