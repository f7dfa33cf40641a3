/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_text: bounded texts, numbers, lines of /proc; and the buffer's varints.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/text.h"
#include "tests/support/lib_random.h"

static void cuts_what_does_not_fit_and_says_so(void **state)
{
	char room[8];
	struct text text = TEXT_IN(room);

	(void)state;
	assert_string_equal(room, "");
	text_add(&text, "seven77");
	assert_string_equal(room, "seven77");
	assert_false(text.is_cut);
	text_add(&text, "");
	assert_false(text.is_cut);
	text_add(&text, "x");
	assert_true(text.is_cut);
	assert_string_equal(room, "seven77");

	text = TEXT_IN(room);
	assert_string_equal(room, "");
	text_add_bytes(&text, "123456789", 9);
	assert_string_equal(room, "1234567");
	assert_int_equal(text.bytes, 7);
	assert_true(text.is_cut);
}

static void writes_and_reads_any_number(void **state)
{
	static const uint64_t edges[] = {0, 9, 10, 99, 100, UINT64_MAX - 1, UINT64_MAX};
	struct lib_random random = lib_random_start();

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint64_t number = i < 7 ? edges[i] : lib_random_next(&random) >> (i % 64), read;
		char ours[32], theirs[32];
		struct text text = TEXT_IN(ours);
		const char *next = ours;

		text_add_number(&text, number);
		snprintf(theirs, sizeof(theirs), "%" PRIu64, number);
		assert_string_equal(ours, theirs);
		assert_true(text_read_number(&next, &read));
		assert_true(read == number && *next == 0);
	}
}

static void refuses_what_is_no_number(void **state)
{
	static const char *const bad[] = {
		"", "x", "-1", "+1", " 1", "18446744073709551616", "99999999999999999999999"};
	uint64_t number = 4711;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *next = bad[i];

		assert_false(text_read_number(&next, &number));
		assert_ptr_equal(next, bad[i]);
		assert_int_equal(number, 4711);
	}
	const char *next = "12kB";
	assert_true(text_read_number(&next, &number));
	assert_int_equal(number, 12);
	assert_string_equal(next, "kB");
}

static void names_a_file_without_its_folder(void **state)
{
	(void)state;
	assert_string_equal(text_file_name("/usr/lib/libc.so.6"), "libc.so.6");
	assert_string_equal(text_file_name("program"), "program");
	assert_string_equal(text_file_name("/folder/"), "");
	assert_string_equal(text_file_name(""), "");
}

static void compares_texts(void **state)
{
	(void)state;
	assert_true(text_equal("", ""));
	assert_true(text_equal("abc", "abc"));
	assert_false(text_equal("abc", "abcd"));
	assert_false(text_equal("abcd", "abc"));
	assert_false(text_equal("abc", "abd"));
	assert_int_equal(text_bytes(""), 0);
	assert_int_equal(text_bytes("abc"), 3);
}

static void finds_a_key_only_where_a_line_begins(void **state)
{
	const char *status = "Name:\tVmRSS:\nVmRSSx:\t1 kB\n\nVmRSS:\t  42 kB\nLast:\t7";

	(void)state;
	assert_string_equal(text_find_line(status, "VmRSS:"), "\t  42 kB\nLast:\t7");
	assert_string_equal(text_find_line(status, "Last:"), "\t7");
	assert_string_equal(text_find_line(status, "Name:"), strchr(status, '\t'));
	assert_null(text_find_line(status, "VmSwap:"));
	assert_null(text_find_line("", "Name:"));
	assert_null(text_find_line("Na", "Name:"));
}

static uint64_t varint_at(const uint8_t **next)
{
	uint64_t value = 0;
	int shift = 0;

	do {
		value |= (uint64_t)(**next & 0x7f) << shift;
		shift += 7;
	} while (*(*next)++ & 0x80);
	return value;
}

static void packs_varints_that_unpack(void **state)
{
	struct lib_random random = lib_random_start(), again = random;
	struct buffer buffer = {0};
	const uint8_t *next;

	(void)state;
	for (int i = 0; i < 100000; i++)
		buffer_add_varint(&buffer, lib_random_next(&random) >> (i % 64));
	assert_false(buffer.is_failed);
	next = buffer.start;
	for (int i = 0; i < 100000; i++)
		assert_true(varint_at(&next) == lib_random_next(&again) >> (i % 64));
	assert_ptr_equal(next, buffer.start + buffer.bytes);

	size_t packed = buffer.bytes;
	buffer_pad(&buffer, 8);
	assert_int_equal(buffer.bytes % 8, 0);
	assert_true(buffer.bytes - packed < 8);
	buffer_release(&buffer);
	assert_null(buffer.start);

	assert_int_equal(buffer_zigzag(0), 0);
	assert_int_equal(buffer_zigzag(-1), 1);
	assert_int_equal(buffer_zigzag(1), 2);
	assert_true(buffer_zigzag(INT64_MIN) == UINT64_MAX);
	assert_true(buffer_zigzag(INT64_MAX) == UINT64_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_what_does_not_fit_and_says_so),
		cmocka_unit_test(writes_and_reads_any_number),
		cmocka_unit_test(refuses_what_is_no_number),
		cmocka_unit_test(names_a_file_without_its_folder),
		cmocka_unit_test(compares_texts),
		cmocka_unit_test(finds_a_key_only_where_a_line_begins),
		cmocka_unit_test(packs_varints_that_unpack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
