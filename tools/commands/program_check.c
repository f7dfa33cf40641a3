/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program_check: can libseep.so be preloaded into this program?
 *
 * Every rule here is one of ld.so(8)'s reasons to drop LD_PRELOAD silently, or of the library's
 * reasons not to work. A script is judged by its interpreter, and `env` by what it will start.
 */
#include "tools/commands/program_check.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tools/model/error.h"

/* The kernel's limits: five scripts deep, 255 bytes of #! line. */
#define SCRIPT_DEPTH_MAX 5
#define SCRIPT_LINE_BYTES 256

/* What an ELF file says about itself. */
struct elf_facts {
	int class;	 /* ELFCLASS32, ELFCLASS64 */
	int machine;	 /* EM_X86_64 … */
	int type;	 /* ET_EXEC, ET_DYN … */
	bool is_loader;	 /* the dynamic linker itself, run as a program */
	bool is_library; /* has a dynamic section, but nothing says that it is a program */
	char interpreter[PATH_MAX]; /* "" where there is none */
	char sanitizer[64];	    /* library of a sanitizer that replaces malloc, or "" */
};

/* ---- finding ----------------------------------------------------------------------------------
 */

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

/* ---- ELF --------------------------------------------------------------------------------------
 */

static void read_interpreter(Elf *elf, const GElf_Phdr *header, struct elf_facts *facts)
{
	size_t file_bytes, bytes = header->p_filesz;
	const char *image = elf_rawfile(elf, &file_bytes);

	if (!image || header->p_offset > file_bytes || bytes > file_bytes - header->p_offset)
		return;
	snprintf(facts->interpreter, sizeof(facts->interpreter), "%.*s",
		 (int)strnlen(image + header->p_offset, bytes), image + header->p_offset);
}

/* Names that begin with "libasan.so", "libtsan.so" and so on. The sanitizers' own malloc must come
 * first, and says so by ending the program. */
static bool is_sanitizer(const char *needed)
{
	static const char *const names[] = {"libasan.",	  "liblsan.",	      "libtsan.",
					    "libhwasan.", "libclang_rt.asan", "libclang_rt.tsan",
					    NULL};

	for (const char *const *name = names; *name; name++)
		if (strncmp(needed, *name, strlen(*name)) == 0)
			return true;
	return false;
}

static void read_dynamic(Elf *elf, struct elf_facts *facts)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Dyn entry;
	bool is_pie = false;

	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_DYNAMIC)
			continue;
		Elf_Data *data = elf_getdata(section, NULL);
		for (int i = 0; data && gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL;
		     i++) {
			const char *text = NULL;
			is_pie |= entry.d_tag == DT_FLAGS_1 && (entry.d_un.d_val & DF_1_PIE);
			facts->is_library = true;
			if (entry.d_tag == DT_NEEDED || entry.d_tag == DT_SONAME)
				text = elf_strptr(elf, header.sh_link, entry.d_un.d_val);
			if (!text)
				continue;
			if (entry.d_tag == DT_NEEDED && is_sanitizer(text))
				snprintf(facts->sanitizer, sizeof(facts->sanitizer), "%s", text);
			if (entry.d_tag == DT_SONAME &&
			    (strncmp(text, "ld-linux", 8) == 0 ||
			     strncmp(text, "ld64.so", 7) == 0 || strncmp(text, "ld.so", 5) == 0))
				facts->is_loader = true;
		}
	}
	facts->is_library &= !is_pie && facts->type == ET_DYN;
}

/* False where the file is no ELF file or is broken. */
static bool read_elf(int fd, struct elf_facts *facts)
{
	GElf_Ehdr header;
	GElf_Phdr segment;
	size_t count = 0;
	bool is_read = false;

	*facts = (struct elf_facts){0};
	elf_version(EV_CURRENT);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &header) &&
	    elf_getphdrnum(elf, &count) == 0) {
		facts->class = header.e_ident[EI_CLASS];
		facts->machine = header.e_machine;
		facts->type = header.e_type;
		for (size_t i = 0; i < count; i++)
			if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_INTERP)
				read_interpreter(elf, &segment, facts);
		read_dynamic(elf, facts);
		is_read = true;
	}
	elf_end(elf);
	return is_read;
}

static const char *machine_name(const struct elf_facts *facts)
{
	static _Thread_local char number[32];

	switch (facts->machine) {
	case EM_386:
		return "32-bit x86";
	case EM_X86_64:
		return facts->class == ELFCLASS32 ? "x32" : "x86-64";
	case EM_AARCH64:
		return "aarch64";
	case EM_ARM:
		return "32-bit ARM";
	case EM_RISCV:
		return "RISC-V";
	case EM_PPC64:
		return "ppc64";
	case EM_S390:
		return "s390x";
	}
	snprintf(number, sizeof(number), "ELF machine %d", facts->machine);
	return number;
}

static int check_elf(const char *path, const struct elf_facts *facts,
		     const struct elf_facts *library, struct error *error)
{
	const char *name = strrchr(facts->interpreter, '/');

	name = name ? name + 1 : facts->interpreter;
	if (facts->type != ET_EXEC && facts->type != ET_DYN)
		return error_set(error, ENOEXEC,
				 "%s is an ELF file but not a program; link it first", path);
	if (facts->machine != library->machine || facts->class != library->class) {
		char theirs[64];
		snprintf(theirs, sizeof(theirs), "%s", machine_name(facts));
		return error_set(
			error, ENOEXEC,
			"%s is a %s program, but libseep.so is built for %s; build seep for "
			"that architecture",
			path, theirs, machine_name(library));
	}
	if (!*facts->interpreter && facts->is_library && !facts->is_loader)
		return error_set(error, ENOEXEC, "%s is a shared library, not a program", path);
	if (!*facts->interpreter && !facts->is_loader)
		return error_set(error, ENOEXEC,
				 "%s is statically linked, so nothing can be preloaded; link it "
				 "without -static",
				 path);
	if (strncmp(name, "ld-musl", 7) == 0)
		return error_set(error, ENOEXEC,
				 "%s is linked with musl (%s), but libseep.so needs glibc; run a "
				 "build of it for glibc",
				 path, facts->interpreter);
	if (strncmp(name, "linker", 6) == 0)
		return error_set(error, ENOEXEC,
				 "%s is linked for Android, but libseep.so needs glibc", path);
	if (*facts->interpreter && access(facts->interpreter, F_OK) != 0)
		return error_set(error, ENOENT,
				 "%s needs the dynamic linker %s, which is not installed", path,
				 facts->interpreter);
	if (*facts->sanitizer)
		return error_set(error, ENOEXEC,
				 "%s is built with a sanitizer that replaces malloc itself (%s); "
				 "build it without -fsanitize",
				 path, facts->sanitizer);
	return 0;
}

/* ---- privileges -------------------------------------------------------------------------------
 */

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

/* ---- scripts ----------------------------------------------------------------------------------
 */

static int check_at_depth(const char *path, const struct elf_facts *library, int depth,
			  struct error *error);

/* `#!/usr/bin/env python3`: env is only the messenger. */
static int check_env_program(char *words, const struct elf_facts *library, int depth,
			     struct error *error)
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
	return check_at_depth(found, library, depth + 1, error);
}

static int check_script(const char *path, char *line, const struct elf_facts *library, int depth,
			struct error *error)
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
	int result = check_at_depth(interpreter, library, depth + 1, error);
	const char *name = strrchr(interpreter, '/');
	if (result == 0 && strcmp(name ? name + 1 : interpreter, "env") == 0)
		result = check_env_program(rest, library, depth, error);
	return result;
}

static int check_at_depth(const char *path, const struct elf_facts *library, int depth,
			  struct error *error)
{
	char start[SCRIPT_LINE_BYTES + 1];
	struct elf_facts facts;
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
		result = check_script(path, start + 2, library, depth, error);
	} else if (bytes >= 4 && memcmp(start, ELFMAG, SELFMAG) == 0) {
		result = read_elf(fd, &facts)
				 ? check_elf(path, &facts, library, error)
				 : error_set(error, ENOEXEC, "%s is a damaged ELF file", path);
		if (result == 0)
			result = check_privileges(path, fd, error);
	} else if (bytes > 0 && !memchr(start, 0, (size_t)bytes)) {
		/* Text without #!: execvp gives it to the shell. */
		result = check_at_depth("/bin/sh", library, depth + 1, error);
	} else {
		result = error_set(error, ENOEXEC, "%s is neither a program nor a script", path);
	}
	close(fd);
	return result;
}

int program_check(const char *path, const char *library, struct error *error)
{
	struct elf_facts facts;
	int fd = open(library, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_set(error, errno, "cannot read the library %s: %s", library,
				 strerror(errno));
	bool is_read = read_elf(fd, &facts);
	close(fd);
	if (!is_read || facts.type != ET_DYN)
		return error_set(error, ENOEXEC, "%s is not a shared library; is it libseep.so?",
				 library);
	return check_at_depth(path, &facts, 0, error);
}
