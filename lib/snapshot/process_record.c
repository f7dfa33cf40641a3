/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_record: who this process is and how it is recorded, as a record of the file.
 *
 *   Runs in   the target at its start, or a forked child before its first snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    4 KiB static; a buffer
 *   Calls     readlinkat, open, read; what snapshot_file calls
 *   Failure   a negative errno value; what is not known of the process is left out
 */
#include "lib/snapshot/process_record.h"

#include "lib/base/buffer.h"
#include "lib/base/options.h"
#include "lib/base/syscalls.h"
#include "lib/base/text.h"
#include "lib/record/recorder.h"
#include "lib/record/sampler.h"
#include "lib/snapshot/process_facts.h"
#include "lib/snapshot/site_totals.h"
#include "lib/snapshot/snapshot_file.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

int process_record_append(void)
{
	struct seep_process process = {
		.struct_bytes = sizeof(process),
		.pid = process_facts.pid,
		.parent_pid = process_facts.parent_pid,
		.forked_from = process_facts.forked_from,
		.inherited_epoch = recorder_inherited_epoch,
		.stack_depth = options.stack_depth,
		.flags = (options.tracks_mmap ? SEEP_PROCESS_TRACKS_MMAP : 0) |
			 (process_facts.has_own_malloc ? SEEP_PROCESS_HAS_OWN_MALLOC : 0) |
			 (process_facts.follows_allocator ? SEEP_PROCESS_FOLLOWS_ALLOCATOR : 0),
		.interval_ns = options.interval_ns,
		.start_ticks = process_facts.start_ticks,
		.sample_bytes = sampler_is_on ? sampler_mean_bytes : 0,
		.single_epochs = SITE_TOTALS_SINGLE_EPOCHS,
	};
	struct buffer command = {0}, payload = {0};
	static char exe[4096]; /* once per process, and thread stacks are small */
	long exe_bytes = sys_call(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", exe, sizeof(exe));
	long command_bytes = 0;
	int result;

	if (options.stores_command_line && buffer_reserve(&command, 32 << 10))
		command_bytes = sys_read_file("/proc/self/cmdline", command.start, 32 << 10);
	process.exe_bytes = exe_bytes > 0 ? (uint32_t)exe_bytes : 0;
	process.name_bytes = (uint32_t)text_bytes(process_facts.name);
	process.command_bytes = command_bytes > 0 ? (uint32_t)command_bytes : 0;
	buffer_add(&payload, &process, sizeof(process));
	buffer_add(&payload, exe, process.exe_bytes);
	buffer_add(&payload, process_facts.name, process.name_bytes);
	buffer_add(&payload, command.start, process.command_bytes);
	result = snapshot_file_append_buffer(SEEP_RECORD_PROCESS, 0, &payload);
	buffer_release(&command);
	return result;
}
