/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_alert_log: which alerts of a file are believed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/profile_writer.h"
#include "tools/model/profile.h"

/* Each is set beside each site that crosses a threshold. */
static void no_more_alerts_are_read_than_the_library_writes(void **state)
{
	(void)state;
	struct profile_writer writer;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 4711, "server");
	for (uint64_t i = 0; i < 1030; i++)
		profile_writer_alert(&writer, (struct seep_alert){.snapshot = 1,
								  .kind = SEEP_ALERT_LIVE,
								  .value = i + 1,
								  .limit = 1});
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->alert_count, 1024);
	assert_int_equal(profile->alerts[1023].raw.value, 1024);
	assert_int_equal(profile->damage.damaged_records, 6);
	profile_free(profile);
	profile_writer_free(&writer);
}

static void alerts_without_a_site_or_of_unknown_kinds_are_left_out(void **state)
{
	static const struct seep_alert alerts[] = {
		{.kind = 0},
		{.kind = SEEP_ALERT_LIVE, .stack = 1}, /* of the process, and yet of a site */
		{.kind = SEEP_ALERT_SITE_LIVE},
		{.kind = SEEP_ALERT_SITE_LIVE, .stack = 99},
		{.kind = 77, .value = 1},
		{.kind = SEEP_ALERT_HEAP_SHARE, .value = 900, .limit = 800},
	};
	struct profile_writer writer;

	(void)state;
	profile_writer_start(&writer);
	profile_writer_process(&writer, 1, "p");
	for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++)
		profile_writer_alert(&writer, alerts[i]);
	struct profile *profile = profile_writer_read(&writer);
	assert_int_equal(profile->alert_count, 1);
	assert_int_equal(profile->alerts[0].raw.value, 900);
	/* The kinds are a later version's; the stacks are nonsense. */
	assert_int_equal(profile->damage.damaged_records, 3);
	profile_free(profile);
	profile_writer_free(&writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_more_alerts_are_read_than_the_library_writes),
		cmocka_unit_test(alerts_without_a_site_or_of_unknown_kinds_are_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
