/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module_debug: a module of the run, found again on this machine.
 *
 * A path alone proves nothing: packages are upgraded and programs rebuilt while they run, and a
 * wrong line is worse than none. So every candidate must have the build-id that the library saw in
 * the process's memory. Candidates, the likely ones first: the path (under the sysroot); for a
 * process that still runs, the path in its own mount namespace and /proc/PID/exe, which reaches
 * even a deleted program; then, by build-id alone, what the debug directories and debuginfod have.
 */
#include "tools/symbols/module_debug.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <elfutils/libdwelf.h>

#include "tools/model/named_file.h"
#include "tools/model/profile.h"
#include "tools/symbols/progress_line.h"

#define DEFAULT_DEBUG_PATH ":.debug:/usr/lib/debug"
#define DEBUGINFOD_URLS "DEBUGINFOD_URLS"
#define DEBUGINFOD_LIBRARY "libdebuginfod.so.1"

/* ---- debuginfod ---- */

/* libdw loads libdebuginfod itself and only where it is installed; so do we, for the progress.
 * Declared as in elfutils/debuginfod.h, which is another package. */
typedef int debuginfod_progress(debuginfod_client *client, long done, long total);
struct debuginfod_calls {
	void (*set_progressfn)(debuginfod_client *, debuginfod_progress *);
	void (*set_user_data)(debuginfod_client *, void *);
	void *(*get_user_data)(debuginfod_client *);
	int (*find_debuginfo)(debuginfod_client *, const unsigned char *, int, char **);
};

static const struct debuginfod_calls *debuginfod_calls_or_null(void)
{
	static struct debuginfod_calls calls;
	static bool is_tried;
	if (!is_tried) {
		is_tried = true;
		const char *urls = getenv(DEBUGINFOD_URLS);
		void *library = urls && urls[0] ? dlopen(DEBUGINFOD_LIBRARY, RTLD_LAZY) : NULL;
		if (library) {
			calls.set_progressfn = dlsym(library, "debuginfod_set_progressfn");
			calls.set_user_data = dlsym(library, "debuginfod_set_user_data");
			calls.get_user_data = dlsym(library, "debuginfod_get_user_data");
			calls.find_debuginfo = dlsym(library, "debuginfod_find_debuginfo");
		}
	}
	bool is_complete = calls.set_progressfn && calls.set_user_data && calls.get_user_data &&
			   calls.find_debuginfo;
	return is_complete ? &calls : NULL;
}

static int show_download(debuginfod_client *client, long done, long total)
{
	struct module_debug *debug = debuginfod_calls_or_null()->get_user_data(client);
	if (total > 0 && done > 0)
		progress_line_tick(debug->progress, "fetching %s: %ld of %ld KiB", debug->path,
				   done >> 10, total >> 10);
	else
		progress_line_tick(debug->progress, "asking debuginfod for %s", debug->path);
	return 0;
}

/* The client of this module's session, told to show its progress; null where there is none. */
static debuginfod_client *prepare_debuginfod(struct module_debug *debug)
{
	const struct debuginfod_calls *calls = debuginfod_calls_or_null();
	debuginfod_client *client = calls ? dwfl_get_debuginfod_client(debug->dwfl) : NULL;
	if (client) {
		calls->set_user_data(client, debug);
		calls->set_progressfn(client, show_download);
	}
	return client;
}

/* ---- callbacks of libdwfl ---- */

/* Never asked: the ELF file is reported open. */
static int find_no_elf(Dwfl_Module *module, void **context, const char *name, Dwarf_Addr base,
		       char **file, Elf **elf)
{
	(void)module, (void)context, (void)name, (void)base, (void)file, (void)elf;
	return -1;
}

static int find_debug_file(Dwfl_Module *module, void **context, const char *name, Dwarf_Addr base,
			   const char *file, const char *link, GElf_Word link_crc, char **found)
{
	struct module_debug *debug = *context;
	if (debug) {
		progress_line_tick(debug->progress, "%s", debug->path);
		prepare_debuginfod(debug);
	}
	return dwfl_standard_find_debuginfo(module, context, name, base, file, link, link_crc,
					    found);
}

/* ---- candidates ---- */

enum candidate_answer { CANDIDATE_TAKEN, CANDIDATE_ABSENT, CANDIDATE_OTHER_BUILD, CANDIDATE_BAD };

static bool has_build_id_of(Elf *elf, const struct module *module)
{
	const void *build_id = NULL;
	ssize_t bytes = dwelf_elf_gnu_build_id(elf, &build_id);
	if (bytes < 0)
		bytes = 0;
	return (size_t)bytes == module->build_id_bytes &&
	       (bytes == 0 || memcmp(build_id, module->build_id, (size_t)bytes) == 0);
}

static enum candidate_answer examine(int file, const struct module *module, struct stat *status)
{
	/* A directory, a FIFO or a device is not what was mapped. */
	if (fstat(file, status) != 0 || !S_ISREG(status->st_mode))
		return CANDIDATE_BAD;
	Elf *elf = elf_begin(file, ELF_C_READ_MMAP, NULL);
	if (!elf)
		return CANDIDATE_BAD;
	enum candidate_answer answer = CANDIDATE_BAD;
	if (elf_kind(elf) == ELF_K_ELF)
		answer = has_build_id_of(elf, module) ? CANDIDATE_TAKEN : CANDIDATE_OTHER_BUILD;
	elf_end(elf);
	return answer;
}

/* Opens `path` and, when it is the module that ran, hands it to libdwfl. */
static enum candidate_answer try_file(struct module_debug *debug, const struct module *module,
				      const struct module_search *search, const char *path)
{
	int file = named_file_open_harmless(path);
	if (file < 0)
		return file == -ENOENT || file == -ENOTDIR ? CANDIDATE_ABSENT : CANDIDATE_BAD;

	struct stat status;
	enum candidate_answer answer = examine(file, module, &status);
	if (answer != CANDIDATE_TAKEN) {
		close(file);
		return answer;
	}
	/* With base 0 and add_p_vaddr the session counts addresses as the ELF file does. */
	dwfl_report_begin(debug->dwfl);
	debug->dwfl_module = dwfl_report_elf(debug->dwfl, debug->path, path, file, 0, true);
	if (!debug->dwfl_module)
		close(file);
	dwfl_report_end(debug->dwfl, NULL, NULL);
	if (!debug->dwfl_module)
		return CANDIDATE_BAD;

	void **context;
	dwfl_module_info(debug->dwfl_module, &context, NULL, NULL, NULL, NULL, NULL, NULL);
	*context = debug;
	uint64_t written_ns =
		(uint64_t)status.st_mtim.tv_sec * 1000000000ull + (uint64_t)status.st_mtim.tv_nsec;
	debug->is_newer_than_run = module->build_id_bytes == 0 && search->started_unix_ns != 0 &&
				   written_ns > search->started_unix_ns;
	return CANDIDATE_TAKEN;
}

__attribute__((format(printf, 4, 5))) static enum candidate_answer
try_format(struct module_debug *debug, const struct module *module,
	   const struct module_search *search, const char *format, ...)
{
	char *path;
	va_list arguments;
	va_start(arguments, format);
	int bytes = vasprintf(&path, format, arguments);
	va_end(arguments);
	if (bytes < 0)
		return CANDIDATE_BAD;
	enum candidate_answer answer = try_file(debug, module, search, path);
	free(path);
	return answer;
}

/* DIR/.build-id/ab/cdef… holds programs, …debug their debug files; either will do. */
static bool try_build_id(struct module_debug *debug, const struct module *module,
			 const struct module_search *search)
{
	char name[2 * 64 + 2];
	if (module->build_id_bytes < 2 || module->build_id_bytes > 64)
		return false;
	for (size_t i = 0, at = 0; i < module->build_id_bytes; i++) {
		at += (size_t)sprintf(name + at, "%02x", module->build_id[i]);
		if (i == 0)
			name[at++] = '/';
	}

	const char *part = debug->debug_path;
	while (*part) {
		size_t bytes = strcspn(part, ":");
		const char *folder = part;
		int folder_bytes = (int)bytes;
		part += bytes + (part[bytes] == ':');
		if (folder_bytes > 0 && (*folder == '+' || *folder == '-'))
			folder++, folder_bytes--;
		if (folder_bytes == 0 || *folder != '/')
			continue; /* relative to a file that is not there */
		static const char *const suffixes[] = {"", ".debug"};
		for (size_t i = 0; i < 2; i++)
			if (try_format(debug, module, search, "%.*s/.build-id/%s%s", folder_bytes,
				       folder, name, suffixes[i]) == CANDIDATE_TAKEN)
				return true;
	}

	debuginfod_client *client = prepare_debuginfod(debug);
	char *path = NULL;
	int file = client ? debuginfod_calls_or_null()->find_debuginfo(
				    client, module->build_id, (int)module->build_id_bytes, &path)
			  : -1;
	if (file < 0)
		return false;
	close(file);
	bool is_taken = try_file(debug, module, search, path) == CANDIDATE_TAKEN;
	free(path);
	return is_taken;
}

static enum module_state find_file(struct module_debug *debug, const struct module *module,
				   const struct module_search *search)
{
	const char *root = search->sysroot ? search->sysroot : "";
	enum candidate_answer first =
		try_format(debug, module, search, "%s%s%s", root,
			   *root && *module->path != '/' ? "/" : "", module->path);
	if (first == CANDIDATE_TAKEN)
		return MODULE_USABLE;
	if (search->running_pid) {
		if (try_format(debug, module, search, "/proc/%u/root%s", search->running_pid,
			       module->path) == CANDIDATE_TAKEN)
			return MODULE_USABLE;
		if (module->flags & SEEP_MODULE_IS_EXECUTABLE &&
		    try_format(debug, module, search, "/proc/%u/exe", search->running_pid) ==
			    CANDIDATE_TAKEN)
			return MODULE_USABLE;
	}
	if (try_build_id(debug, module, search))
		return MODULE_USABLE;
	return first == CANDIDATE_ABSENT	? MODULE_GONE
	       : first == CANDIDATE_OTHER_BUILD ? MODULE_CHANGED
						: MODULE_UNREADABLE;
}

/* The debug directories of this machine and of the target's world. */
static char *make_debug_path(const struct module_search *search)
{
	const char *rest = search->debug_path ? search->debug_path : DEFAULT_DEBUG_PATH;
	char *path;
	int bytes;
	if (search->sysroot)
		bytes = asprintf(&path, "%s:%s/usr/lib/debug", rest, search->sysroot);
	else if (search->running_pid)
		bytes = asprintf(&path, "%s:/proc/%u/root/usr/lib/debug", rest,
				 search->running_pid);
	else
		bytes = asprintf(&path, "%s", rest);
	return bytes < 0 ? NULL : path;
}

struct module_debug *module_debug_open(const struct module *module,
				       const struct module_search *search)
{
	elf_version(EV_CURRENT);
	struct module_debug *debug = calloc(1, sizeof(*debug));
	if (!debug)
		return NULL;
	debug->state = MODULE_NO_FILE;
	debug->progress = search->progress;
	debug->path = strdup(module->path ? module->path : "");
	debug->debug_path = make_debug_path(search);
	debug->callbacks = (Dwfl_Callbacks){
		.find_elf = find_no_elf,
		.find_debuginfo = find_debug_file,
		.debuginfo_path = &debug->debug_path,
	};
	if (!debug->path || !debug->debug_path || !(debug->dwfl = dwfl_begin(&debug->callbacks))) {
		module_debug_free(debug);
		return NULL;
	}
	if (debug->path[0] != '\0' && !(module->flags & SEEP_MODULE_IS_VDSO))
		debug->state = find_file(debug, module, search);
	return debug;
}

void module_debug_free(struct module_debug *debug)
{
	if (!debug)
		return;
	if (debug->dwfl)
		dwfl_end(debug->dwfl);
	free(debug->debug_path);
	free(debug->path);
	free(debug);
}
