/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module_records: which objects were loaded and unloaded, as records of the file.
 *
 *   Runs in   whoever takes a snapshot
 *   Locks     none of its own: callers hold LOCK_SNAPSHOT
 *   Memory    64 KiB static, of which pages appear as modules do; a buffer
 *   Calls     what snapshot_file calls
 *   Failure   a negative errno value; the next call writes what is missing
 */
#include "lib/snapshot/module_records.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "lib/base/text.h"
#include "lib/record/module_list.h"
#include "lib/snapshot/snapshot_file.h"
#include "seep/snapshot_format.h"

#include "lib/base/poison.h"

/* What the file has. */
static struct {
	uint32_t modules, version;
	bool is_unloaded[65536]; /* by module: its unload has been written */
} written;

static void add_module(struct buffer *payload, uint32_t id)
{
	const struct loaded_module *module = module_list_at(id);
	size_t path_bytes = text_bytes(module->path);
	struct seep_module head = {
		.struct_bytes = sizeof(head),
		.id = id,
		.generation = module->generation,
		.loaded_epoch = module->loaded_epoch,
		.load_bias = module->load_bias,
		.start = module->start,
		.end = module->end,
		.flags = module->flags,
		.build_id_bytes = module->build_id_bytes,
		.path_bytes = (uint16_t)(path_bytes < UINT16_MAX ? path_bytes : UINT16_MAX),
	};

	buffer_add(payload, &head, sizeof(head));
	buffer_add(payload, module->build_id, module->build_id_bytes);
	buffer_add(payload, module->path, head.path_bytes);
	buffer_pad(payload, 8);
}

int module_records_append(uint64_t time_ns)
{
	uint32_t version = module_list_version(), count = module_list_count();
	struct buffer added = {0}, removed = {0};
	int result;

	if (written.version == version && written.modules == count)
		return 0;
	for (uint32_t id = written.modules; id < count; id++)
		add_module(&added, id);
	result = snapshot_file_append_buffer(SEEP_RECORD_MODULES, time_ns, &added);
	if (result != 0)
		return result;
	written.modules = count;
	for (uint32_t id = 0; id < count; id++) {
		struct seep_module_unload unload = {
			.id = id, .epoch = atomic_load(&module_list_at(id)->unloaded_epoch)};

		if (unload.epoch == 0 || written.is_unloaded[id])
			continue;
		buffer_add(&removed, &unload, sizeof(unload));
	}
	result = snapshot_file_append_buffer(SEEP_RECORD_MODULE_UNLOAD, time_ns, &removed);
	if (result != 0)
		return result;
	for (uint32_t id = 0; id < count; id++)
		written.is_unloaded[id] = atomic_load(&module_list_at(id)->unloaded_epoch) != 0;
	written.version = version;
	return 0;
}

void module_records_postfork_child(void)
{
	memset(&written, 0, sizeof(written));
}
