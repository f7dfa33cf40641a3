/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_memory_pressure: whom the kernel is asked about, with real cgroups where they can be made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/options.h"
#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/control/memory_pressure.h"
#include "lib/snapshot/process_facts.h"
#include "tests/support/lib_life.h"

#define SECOND 1000000000ull

static uint64_t clock_ns = SECOND;

static int watch_after(unsigned seconds)
{
	clock_ns += seconds * SECOND;
	return memory_pressure_watch(clock_ns);
}

/* Of a command that takes a second or more. */
static int begin(void)
{
	memory_pressure_lose();
	options.near_limit = 900;
	memory_pressure_start(clock_ns);
	return watch_after(1);
}

static short events_of(int file)
{
	struct pollfd watched = {.fd = file, .events = POLLPRI};

	assert_true(poll(&watched, 1, 0) >= 0);
	return watched.revents;
}

static const char *name_of(int file)
{
	static char name[4096];
	char link[64];
	ssize_t bytes;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	bytes = readlink(link, name, sizeof(name) - 1);
	name[bytes > 0 ? bytes : 0] = 0;
	return name;
}

/* As far as the kernel is able to. */
static void asks_the_kernel_after_a_second(void **state)
{
	(void)state;
	clock_ns += SECOND;
	memory_pressure_start(clock_ns);
	options.near_limit = 900;
	assert_int_equal(memory_pressure_watch(clock_ns), -1);
	int file = watch_after(1);
	if (file < 0) {
		print_message("this kernel does not tell of pressure, or not this user\n");
		skip();
	}
	assert_int_equal(events_of(file) & (POLLERR | POLLNVAL), 0);
	assert_int_equal(watch_after(0), file);
	assert_int_equal(watch_after(100), file);
	options.near_limit = OPTIONS_NO_LIMIT;
	assert_int_equal(watch_after(100), -1);
	options.near_limit = 900;
	memory_pressure_lose();
	assert_int_equal(fcntl(file, F_GETFD), -1);
	memory_pressure_lose();
	/* Somewhere else there may be some. */
	assert_true(watch_after(100) >= 0);
}

/* ---- cgroups of its own -------------------------------------------------------------------- */

static char home[4096], first[4096 + 64], second[4096 + 64];

static void write_to(const char *folder, const char *file, const char *text)
{
	char path[4096 + 128];
	FILE *stream;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	stream = fopen(path, "w");
	assert_non_null(stream);
	fputs(text, stream);
	assert_int_equal(fclose(stream), 0);
}

static void move_to(const char *folder)
{
	char pid[32];

	snprintf(pid, sizeof(pid), "%d", getpid());
	write_to(folder, "cgroup.procs", pid);
}

/* Below the one that the test is in; false where it can make none. */
static bool make_cgroups(void)
{
	static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	static char lines[8192];
	const char *path;

	if (sys_read_file("/proc/self/cgroup", lines, sizeof(lines) - 1) <= 0)
		return false;
	path = text_find_line(lines, "0::");
	if (path == NULL)
		return false;
	if (path[0] == '/' && path[1] == '\n')
		path++;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char probe[4096 + 128];

		snprintf(home, sizeof(home), "%s%.*s", places[i], (int)strcspn(path, "\n"), path);
		snprintf(first, sizeof(first), "%s/seep-first-%d", home, getpid());
		snprintf(second, sizeof(second), "%s/seep-second-%d", home, getpid());
		snprintf(probe, sizeof(probe), "%s/memory.pressure", first);
		if (mkdir(first, 0700) != 0)
			continue;
		if (access(probe, W_OK) == 0 && mkdir(second, 0700) == 0)
			return true;
		rmdir(first);
	}
	return false;
}

static void expect_watched(int file, const char *folder)
{
	char wanted[4096 + 128];

	assert_true(file >= 0);
	snprintf(wanted, sizeof(wanted), "%s/memory.pressure", folder);
	assert_string_equal(name_of(file), wanted);
	assert_int_equal(events_of(file) & (POLLERR | POLLNVAL), 0);
}

static void follows_the_program_from_cgroup_to_cgroup(void **state)
{
	(void)state;
	if (!make_cgroups()) {
		print_message("no cgroup with memory.pressure can be made\n");
		skip();
	}
	move_to(first);
	int file = begin();
	expect_watched(file, first);
	move_to(second);
	assert_int_equal(watch_after(1), file);
	file = watch_after(10);
	expect_watched(file, second);
	/* Its file is gone, and it was moved. */
	move_to(home);
	assert_int_equal(rmdir(first), 0);
	assert_int_equal(rmdir(second), 0);
	assert_true(events_of(file) & POLLERR);
	memory_pressure_lose();
	file = watch_after(10);
	assert_true(file >= 0);
	assert_int_equal(events_of(file) & (POLLERR | POLLNVAL), 0);
	assert_null(strstr(name_of(file), "seep-"));
}

static int start(void **state)
{
	(void)state;
	lib_life_start();
	process_facts_read(0);
	return 0;
}

/* Whatever failed. */
static int leave_cgroups(void **state)
{
	(void)state;
	if (home[0] != 0 && access(first, F_OK) == 0)
		move_to(home);
	rmdir(first);
	rmdir(second);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_the_kernel_after_a_second),
		cmocka_unit_test_teardown(follows_the_program_from_cgroup_to_cgroup, leave_cgroups),
	};

	return cmocka_run_group_tests_name("memory_pressure", tests, start, NULL);
}

/* The file under test; last, for it forbids names that cmocka's macros use. */
#include "lib/control/memory_pressure.c"
