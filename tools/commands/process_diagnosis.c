/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_diagnosis: is a running process followed, and if not, why and could it be?
 */
#include "tools/commands/process_diagnosis.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/commands/confinement.h"
#include "tools/commands/diagnosis.h"
#include "tools/commands/program_check.h"
#include "tools/commands/program_diagnosis.h"
#include "tools/commands/target.h"
#include "tools/model/error.h"

/* Was it started with LD_PRELOAD=…libseep.so? Its environment as it was then; no value of it is
 * shown or kept. */
static bool was_preloaded(pid_t pid)
{
	FILE *file = target_open_proc(pid, "environ");
	char *variable = NULL;
	size_t room = 0;
	bool is_found = false;

	while (file && !is_found && getdelim(&variable, &room, '\0', file) > 0)
		is_found = strncmp(variable, "LD_PRELOAD=", 11) == 0 &&
			   strstr(variable, "libseep.so") != NULL;
	free(variable);
	if (file)
		fclose(file);
	return is_found;
}

/* An allocator that came with LD_PRELOAD or with a library of the program. */
static void add_loaded_allocator(struct diagnosis *diagnosis, pid_t pid)
{
	FILE *maps = target_open_proc(pid, "maps");
	char line[PATH_MAX + 128], name[64] = "";

	while (maps && !*name && fgets(line, sizeof(line), maps)) {
		char *file = strrchr(line, '/');
		line[strcspn(line, "\n")] = '\0';
		if (file && program_file_allocator_of(file + 1))
			snprintf(name, sizeof(name), "%s", file + 1);
	}
	if (maps)
		fclose(maps);
	if (*name)
		diagnosis_add(
			diagnosis, DIAGNOSIS_NOTE,
			"it has %s loaded: preload libseep.so in front of it, as seep run does",
			name);
}

/* What stands in the way of starting the same program again under seep. */
static void add_program(struct diagnosis *diagnosis, pid_t pid, const char *library)
{
	struct program_file file;
	struct error error;
	char path[64], name[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (access(path, R_OK) != 0) {
		diagnosis_add(diagnosis, DIAGNOSIS_NOTE,
			      "its program cannot be read (%s); ask as its user or as root",
			      strerror(errno));
		return;
	}
	if (program_check(path, library, &file, &error) < 0) {
		diagnosis_add(diagnosis, DIAGNOSIS_NO, "%s", error.text);
		return;
	}
	program_diagnosis(diagnosis, &file);
	if (was_preloaded(pid))
		diagnosis_add(
			diagnosis, DIAGNOSIS_NO,
			"LD_PRELOAD names libseep.so, but it is not loaded: is the path right "
			"where %s runs (a container?), and may it be read there?",
			target_name(pid, name, sizeof(name)));
}

static void add_confinement(struct diagnosis *diagnosis, pid_t pid, const char *library)
{
	char profile[CONFINEMENT_BYTES];

	if (confinement_of_process(pid, profile))
		diagnosis_add(diagnosis, DIAGNOSIS_NOTE,
			      "it is confined (%s): that must allow it to read %s and to write its "
			      "snapshot file",
			      profile, library);
}

int process_diagnosis(struct diagnosis *diagnosis, pid_t pid, const char *library,
		      struct error *error)
{
	struct seep_control_answer answer;
	char path[TARGET_PATH_BYTES];
	int result = target_status(pid, &answer, error);

	if (result == -ESRCH)
		return result;
	if (result == 0) {
		diagnosis_add(diagnosis, DIAGNOSIS_OK,
			      "it runs under seep and answers; %u snapshots until now",
			      answer.snapshot + 1);
		result = target_answer_path(pid, &answer, path, error);
		diagnosis_add(diagnosis, result == 0 ? DIAGNOSIS_OK : DIAGNOSIS_NO, "%s%s",
			      result == 0 ? "its file is " : "", result == 0 ? path : error->text);
	} else {
		diagnosis_add(diagnosis, DIAGNOSIS_NO, "%s", error->text);
		if (result == -ENOENT)
			add_program(diagnosis, pid, library);
	}
	add_loaded_allocator(diagnosis, pid);
	add_confinement(diagnosis, pid, library);
	return 0;
}
