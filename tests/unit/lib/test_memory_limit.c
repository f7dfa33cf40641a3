/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_memory_limit: of all limits the one that will be met first.
 *
 * Cgroups are folders of our own making, laid out as the kernel does; the other limits are real.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/snapshot/memory_limit.h"
#include "lib/snapshot/process_facts.h"

#define MIB (1ull << 20)

static char folder[] = "/tmp/seep-unit-XXXXXX";

static void put(const char *path, const char *text)
{
	char whole[512];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s/%s", folder, path);
	for (char *slash = strchr(whole + strlen(folder) + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(whole, 0700);
		*slash = '/';
	}
	file = fopen(whole, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int make_tree(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	/* Version 2: a limit two levels up, the tightest one at the top of a container. */
	put("memory.stat", "anon 1\n");
	put("web/memory.max", "1048576000\n");
	put("web/memory.current", "400000000\n");
	put("web/memory.stat", "anon 1\nfile 2\ninactive_anon 7\ninactive_file 100000000\n");
	put("web/worker/memory.max", "max\n");
	put("web/worker/memory.current", "300000000\n");
	put("web/worker/tight/memory.max", "50000000\n");
	put("web/worker/tight/memory.current", "20000000\n");
	put("full/memory.max", "1000\n");
	put("full/memory.current", "2000\n");
	put("nothing/memory.max", "0\n");
	put("nothing/memory.current", "0\n");
	put("torn/memory.max", "max or so\n");
	put("torn/memory.current", "7\n");
	/* Version 1. */
	put("memory/memory.limit_in_bytes", "9223372036854771712\n");
	put("memory/memory.usage_in_bytes", "5000000000\n");
	put("memory/jobs/memory.limit_in_bytes", "800000000\n");
	put("memory/jobs/memory.usage_in_bytes", "700000000\n");
	put("memory/jobs/memory.stat", "inactive_file 1\ntotal_inactive_file 650000000\n");
	return 0;
}

static int remove_tree(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static void expect_cgroup(const char *memberships, uint64_t bytes, uint64_t used_bytes)
{
	struct memory_limit limit = memory_limit_of_cgroups(folder, memberships);

	assert_int_equal(limit.bytes, bytes);
	assert_int_equal(limit.used_bytes, used_bytes);
	assert_int_equal(limit.kind, bytes == 0 ? SEEP_LIMIT_UNKNOWN : SEEP_LIMIT_CGROUP);
}

static void a_cgroup_is_held_to_the_limits_above_it(void **state)
{
	(void)state;
	expect_cgroup("0::/web/worker\n", 1048576000, 300000000);
	expect_cgroup("0::/web/worker/tight\n", 50000000, 20000000);
	expect_cgroup("0::/web\n", 1048576000, 300000000);
	expect_cgroup("0::/web/\n", 1048576000, 300000000);
	/* The last line may lack its end. */
	expect_cgroup("0::/web/worker", 1048576000, 300000000);
}

static void what_proc_names_need_not_be_there(void **state)
{
	(void)state;
	expect_cgroup("0::/web/worker/gone/far\n", 1048576000, 300000000);
	expect_cgroup("0::/\n", 0, 0);
	expect_cgroup("0::/../../elsewhere\n", 0, 0);
	expect_cgroup("0::/elsewhere\n", 0, 0);
	expect_cgroup("", 0, 0);
	expect_cgroup("0:\n:\n::\n\n0\n", 0, 0);
	expect_cgroup("5:cpu\n0::/web\n", 1048576000, 300000000);
}

static void a_container_sees_its_own_cgroup_at_the_mount(void **state)
{
	char inner[64];
	struct memory_limit limit;

	(void)state;
	snprintf(inner, sizeof(inner), "%s/web/worker/tight", folder);
	limit = memory_limit_of_cgroups(inner, "0::/web/worker/tight\n");
	assert_int_equal(limit.bytes, 50000000);
	limit = memory_limit_of_cgroups(inner, "0::/\n");
	assert_int_equal(limit.bytes, 50000000);
	limit = memory_limit_of_cgroups(inner, "0::/../sibling\n");
	assert_int_equal(limit.bytes, 50000000);
}

static void version_1_has_other_names(void **state)
{
	(void)state;
	expect_cgroup("9:name=systemd:/\n4:memory:/jobs/a:b\n0::/\n", 800000000, 50000000);
	expect_cgroup("4:cpu,memory:/jobs\n", 800000000, 50000000);
	expect_cgroup("4:memory:/\n", 0, 0);
	/* Controllers that are called like it. */
	expect_cgroup("4:memoryless,hugememory:/jobs\n", 0, 0);
	/* Both at once: whichever has less room. */
	expect_cgroup("4:memory:/jobs\n0::/web/worker/tight\n", 50000000, 20000000);
}

static void expect_kind(const char *memberships, enum seep_limit_kind kind, uint64_t bytes)
{
	struct memory_limit limit = memory_limit_of_cgroups(folder, memberships);

	assert_int_equal(limit.kind, kind);
	assert_int_equal(limit.bytes, bytes);
}

static void where_tasks_are_made_to_wait_is_a_limit(void **state)
{
	(void)state;
	put("slowed/memory.max", "max\n");
	put("slowed/memory.high", "600000000\n");
	put("slowed/memory.current", "100000000\n");
	expect_kind("0::/slowed\n", SEEP_LIMIT_CGROUP_HIGH, 600000000);
	put("slowed/memory.max", "700000000\n");
	expect_kind("0::/slowed\n", SEEP_LIMIT_CGROUP_HIGH, 600000000);
	put("slowed/memory.max", "500000000\n");
	expect_kind("0::/slowed\n", SEEP_LIMIT_CGROUP, 500000000);
	put("slowed/memory.high", "max\n");
	expect_kind("0::/slowed\n", SEEP_LIMIT_CGROUP, 500000000);
}

/* What has been met is not what a leak will meet next. */
static void where_tasks_wait_already_the_next_limit_counts(void **state)
{
	(void)state;
	put("passed/memory.max", "700000000\n");
	put("passed/memory.high", "600000000\n");
	put("passed/memory.current", "599999999\n");
	expect_kind("0::/passed\n", SEEP_LIMIT_CGROUP_HIGH, 600000000);
	put("passed/memory.current", "600000000\n");
	expect_kind("0::/passed\n", SEEP_LIMIT_CGROUP, 700000000);
	put("passed/below/memory.max", "max\n");
	put("passed/below/memory.high", "300000000\n");
	put("passed/below/memory.current", "400000000\n");
	expect_kind("0::/passed/below\n", SEEP_LIMIT_CGROUP, 700000000);
	/* There is no other. */
	put("passed/memory.max", "max\n");
	put("passed/memory.high", "max\n");
	expect_kind("0::/passed/below\n", SEEP_LIMIT_CGROUP_HIGH, 300000000);
}

static void a_full_or_empty_one_has_no_room(void **state)
{
	(void)state;
	expect_cgroup("0::/full\n", 1000, 2000);
	expect_cgroup("0::/nothing\n", 1, 0);
	expect_cgroup("0::/torn\n", 0, 0);
}

static void paths_that_are_too_long_do_no_harm(void **state)
{
	static char line[9000];

	(void)state;
	for (size_t bytes = 4000; bytes < sizeof(line) - 1; bytes += 500) {
		memcpy(line, "0::", 3);
		memset(line + 3, 'x', bytes - 3);
		for (size_t i = 3; i < bytes; i += 50)
			line[i] = '/';
		line[bytes] = 0;
		expect_cgroup(line, 0, 0);
	}
}

/* In a child: limits cannot be raised again. Exits with what failed. */
static int with_resource_limit(int resource, enum seep_limit_kind kind)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct process_memory memory;
		struct memory_limit limit;
		struct rlimit allowed;
		uint64_t used;

		process_facts_read(0);
		memory = process_memory_read();
		used = resource == RLIMIT_AS ? memory.vm_bytes : memory.data_bytes;
		allowed.rlim_cur = allowed.rlim_max = used + 8 * MIB;
		if (used == 0 || setrlimit(resource, &allowed) != 0)
			_exit(1);
		limit = memory_limit_read(&memory, false);
		_exit(limit.kind != kind	      ? 2
		      : limit.bytes != used + 8 * MIB ? 3
		      : limit.used_bytes != used      ? 4
						      : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void resource_limits_count(void **state)
{
	(void)state;
	assert_int_equal(with_resource_limit(RLIMIT_AS, SEEP_LIMIT_ADDRESS_SPACE), 0);
	assert_int_equal(with_resource_limit(RLIMIT_DATA, SEEP_LIMIT_DATA), 0);
}

static void the_machine_is_the_last_limit(void **state)
{
	struct process_memory memory = {0};
	struct memory_limit limit;

	(void)state;
	process_facts_read(0);
	limit = memory_limit_read(&memory, false);
	/* Unless the test itself runs within a cgroup's limit. */
	assert_true(limit.kind == SEEP_LIMIT_MACHINE || limit.kind == SEEP_LIMIT_CGROUP);
	assert_true(limit.bytes >= 16 * MIB);
	assert_true(limit.used_bytes > 0);
	if (limit.kind == SEEP_LIMIT_MACHINE)
		assert_true(limit.bytes <= (uint64_t)sysconf(_SC_PHYS_PAGES) *
						   (uint64_t)sysconf(_SC_PAGESIZE) &&
			    limit.used_bytes < limit.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cgroup_is_held_to_the_limits_above_it),
		cmocka_unit_test(what_proc_names_need_not_be_there),
		cmocka_unit_test(a_container_sees_its_own_cgroup_at_the_mount),
		cmocka_unit_test(version_1_has_other_names),
		cmocka_unit_test(where_tasks_are_made_to_wait_is_a_limit),
		cmocka_unit_test(where_tasks_wait_already_the_next_limit_counts),
		cmocka_unit_test(a_full_or_empty_one_has_no_room),
		cmocka_unit_test(paths_that_are_too_long_do_no_harm),
		cmocka_unit_test(resource_limits_count),
		cmocka_unit_test(the_machine_is_the_last_limit),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
