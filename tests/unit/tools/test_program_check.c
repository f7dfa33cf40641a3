/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that cannot be preloaded, made from /bin/true by changing what is read of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <zlib.h>

#include "tools/commands/program_check.h"
#include "tools/model/error.h"

static char folder[] = "/tmp/seep_program_check.XXXXXX";
static char library[PATH_MAX]; /* stands for libseep.so: any library of this architecture */
static struct program_file program;
static struct error error;

static const char *path_in_folder(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static const char *write_program(const char *name, const void *bytes, size_t size)
{
	const char *path = path_in_folder(name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	fclose(file);
	assert_int_equal(chmod(path, 0755), 0);
	return path;
}

static const char *write_script(const char *name, const char *text)
{
	return write_program(name, text, strlen(text));
}

struct image {
	union {
		unsigned char bytes[1 << 20];
		Elf64_Ehdr header;
	};
	size_t size;
};
static struct image image;

static void read_true(void)
{
	FILE *file = fopen("/bin/true", "r");

	assert_non_null(file);
	image.size = fread(image.bytes, 1, sizeof(image.bytes), file);
	assert_in_range(image.size, sizeof(Elf64_Ehdr), sizeof(image.bytes) - 1);
	fclose(file);
}

static Elf64_Phdr *interpreter_segment(void)
{
	Elf64_Phdr *segments = (Elf64_Phdr *)(image.bytes + image.header.e_phoff);

	for (int i = 0; i < image.header.e_phnum; i++)
		if (segments[i].p_type == PT_INTERP)
			return &segments[i];
	return NULL;
}

static const char *write_image(const char *name)
{
	return write_program(name, image.bytes, image.size);
}

static void assert_refused(const char *path, const char *why)
{
	error.text[0] = '\0';
	assert_true(program_check(path, library, &program, &error) < 0);
	if (!strstr(error.text, why) || !strstr(error.text, path))
		fail_msg("'%s' says not '%s'", error.text, why);
	assert_null(strchr(error.text, '\n'));
}

static int make_folder(void **state)
{
	Dl_info info;

	(void)state;
	if (!mkdtemp(folder) || chmod(folder, 0755) != 0 ||
	    !dladdr((void *)(uintptr_t)crc32, &info))
		return -1;
	snprintf(library, sizeof(library), "%s", info.dli_fname);
	return 0;
}

static int remove_folder(void **state)
{
	char command[PATH_MAX];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void finds_as_execvp_does(void **state)
{
	char path[PATH_MAX], folders[PATH_MAX], *before = strdup(getenv("PATH"));

	(void)state;
	write_script("found", "");
	snprintf(folders, sizeof(folders), "/nowhere:%s:/usr/bin:/bin", folder);
	setenv("PATH", folders, 1);
	assert_int_equal(program_check_find("found", path, &error), 0);
	assert_string_equal(path, path_in_folder("found"));
	assert_int_equal(program_check_find("true", path, &error), 0);
	assert_int_equal(program_check_find("./found", path, &error), -ENOENT);
	assert_string_equal(error.text, "there is no program './found'");
	assert_int_equal(program_check_find("no-such", path, &error), -ENOENT);
	assert_string_equal(error.text, "there is no program 'no-such' in PATH");
	assert_int_equal(program_check_find("", path, &error), -ENOENT);
	chmod(path_in_folder("found"), 0644);
	assert_int_equal(program_check_find("found", path, &error), -EACCES);
	assert_non_null(strstr(error.text, "found is not executable"));
	assert_true(program_check_find(folder, path, &error) < 0);
	assert_non_null(strstr(error.text, "is a folder"));
	setenv("PATH", before, 1);
	free(before);
}

static void accepts_what_can_be_preloaded(void **state)
{
	(void)state;
	read_true();
	assert_int_equal(program_check("/bin/true", library, &program, &error), 0);
	assert_int_equal(program_check(write_image("true"), library, &program, &error), 0);
	assert_int_equal(program_check(write_script("sh", "#!/bin/sh\n"), library, &program, &error), 0);
	assert_int_equal(
		program_check(write_script("env", "#! /usr/bin/env sh\n"), library, &program, &error), 0);
	assert_int_equal(program_check(write_script("plain", "echo\n"), library, &program, &error), 0);
}

static void refuses_a_static_program(void **state)
{
	(void)state;
	read_true();
	interpreter_segment()->p_type = PT_NULL;
	assert_refused(write_image("static"), "is statically linked");
	char line[PATH_MAX];
	snprintf(line, sizeof(line), "#!%s/static\n", folder);
	write_script("script", line);
	assert_true(program_check(path_in_folder("script"), library, &program, &error) < 0);
	assert_non_null(strstr(error.text, "/static is statically linked"));
}

static void refuses_another_architecture(void **state)
{
	(void)state;
	read_true();
	image.header.e_machine = EM_AARCH64 == image.header.e_machine ? EM_X86_64 : EM_AARCH64;
	assert_refused(write_image("arm"), "build seep for that architecture");

	/* As much of a 32-bit program as is looked at. */
	const Elf32_Ehdr small = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_386,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(small),
	};
	assert_refused(write_program("i386", &small, sizeof(small)), "is a 32-bit x86 program");
}

static void refuses_musl_and_a_missing_dynamic_linker(void **state)
{
	(void)state;
	read_true();
	Elf64_Phdr *segment = interpreter_segment();
	char *interpreter = (char *)image.bytes + segment->p_offset;
	memset(interpreter, 0, segment->p_filesz);
	strcpy(interpreter, "/lib/ld-musl-x86.so.1");
	assert_refused(write_image("musl"), "is linked with musl (/lib/ld-musl-x86.so.1)");
	strcpy(interpreter, "/lib/ld-nowhere.so.1");
	assert_refused(write_image("strange"), "/lib/ld-nowhere.so.1, which is not installed");
}

static void refuses_what_is_no_program(void **state)
{
	(void)state;
	assert_refused(write_program("zeros", "\0\1\2", 3), "is neither a program nor a script");
	assert_refused(write_program("empty", "", 0), "is neither a program nor a script");
	assert_refused(write_program("elf", ELFMAG "broken", SELFMAG + 6), "is a damaged ELF file");
	assert_refused(write_script("lost", "#!/no/such/interpreter\n"),
		       "its interpreter '/no/such/interpreter' cannot be started");
	assert_refused(library, "is a shared library, not a program");
	read_true();
	image.header.e_type = ET_REL;
	assert_refused(write_image("object.o"), "link it first");
}

static void refuses_interpreters_without_end(void **state)
{
	char line[PATH_MAX];

	(void)state;
	snprintf(line, sizeof(line), "#!%s/loop\n", folder);
	assert_refused(write_script("loop", line), "too many interpreters");
}

static void survives_every_cut_and_many_damages(void **state)
{
	(void)state;
	read_true();
	for (size_t size = 4; size < 1200; size += 7) {
		const char *path = write_program("cut", image.bytes, size);
		program_check(path, library, &program, &error);
	}
	srand(1);
	for (int i = 0; i < 300; i++) {
		read_true();
		for (int change = 0; change < 8; change++)
			image.bytes[SELFMAG + (size_t)rand() % 1000] = (unsigned char)rand();
		program_check(write_image("damaged"), library, &program, &error);
	}
}

/* Runs `check` as nobody: only root can make programs that give somebody else's privileges. */
static void assert_as_nobody(const char *path, const char *why)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(3);
		if (program_check(path, library, &program, &error) == 0)
			_exit(1);
		_exit(strstr(error.text, why) ? 0 : 2);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void refuses_programs_that_gain_privileges(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("only root can make setuid programs\n");
		skip();
	}
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
		print_message("no program can gain privileges here\n");
		skip();
	}
	read_true();
	const char *path = write_image("suid");
	chmod(path, 04755);
	assert_int_equal(program_check(path, library, &program, &error), 0); /* root gains nothing */
	assert_as_nobody(path, "is setuid");
	chmod(path, 02755);
	assert_as_nobody(path, "is setgid");
	chmod(path, 0755);

	/* cap_net_raw+ep in the kernel's format, revision 2. */
	const uint32_t capability[] = {0x02000001, 1u << 13, 0, 0, 0};
	if (setxattr(path, "security.capability", capability, sizeof(capability), 0) != 0) {
		print_message("no file capabilities in %s: %s\n", folder, strerror(errno));
		return;
	}
	assert_as_nobody(path, "file capabilities");
}

static void refuses_a_library_that_is_none(void **state)
{
	(void)state;
	assert_true(program_check("/bin/true", "/no/libseep.so", &program, &error) < 0);
	assert_non_null(strstr(error.text, "/no/libseep.so"));
	assert_true(program_check("/bin/true", write_script("text.so", "x"), &program, &error) < 0);
	assert_non_null(strstr(error.text, "is not a shared library"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_as_execvp_does),
		cmocka_unit_test(accepts_what_can_be_preloaded),
		cmocka_unit_test(refuses_a_static_program),
		cmocka_unit_test(refuses_another_architecture),
		cmocka_unit_test(refuses_musl_and_a_missing_dynamic_linker),
		cmocka_unit_test(refuses_what_is_no_program),
		cmocka_unit_test(refuses_interpreters_without_end),
		cmocka_unit_test(survives_every_cut_and_many_damages),
		cmocka_unit_test(refuses_programs_that_gain_privileges),
		cmocka_unit_test(refuses_a_library_that_is_none),
	};

	return cmocka_run_group_tests_name("program_check", tests, make_folder, remove_folder);
}
