/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_text: how one line of a stack is called and where it is.
 */
#include "tools/output/frame_text.h"

#include <inttypes.h>
#include <string.h>

#include "tools/model/path_base.h"
#include "tools/model/profile.h"

const char *frame_name(const struct frame *frame, char *buffer)
{
	if (frame->function && *frame->function)
		return frame->function;
	if (frame->module && *frame->module)
		snprintf(buffer, FRAME_NAME_BYTES, "%s+0x%" PRIx64, path_base(frame->module),
			 frame->offset);
	else
		snprintf(buffer, FRAME_NAME_BYTES, "0x%" PRIx64, frame->offset);
	return buffer;
}

/* Names that half of the files of a language have. */
static bool says_nothing(const char *base)
{
	static const char *const names[] = {"mod.rs", "lib.rs",	 "main.rs",
					    "main.c", "main.cc", "main.cpp"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(base, names[i]) == 0)
			return true;
	return false;
}

static bool is_ambiguous(const struct report_site *site, const char *file)
{
	const char *base = path_base(file);

	if (says_nothing(base))
		return true;
	for (size_t i = 0; i < site->frame_count; i++) {
		const char *other = site->frames[i].file;
		if (other && strcmp(path_base(other), base) == 0 && strcmp(other, file) != 0)
			return true;
	}
	return false;
}

/* The last two components. */
static const char *with_folder(const char *file)
{
	const char *base = path_base(file);
	const char *folder = base > file ? base - 1 : file;

	while (folder > file && folder[-1] != '/')
		folder--;
	return folder;
}

static bool is_executable(const struct report_site *site, const char *module)
{
	const struct profile *profile = site->profile;

	if (!profile)
		return false;
	if (profile->exe && strcmp(profile->exe, module) == 0)
		return true;
	for (size_t i = 0; i < profile->module_count; i++)
		if ((profile->modules[i].flags & SEEP_MODULE_IS_EXECUTABLE) &&
		    profile->modules[i].path && strcmp(profile->modules[i].path, module) == 0)
			return true;
	return false;
}

const char *frame_place(const struct report_site *site, const struct frame *frame, char *buffer)
{
	bool has_function = frame->function && *frame->function;
	int used = 0;

	buffer[0] = 0;
	if (frame->is_pseudo)
		return buffer;
	if (frame->file && *frame->file) {
		const char *file = is_ambiguous(site, frame->file) ? with_folder(frame->file)
								   : path_base(frame->file);
		used = snprintf(buffer, FRAME_PLACE_BYTES, "%.255s", file);
		if (frame->line > 0)
			used += snprintf(buffer + used, FRAME_PLACE_BYTES - (size_t)used, ":%d",
					 frame->line);
		if (frame->module && !is_executable(site, frame->module))
			snprintf(buffer + used, FRAME_PLACE_BYTES - (size_t)used, " (%.255s)",
				 path_base(frame->module));
	} else if (has_function && frame->module) {
		snprintf(buffer, FRAME_PLACE_BYTES, "(%.255s)", path_base(frame->module));
	}
	return buffer;
}

const char *frame_place_in_stack(const struct report_site *site, const struct frame *frame,
				 char *buffer)
{
	frame_place(site, frame, buffer);
	if (frame->is_inlined && !frame->is_pseudo) {
		size_t used = strlen(buffer);
		snprintf(buffer + used, FRAME_PLACE_BYTES - used, "%sinlined", used ? " " : "");
	}
	return buffer;
}
