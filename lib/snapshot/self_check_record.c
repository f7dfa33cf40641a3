/* SPDX-License-Identifier: Apache-2.0 */
/*
 * self_check_record: what the self-check has found, as a record of the file.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    what was found last, static; a buffer
 *   Calls     what snapshot_file calls
 *   Failure   a negative errno value; the next snapshot tries again
 */
#include "lib/snapshot/self_check_record.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/options.h"
#include "lib/record/self_check.h"
#include "lib/snapshot/snapshot_file.h"
#include "lib/snapshot/stack_records.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

static struct self_check_results written; /* last, if has_written */
static bool has_written;

static bool has_its_stacks(const struct self_check_difference *difference)
{
	return difference->ours < stack_records_end() &&
	       difference->libunwinds < stack_records_end();
}

int self_check_record_append(uint64_t time_ns)
{
	struct seep_self_check head = {.struct_bytes = sizeof(head),
				       .difference_bytes = sizeof(struct seep_difference),
				       .one_in = options.selfcheck_one_in};
	struct self_check_results checks;
	struct buffer payload = {0};
	int result;

	if (options.selfcheck_one_in == 0)
		return 0;
	self_check_read(&checks);
	if (has_written && memcmp(&checks, &written, sizeof(checks)) == 0)
		return 0;
	head.flags = checks.state == SELF_CHECK_HAS_NO_LIBUNWIND ? SEEP_SELF_CHECK_HAS_NO_LIBUNWIND
		     : checks.state == SELF_CHECK_OVER		 ? SEEP_SELF_CHECK_IS_OVER
								 : 0;
	for (int i = 0; i < SELF_CHECK_OUTCOMES; i++)
		head.compared += checks.outcomes[i];
	head.different = checks.outcomes[SELF_CHECK_DIFFERENT];
	head.libunwind_gave_up = checks.outcomes[SELF_CHECK_GAVE_UP];
	head.cut = checks.outcomes[SELF_CHECK_CUT];
	head.skipped = checks.skipped;
	for (uint32_t i = 0; i < checks.difference_count; i++)
		head.difference_count += has_its_stacks(&checks.differences[i]);
	buffer_add(&payload, &head, sizeof(head));
	for (uint32_t i = 0; i < checks.difference_count; i++) {
		const struct self_check_difference *difference = &checks.differences[i];
		struct seep_difference entry = {.ours = difference->ours,
						.libunwind = difference->libunwinds,
						.thread_id = difference->thread_id,
						.count = difference->count};

		if (has_its_stacks(difference))
			buffer_add(&payload, &entry, sizeof(entry));
	}
	result = snapshot_file_append_buffer(SEEP_RECORD_SELF_CHECK, time_ns, &payload);
	if (result == 0 && head.difference_count == checks.difference_count) {
		written = checks;
		has_written = true;
	}
	return result;
}

void self_check_record_postfork_child(void)
{
	has_written = false;
}
