/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols: from module + address to function, file, line and inlined frames, with elfutils.
 *
 * Finds separate debug files by build-id and .gnu_debuglink, and asks debuginfod when the user has
 * set DEBUGINFOD_URLS. Demangles C++ and Rust. Works on another machine than the target's when the
 * modules are there under `sysroot`. A module whose file has another build-id than the one that ran
 * is not used: its frames stay module+offset and the mismatch is noted once.
 */
#ifndef SEEP_SYMBOLS_H
#define SEEP_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct report;

struct symbols_options {
	const char *sysroot;	/* prefix for module paths; null for none */
	bool show_progress;	/* a progress line on stderr when it takes longer than a second */
	bool has_modules_only;	/* look nothing up: frames are module and offset */
	const char *debug_path; /* where debug files are, as elfutils has it; null for the default,
				 * ":.debug:/usr/lib/debug" */
};

struct symbols; /* caches what was opened; one per command */

struct symbols *symbols_new(const struct symbols_options *options);
void symbols_free(struct symbols *symbols);

#define SYMBOLS_OF_ALL_SITES SIZE_MAX

/* Fills in frames, wrapper marks and ids of the first `site_limit` sites and entries, and of what is shown
 * beside them. Unknown things stay null; only lack of memory is an error. */
int symbols_resolve(struct symbols *symbols, struct report *report, size_t site_limit,
		    struct error *error);

/* Makes report->wrong_frees: memory that was given back by another family than the one it is from. Reads
 * debug information only where there is some. What was found
 * before stays as it is. Only lack of memory is an error. */
int symbols_find_wrong_frees(struct symbols *symbols, struct report *report, struct error *error);

/* Notes for the user about modules that could not be used; null-terminated array of sentences,
 * owned by `symbols`. */
const char *const *symbols_notes(const struct symbols *symbols);

#endif
