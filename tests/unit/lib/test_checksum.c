/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_checksum: the checksum is zlib's, however the data come in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zlib.h>

#include "lib/base/checksum.h"
#include "tests/support/lib_random.h"

static uint8_t data[1 << 16];

static void equals_zlib_in_any_pieces(void **state)
{
	struct lib_random random = lib_random_start();

	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t offset = lib_random_below(&random, 64);
		size_t bytes = lib_random_below(&random, round < 1000 ? 64 : 8192);
		uint32_t checksum = 0;

		for (size_t i = 0; i < bytes; i++)
			data[offset + i] = (uint8_t)lib_random_next(&random);
		for (size_t done = 0; done < bytes;) {
			size_t piece = 1 + lib_random_below(&random, bytes - done);

			checksum = checksum_add(checksum, data + offset + done, piece);
			done += piece;
		}
		assert_int_equal(checksum, crc32(0, data + offset, (uInt)bytes));
	}
}

static void covers_nothing_with_zero(void **state)
{
	(void)state;
	assert_int_equal(checksum_add(0, data, 0), 0);
	assert_int_equal(checksum_add(0x12345678, data, 0), 0x12345678);
}

static void knows_the_check_value_of_the_standard(void **state)
{
	(void)state;
	/* The catalogue of CRC algorithms gives this for CRC-32/ISO-HDLC. */
	assert_int_equal(checksum_add(0, "123456789", 9), 0xcbf43926);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_check_value_of_the_standard),
		cmocka_unit_test(covers_nothing_with_zero),
		cmocka_unit_test(equals_zlib_in_any_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
