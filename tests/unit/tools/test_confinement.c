/* SPDX-License-Identifier: Apache-2.0 */
/* What AppArmor and SELinux say of a process, in the kernel's own words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tools/commands/confinement.h"

static FILE *stream_of(const char *text)
{
	FILE *stream = tmpfile();

	assert_non_null(stream);
	fputs(text, stream);
	rewind(stream);
	return stream;
}

static void assert_process(const char *current, const char *profile)
{
	char found[CONFINEMENT_BYTES];
	FILE *stream = stream_of(current);
	bool is_confined = confinement_read_process(stream, found);

	fclose(stream);
	assert_int_equal(is_confined, profile != NULL);
	if (profile)
		assert_string_equal(found, profile);
}

static void knows_a_confined_process(void **state)
{
	(void)state;
	assert_process("", NULL);
	assert_process("unconfined\n", NULL);
	assert_process("/usr/sbin/mysqld (enforce)\n", "/usr/sbin/mysqld");
	assert_process("docker-default (enforce)", "docker-default");
	assert_process("/usr/sbin/mysqld (complain)\n", NULL);
	assert_process(" (enforce)\n", NULL);
	assert_process("unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023", NULL);
	assert_process("system_u:system_r:kernel_t:s0", NULL);
	assert_process("system_u:system_r:httpd_t:s0\n", "system_u:system_r:httpd_t:s0");
	assert_process("kernel\n", NULL);
}

static void finds_the_profile_of_a_program(void **state)
{
	static const char profiles[] = "/usr/bin/man (enforce)\n"
				       "/usr/sbin/ntpd (complain)\n"
				       "lsb_release (enforce)\n";
	char found[CONFINEMENT_BYTES];

	(void)state;
	FILE *stream = stream_of(profiles);
	assert_true(confinement_read_profiles(stream, "/usr/bin/man", found));
	assert_string_equal(found, "/usr/bin/man");
	rewind(stream);
	assert_false(confinement_read_profiles(stream, "/usr/sbin/ntpd", found));
	rewind(stream);
	assert_false(confinement_read_profiles(stream, "/usr/bin/ma", found));
	fclose(stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_a_confined_process),
		cmocka_unit_test(finds_the_profile_of_a_program),
	};

	return cmocka_run_group_tests_name("confinement", tests, NULL, NULL);
}
