/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor: `seep doctor PROGRAM|PID`, can it be followed, and what stands in the way?
 */
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tools/commands/command.h"
#include "tools/commands/confinement.h"
#include "tools/commands/diagnosis.h"
#include "tools/commands/library_path.h"
#include "tools/commands/process_diagnosis.h"
#include "tools/commands/program_check.h"
#include "tools/commands/program_diagnosis.h"
#include "tools/commands/target.h"
#include "tools/model/error.h"
#include "tools/output/sink.h"
#include "tools/output/text_line.h"

static const struct command_option options[] = {{0}};

/* Where `seep run` writes unless it is told otherwise. */
static void add_folder(struct diagnosis *diagnosis)
{
	char folder[PATH_MAX];
	struct statvfs system;

	if (!getcwd(folder, sizeof(folder)) || access(folder, W_OK | X_OK) != 0)
		diagnosis_add(diagnosis, DIAGNOSIS_NO,
			      "snapshots cannot be written to this folder: %s; say where with "
			      "seep run -o FILE",
			      strerror(errno));
	else if (statvfs(folder, &system) == 0 && system.f_blocks > 0 && system.f_bavail == 0)
		diagnosis_add(diagnosis, DIAGNOSIS_NO,
			      "the disk of %s is full; say where to write with seep run -o FILE",
			      folder);
	else
		diagnosis_add(diagnosis, DIAGNOSIS_OK, "snapshots can be written to %s", folder);
}

/* Returns 0, or a negative errno value and a sentence where there is no such program. */
static int diagnose_program(struct diagnosis *diagnosis, const char *name, const char *library,
			    struct error *error)
{
	char path[PATH_MAX], profile[CONFINEMENT_BYTES];
	struct program_file file;
	int result = program_check_find(name, path, error);

	if (result < 0)
		return result;
	if (program_check(path, library, &file, error) < 0) {
		diagnosis_add(diagnosis, DIAGNOSIS_NO, "%s", error->text);
		return 0;
	}
	if (*file.path && strcmp(file.path, path) != 0)
		diagnosis_add(diagnosis, DIAGNOSIS_OK,
			      "it is a script that %s runs; what follows is about that, and not "
			      "about what the script starts",
			      file.path);
	program_diagnosis(diagnosis, &file);
	if (confinement_of_program(path, profile))
		diagnosis_add(diagnosis, DIAGNOSIS_NOTE,
			      "AppArmor confines it (%s): the profile must allow it to read %s and "
			      "to write snapshots; aa-complain %s lets it",
			      profile, library, path);
	add_folder(diagnosis);
	return 0;
}

static void write_conclusion(struct sink *sink, const char *what, enum diagnosis_grade grade)
{
	static const char *const ends[] = {
		[DIAGNOSIS_OK] = "can be followed.",
		[DIAGNOSIS_NOTE] = "can be followed.",
		[DIAGNOSIS_WARNING] = "can be followed in part.",
		[DIAGNOSIS_NO] = "cannot be followed as it is.",
	};
	char text[PATH_MAX + 64];

	snprintf(text, sizeof(text), "%s %s", what, ends[grade]);
	text_paragraph(sink->stream, &sink->style, INK_TITLE, "", 0, text);
}

static int run(const struct command *self, int argc, char **argv)
{
	struct diagnosis diagnosis = {0};
	struct error error = {""};
	struct sink sink = {0};
	char library[PATH_MAX], what[PATH_MAX + 32], name[64];
	pid_t pid;
	int status, result;
	int first = command_parse(self, argc, argv, 1, NULL, NULL, &status);

	if (first < 0)
		return status;
	if (first == argc)
		return command_fail(
			"doctor: no PROGRAM or PID was given; see 'seep doctor --help'");
	if (library_path_find(library, &error) < 0)
		return command_fail("doctor: %s", error.text);
	if (target_is_pid(argv[first])) {
		result = target_parse_pid(argv[first], &pid, &error);
		if (result == 0)
			result = process_diagnosis(&diagnosis, pid, library, &error);
		if (result == 0)
			snprintf(what, sizeof(what), "process %d (%s)", (int)pid,
				 target_name(pid, name, sizeof(name)));
	} else {
		result = diagnose_program(&diagnosis, argv[first], library, &error);
		snprintf(what, sizeof(what), "%s", argv[first]);
	}
	if (result < 0 || sink_open(&sink, NULL, &error) < 0)
		return command_fail("doctor: %s", error.text);
	enum diagnosis_grade grade = diagnosis_grade(&diagnosis);
	write_conclusion(&sink, what, grade);
	diagnosis_write(sink.stream, &sink.style, &diagnosis);
	if (sink_close(&sink, &error) < 0)
		return command_fail("doctor: %s", error.text);
	return grade == DIAGNOSIS_NO ? EXIT_CANNOT : EXIT_CLEAN;
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "can a program be followed, and what stands in the way?",
	.arguments = "PROGRAM [ARG...] | PID",
	.description =
		"Looks at a program without starting it, or at a running process without touching "
		"it, and says in one line each what speaks for and against following it, and what "
		"to do: a static, setuid or foreign program, another libc, an allocator of its "
		"own, "
		"a folder that cannot be written, a security profile, missing debug "
		"information.\n\n"
		"The exit status is 0 when it can be followed, be it in part, and 2 when it "
		"cannot. "
		"seep run and seep check look at the same before they start a program.",
	.options = options,
	.examples = "seep doctor ./server\tbefore it is started\n"
		    "seep doctor 4711\twhy is nothing known about this process?\n",
	.run = run,
};
