/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fatal_free: what a file says of the free that has ended the program is believed only where it fits
 * together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/support/profile_writer.h"
#include "tools/model/profile.h"

static const struct seep_fatal_free sound = {
	.snapshot = 1, .freed_by = 2, .allocated_by = 1, .block_bytes = 40, .block_offset = 39};

static struct profile *read_with(struct profile_writer *writer, struct seep_fatal_free fatal,
				 const char *message)
{
	profile_writer_start(writer);
	profile_writer_process(writer, 4711, "server");
	profile_writer_node(writer, 1, 0, 0x40100, 0);
	profile_writer_node(writer, 2, 1, 0x40200, 0);
	profile_writer_fatal_free(writer, fatal, message);
	return profile_writer_read(writer);
}

static void expect_refused(struct seep_fatal_free fatal, const char *message)
{
	struct profile_writer writer;
	struct profile *profile = read_with(&writer, fatal, message);

	assert_null(profile->fatal_free);
	assert_int_equal(profile->damage.damaged_records, 1);
	profile_free(profile);
	profile_writer_free(&writer);
}

static void believes_what_fits_together(void **state)
{
	(void)state;
	struct profile_writer writer;
	struct profile *profile = read_with(&writer, sound, "double free or corruption (fasttop)");

	assert_non_null(profile->fatal_free);
	assert_int_equal(profile->damage.damaged_records, 0);
	assert_string_equal(profile->fatal_free->message, "double free or corruption (fasttop)");
	profile_free(profile);
	profile_writer_free(&writer);
}

static void refuses_stacks_that_there_are_not(void **state)
{
	(void)state;
	struct seep_fatal_free fatal = sound;

	fatal.freed_by = 0;
	expect_refused(fatal, "free()");
	fatal.freed_by = 3;
	expect_refused(fatal, "free()");
	fatal = sound;
	fatal.allocated_by = 99;
	expect_refused(fatal, "free()");
}

static void refuses_a_place_outside_of_its_block(void **state)
{
	(void)state;
	struct seep_fatal_free fatal = sound;

	fatal.block_offset = 40;
	expect_refused(fatal, "free()");
	fatal = sound;
	fatal.allocated_by = 0;
	expect_refused(fatal, "free()");
	fatal.block_bytes = fatal.block_offset = 0;
	struct profile_writer writer;
	struct profile *profile = read_with(&writer, fatal, "free()");
	assert_non_null(profile->fatal_free);
	profile_free(profile);
	profile_writer_free(&writer);
}

static void refuses_more_words_than_libc_has(void **state)
{
	(void)state;
	char words[SEEP_FATAL_FREE_MESSAGE_MAX_BYTES + 2];

	memset(words, 'w', sizeof(words));
	words[sizeof(words) - 1] = '\0';
	expect_refused(sound, words);
}

static void makes_words_harmless(void **state)
{
	(void)state;
	struct profile_writer writer;
	struct profile *profile = read_with(&writer, sound, "free\033[2J\n\xff");

	assert_string_equal(profile->fatal_free->message, "free?[2J??");
	profile_free(profile);
	profile_writer_free(&writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(believes_what_fits_together),
		cmocka_unit_test(refuses_stacks_that_there_are_not),
		cmocka_unit_test(refuses_a_place_outside_of_its_block),
		cmocka_unit_test(refuses_more_words_than_libc_has),
		cmocka_unit_test(makes_words_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
