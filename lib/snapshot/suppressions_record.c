/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suppressions_record: what the program itself says is no leak, as a record of the file.
 *
 * It is asked once, when it starts. A child that is forked later may have lost the library that had the
 * text.
 *
 *   Runs in   the target at its start, or a forked child before its first snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    region: as long as the text; kept on fork. A buffer
 *   Calls     mmap; what snapshot_file calls
 *   Failure   a negative errno value; without memory there is no text
 */
#include "lib/snapshot/suppressions_record.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/region.h"
#include "lib/snapshot/snapshot_file.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

static char *kept;
static uint32_t kept_bytes;

void suppressions_record_note(const char *text)
{
	size_t bytes = 0, whole = 0;

	while (bytes < SEEP_SUPPRESSIONS_MAX_BYTES && text[bytes] != 0) {
		bytes++;
		if (text[bytes - 1] == '\n' || text[bytes] == 0)
			whole = bytes;
	}
	if (whole == 0)
		return;
	kept = region_map(whole, REGION_KEPT_ON_FORK);
	if (kept == NULL)
		return;
	memcpy(kept, text, whole);
	kept_bytes = (uint32_t)whole;
}

int suppressions_record_append(void)
{
	struct seep_suppressions head = {.struct_bytes = sizeof(head), .text_bytes = kept_bytes};
	struct buffer payload = {0};

	if (kept_bytes == 0)
		return 0;
	buffer_add(&payload, &head, sizeof(head));
	buffer_add(&payload, kept, kept_bytes);
	return snapshot_file_append_buffer(SEEP_RECORD_SUPPRESSIONS, 0, &payload);
}
