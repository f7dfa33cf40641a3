/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_process_mappings: what is read out of the lines of /proc/PID/maps, ours and made-up ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/snapshot/process_mappings.h"

#define SEEN_MAX 5000u

static struct process_mapping seen[SEEN_MAX];
static uint32_t seen_count, wanted;

static bool note(const struct process_mapping *mapping, void *context)
{
	(void)context;
	assert_true(seen_count < SEEN_MAX);
	assert_true(mapping->start < mapping->end);
	assert_true(seen_count == 0 || seen[seen_count - 1].end <= mapping->start);
	seen[seen_count++] = *mapping;
	return seen_count < wanted;
}

static bool walk(const char *path)
{
	seen_count = 0;
	wanted = UINT32_MAX;
	return process_mappings_walk(path, note, NULL);
}

static bool walk_text(const char *text)
{
	char path[] = "/tmp/seep-unit-XXXXXX";
	int fd = mkstemp(path);
	bool result;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	result = walk(path);
	unlink(path);
	return result;
}

static enum mapping_kind kind_at(const void *ptr)
{
	for (uint32_t i = 0; i < seen_count; i++)
		if ((uint64_t)ptr >= seen[i].start && (uint64_t)ptr < seen[i].end)
			return seen[i].kind;
	fail_msg("%p lies in no mapping", ptr);
	return MAPPING_OTHER;
}

static void our_own_mappings_are_told_apart(void **state)
{
	static char zeros[1 << 20];
	static int number = 1;
	const int private = MAP_PRIVATE | MAP_ANONYMOUS, shared = MAP_SHARED | MAP_ANONYMOUS;
	char *own = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, private, -1, 0);
	char *read_only = mmap(NULL, 1 << 20, PROT_READ, private, -1, 0);
	char *ours_and_theirs = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, shared, -1, 0);
	char *small = malloc(100), local;

	(void)state;
	assert_true(walk("/proc/self/maps"));
	assert_int_equal(kind_at(own), MAPPING_ANONYMOUS);
	assert_int_equal(kind_at(read_only), MAPPING_OTHER);
	assert_int_equal(kind_at(ours_and_theirs), MAPPING_OTHER);
	assert_int_equal(kind_at(small), MAPPING_BRK);
	assert_int_equal(kind_at(&local), MAPPING_OTHER);
	assert_int_equal(kind_at(&number), MAPPING_OTHER);
	assert_int_equal(kind_at((void *)(uintptr_t)our_own_mappings_are_told_apart),
			 MAPPING_OTHER);
	/* What is all zeros needs no file. Its first page may be of the file still. */
	assert_int_equal(kind_at(zeros + sizeof(zeros) / 2), MAPPING_ANONYMOUS);
	free(small);
	munmap(own, 1 << 20);
	munmap(read_only, 1 << 20);
	munmap(ours_and_theirs, 1 << 20);
}

static void lines_are_read_as_the_kernel_writes_them(void **state)
{
	static const struct {
		const char *line;
		uint64_t start, end;
		enum mapping_kind kind;
	} lines[] = {
		{"00400000-00452000 r-xp 00000000 08:02 173521      /usr/bin/dbus-daemon\n",
		 0x400000, 0x452000, MAPPING_OTHER},
		{"00651000-00652000 rw-p 00051000 08:02 173521      /usr/bin/dbus-daemon\n",
		 0x651000, 0x652000, MAPPING_OTHER},
		{"00e03000-00e24000 rw-p 00000000 00:00 0           [heap]\n", 0xe03000, 0xe24000,
		 MAPPING_BRK},
		{"7f3c00000000-7f3c00021000 rw-p 00000000 00:00 0 \n", 0x7f3c00000000,
		 0x7f3c00021000, MAPPING_ANONYMOUS},
		{"7f3c00021000-7f3c04000000 ---p 00000000 00:00 0 \n", 0x7f3c00021000,
		 0x7f3c04000000, MAPPING_OTHER},
		{"7f3c04000000-7f3c04001000 rw-s 00000000 00:01 1024  /dev/zero (deleted)\n",
		 0x7f3c04000000, 0x7f3c04001000, MAPPING_OTHER},
		{"7f3c05000000-7f3c05001000 rw-p 00000000 00:00 0     [anon: glibc: malloc "
		 "arena]\n",
		 0x7f3c05000000, 0x7f3c05001000, MAPPING_ANONYMOUS},
		{"7f3c06000000-7f3c06001000 rw-p 00000000 00:00 0     [anon: glibc: pthread stack: "
		 "7]\n",
		 0x7f3c06000000, 0x7f3c06001000, MAPPING_OTHER},
		{"7f3c07000000-7f3c07200000 rw-p 00000000 00:0f 7     /anon_hugepage (deleted)\n",
		 0x7f3c07000000, 0x7f3c07200000, MAPPING_ANONYMOUS},
		{"7f3c08000000-7f3c08001000 rwxp 00000000 00:00 0 \n", 0x7f3c08000000,
		 0x7f3c08001000, MAPPING_ANONYMOUS},
		{"7ffe1000-7fff00000000 rw-p 00000000 00:00 0         [stack]\n", 0x7ffe1000,
		 0x7fff00000000, MAPPING_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_true(walk_text(lines[i].line));
		assert_int_equal(seen_count, 1);
		assert_true(seen[0].start == lines[i].start && seen[0].end == lines[i].end);
		assert_int_equal(seen[0].kind, lines[i].kind);
	}
}

static void lines_that_make_no_sense_are_skipped(void **state)
{
	(void)state;
	assert_true(walk_text("\n-\nx\n1000\n1000-\n1000-2000\n1000-2000 \n1000-2000 rw-p\n"
			      "1000-2000 rw-p 0 0 \n2000-1000 rw-p 0 00:00 0\n"
			      "11111111111111111-2000 rw-p 0 00:00 0\n"
			      "3000-4000 rw-p 00000000 00:00 0\n"));
	assert_int_equal(seen_count, 1);
	assert_int_equal(seen[0].start, 0x3000);
}

/* Longer than anything that is read at once. */
static void a_name_may_be_as_long_as_it_likes(void **state)
{
	size_t bytes = 100000;
	char *text = malloc(bytes + 200);

	(void)state;
	strcpy(text, "1000-2000 rw-p 00000000 00:00 1 /");
	memset(text + strlen(text), 'x', bytes);
	strcpy(text + bytes, "\n3000-4000 rw-p 00000000 00:00 0 \n");
	assert_true(walk_text(text));
	assert_int_equal(seen_count, 2);
	assert_int_equal(seen[0].kind, MAPPING_OTHER);
	assert_int_equal(seen[1].start, 0x3000);
	assert_int_equal(seen[1].kind, MAPPING_ANONYMOUS);
	free(text);
}

/* Between two reads a mapping may have grown or have been merged. */
static void no_address_is_seen_twice(void **state)
{
	(void)state;
	assert_true(walk_text("1000-3000 rw-p 00000000 00:00 0 \n"
			      "1000-5000 rw-p 00000000 00:00 0 \n"
			      "2000-4000 rw-p 00000000 00:00 0 \n"));
	assert_int_equal(seen_count, 2);
	assert_true(seen[1].start == 0x3000 && seen[1].end == 0x5000);
}

static void a_walk_that_did_not_see_all_says_so(void **state)
{
	(void)state;
	assert_false(process_mappings_walk("/proc/self/nothing", note, NULL));
	seen_count = 0;
	wanted = 3;
	assert_false(process_mappings_walk("/proc/self/maps", note, NULL));
	assert_int_equal(seen_count, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_own_mappings_are_told_apart),
		cmocka_unit_test(lines_are_read_as_the_kernel_writes_them),
		cmocka_unit_test(lines_that_make_no_sense_are_skipped),
		cmocka_unit_test(a_name_may_be_as_long_as_it_likes),
		cmocka_unit_test(no_address_is_seen_twice),
		cmocka_unit_test(a_walk_that_did_not_see_all_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
