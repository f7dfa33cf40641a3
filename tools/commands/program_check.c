/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program_check: can libseep.so be preloaded into this program?
 *
 * Every rule here is one of ld.so(8)'s reasons to drop LD_PRELOAD silently, or of the library's
 * reasons not to work. A script is judged by its interpreter, and `env` by what it will start.
 */
#include "tools/commands/program_check.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tools/commands/program_file.h"
#include "tools/model/error.h"
#include "tools/model/path_base.h"

/* The kernel's limits: five scripts deep, 255 bytes of #! line. */
#define SCRIPT_DEPTH_MAX 5
#define SCRIPT_LINE_BYTES 256

/* ---- finding ---- */

static int try_path(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return errno;
	if (S_ISDIR(status.st_mode))
		return EISDIR;
	return access(path, X_OK) == 0 ? 0 : EACCES;
}

static int say_unfound(const char *name, const char *path, int code, struct error *error)
{
	switch (code) {
	case EACCES:
		return error_set(error, code,
				 "%s is not executable; chmod +x it, or name its interpreter",
				 path);
	case EISDIR:
		return error_set(error, EACCES, "%s is a folder, not a program", path);
	case ENOENT:
	case ENOTDIR:
		return error_set(error, code,
				 strchr(name, '/') ? "there is no program '%s'"
						   : "there is no program '%s' in PATH",
				 name);
	default:
		return error_set(error, code, "cannot start %s: %s", name, strerror(code));
	}
}

int program_check_find(const char *name, char path[PATH_MAX], struct error *error)
{
	const char *folders = getenv("PATH");
	char tried[PATH_MAX], refused[PATH_MAX] = "";
	int code;

	if (!*name || strlen(name) >= PATH_MAX)
		return say_unfound(name, name, *name ? ENAMETOOLONG : ENOENT, error);
	if (strchr(name, '/')) {
		strcpy(path, name);
		code = try_path(name);
		return code ? say_unfound(name, name, code, error) : 0;
	}
	if (!folders)
		folders = "/bin:/usr/bin";
	for (;;) {
		int length = (int)strcspn(folders, ":");
		/* An empty entry is the current folder. */
		int bytes = snprintf(tried, sizeof(tried), "%.*s%s%s", length, folders,
				     length ? "/" : "./", name);
		code = bytes < (int)sizeof(tried) ? try_path(tried) : ENAMETOOLONG;
		if (code == 0) {
			strcpy(path, tried);
			return 0;
		}
		/* Like execvp: go on, and remember that there was one. */
		if (code == EACCES && !*refused)
			strcpy(refused, tried);
		folders += length;
		if (!*folders++)
			break;
	}
	return say_unfound(name, refused, *refused ? EACCES : ENOENT, error);
}

/* ---- ELF ---- */

static int check_elf(const char *path, const struct program_file *file,
		     const struct program_file *library, struct error *error)
{
	const char *name = strrchr(file->interpreter, '/');

	name = name ? name + 1 : file->interpreter;
	if (file->type != ET_EXEC && file->type != ET_DYN)
		return error_set(error, ENOEXEC,
				 "%s is an ELF file but not a program; link it first", path);
	if (file->machine != library->machine || file->class != library->class) {
		char theirs[64];
		snprintf(theirs, sizeof(theirs), "%s", program_file_machine(file));
		return error_set(
			error, ENOEXEC,
			"%s is a %s program, but libseep.so is built for %s; build seep for "
			"that architecture",
			path, theirs, program_file_machine(library));
	}
	if (!*file->interpreter && file->is_library && !file->is_loader)
		return error_set(error, ENOEXEC, "%s is a shared library, not a program", path);
	if (!*file->interpreter && !file->is_loader && file->is_go)
		return error_set(error, ENOEXEC,
				 "%s is a Go program that is statically linked, so nothing can be "
				 "preloaded; what Go itself allocates is in its own heap profiles",
				 path);
	if (!*file->interpreter && !file->is_loader)
		return error_set(error, ENOEXEC,
				 "%s is statically linked, so nothing can be preloaded; link it "
				 "without -static",
				 path);
	if (strncmp(name, "ld-musl", 7) == 0)
		return error_set(error, ENOEXEC,
				 "%s is linked with musl (%s), but libseep.so needs glibc; run a "
				 "build of it for glibc",
				 path, file->interpreter);
	if (strncmp(name, "linker", 6) == 0)
		return error_set(error, ENOEXEC,
				 "%s is linked for Android, but libseep.so needs glibc", path);
	if (*file->interpreter && access(file->interpreter, F_OK) != 0)
		return error_set(error, ENOENT,
				 "%s needs the dynamic linker %s, which is not installed", path,
				 file->interpreter);
	if (*file->sanitizer)
		return error_set(error, ENOEXEC,
				 "%s is built with a sanitizer that replaces malloc itself (%s); "
				 "build it without -fsanitize",
				 path, file->sanitizer);
	return 0;
}

/* ---- privileges ---- */

/* A program that gains privileges starts in secure mode, where LD_PRELOAD is ignored. */
static int check_privileges(const char *path, int fd, struct error *error)
{
	struct stat status;
	struct statvfs system;
	const char *how = NULL;

	if (fstat(fd, &status) != 0)
		return error_set(error, errno, "cannot read %s: %s", path, strerror(errno));
	/* Here the kernel gives nobody any privileges. */
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ||
	    (fstatvfs(fd, &system) == 0 && (system.f_flag & ST_NOSUID)))
		return 0;
	if ((status.st_mode & S_ISUID) && status.st_uid != getuid())
		how = "setuid";
	else if ((status.st_mode & S_ISGID) && (status.st_mode & S_IXGRP) &&
		 status.st_gid != getgid())
		how = "setgid";
	else if (getuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0)
		how = "given file capabilities";
	if (!how)
		return 0;
	return error_set(
		error, EPERM, "%s is %s, so the dynamic linker ignores preloaded libraries; %s",
		path, how,
		strcmp(how, "setgid") == 0 ? "run a copy of it without that bit"
					   : "run seep as root, or run a copy of it without that");
}

/* ---- scripts ---- */

static int check_at_depth(const char *path, const struct program_file *library, int depth,
			  struct program_file *program, struct error *error);

/* `#!/usr/bin/env python3`: env is only the messenger. */
static int check_env_program(char *words, const struct program_file *library, int depth,
			     struct program_file *program, struct error *error)
{
	char found[PATH_MAX], *word = words;

	if (strncmp(word, "-S", 2) == 0)
		word += 2;
	word += strspn(word, " \t");
	word[strcspn(word, " \t")] = '\0';
	/* Other options, NAME=VALUE, or a program that env itself will complain about. */
	if (!*word || *word == '-' || strchr(word, '=') ||
	    program_check_find(word, found, NULL) < 0)
		return 0;
	return check_at_depth(found, library, depth + 1, program, error);
}

static int check_script(const char *path, char *line, const struct program_file *library, int depth,
			struct program_file *program, struct error *error)
{
	char *interpreter = line + strspn(line, " \t");
	char *rest = interpreter + strcspn(interpreter, " \t");

	if (*rest)
		*rest++ = '\0';
	rest += strspn(rest, " \t");
	int code = *interpreter ? try_path(interpreter) : ENOENT;
	if (code)
		return error_set(error, code, "%s: its interpreter '%s' cannot be started: %s",
				 path, interpreter, strerror(code));
	int result = check_at_depth(interpreter, library, depth + 1, program, error);
	if (result == 0 && strcmp(path_base(interpreter), "env") == 0)
		result = check_env_program(rest, library, depth, program, error);
	return result;
}

static int check_at_depth(const char *path, const struct program_file *library, int depth,
			  struct program_file *program, struct error *error)
{
	char start[SCRIPT_LINE_BYTES + 1];
	int result = 0;

	if (depth > SCRIPT_DEPTH_MAX)
		return error_set(error, ELOOP, "%s: too many interpreters of interpreters", path);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	/* Executable but not readable: nothing can be said against it. */
	if (fd < 0)
		return errno == EACCES ? 0
				       : error_set(error, errno, "cannot read %s: %s", path,
						   strerror(errno));
	ssize_t bytes = pread(fd, start, sizeof(start) - 1, 0);
	start[bytes > 0 ? bytes : 0] = '\0';

	if (bytes >= 2 && strncmp(start, "#!", 2) == 0) {
		start[strcspn(start, "\n")] = '\0';
		result = check_script(path, start + 2, library, depth, program, error);
	} else if (bytes >= 4 && memcmp(start, ELFMAG, SELFMAG) == 0) {
		result = program_file_read(fd, path, program)
				 ? check_elf(path, program, library, error)
				 : error_set(error, ENOEXEC, "%s is a damaged ELF file", path);
		if (result == 0)
			result = check_privileges(path, fd, error);
	} else if (bytes > 0 && !memchr(start, 0, (size_t)bytes)) {
		/* Text without #!: execvp gives it to the shell. */
		result = check_at_depth("/bin/sh", library, depth + 1, program, error);
	} else {
		result = error_set(error, ENOEXEC, "%s is neither a program nor a script", path);
	}
	close(fd);
	return result;
}

/* The library was perhaps built where glibc is newer. */
static int check_glibc(const char *path, const struct program_file *library, struct error *error)
{
	const char *version = gnu_get_libc_version();
	unsigned minor;

	if (sscanf(version, "2.%u", &minor) != 1 || minor >= library->needed_glibc)
		return 0;
	return error_set(error, ENOEXEC,
			 "%s needs glibc 2.%u, and this machine has %s; build seep here, or on a "
			 "machine that is no newer",
			 path, library->needed_glibc, version);
}

int program_check(const char *path, const char *library, struct program_file *program,
		  struct error *error)
{
	struct program_file file;
	int fd = open(library, O_RDONLY | O_CLOEXEC);

	*program = (struct program_file){0};
	if (fd < 0)
		return error_set(error, errno, "cannot read the library %s: %s", library,
				 strerror(errno));
	bool is_read = program_file_read(fd, library, &file);
	close(fd);
	if (!is_read || file.type != ET_DYN)
		return error_set(error, ENOEXEC, "%s is not a shared library; is it libseep.so?",
				 library);
	int result = check_glibc(library, &file, error);
	return result < 0 ? result : check_at_depth(path, &file, 0, program, error);
}
