/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib_written: what the library under test has written, as the tool reads it.
 */
#include "tests/support/lib_written.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/snapshot/snapshot_file.h"
#include "tools/model/error.h"
#include "tools/model/profile.h"

struct profile *lib_written_read(void)
{
	struct error error = {""};
	struct profile *profile;

	if (profile_read(snapshot_file_path(), &profile, &error) != 0)
		fail_msg("%s", error.text);
	assert_int_equal(profile->damage.damaged_records, 0);
	assert_int_equal(profile->damage.skipped_bytes, 0);
	assert_false(profile->damage.tail_is_torn);
	return profile;
}
